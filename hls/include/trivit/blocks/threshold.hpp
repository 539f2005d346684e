// The search for the largest sums, digit by digit from the top: how far a threshold may rise while
// enough sums still reach it, and which ties are kept.
#ifndef TRIVIT_BLOCKS_THRESHOLD_HPP
#define TRIVIT_BLOCKS_THRESHOLD_HPP

#include "commands.hpp"

namespace trivit {
namespace blocks {

static const int kSelectDigit = 2;  // bits of the threshold that a pass finds

static_assert(kMaxHeads * 32767 < (1 << kScoreBits), "the search covers every head sum");
static_assert(kScoreBits % kSelectDigit == 0, "passes find whole digits of the threshold");

static const int kSearchPasses = kScoreBits / kSelectDigit;
static const int kCandidates = (1 << kSelectDigit) - 1;  // thresholds that a pass tries

typedef ap_uint<32> Found;  // a threshold in 19:0, how many sums are above it in 31:22

// How many of the lanes below `lane` are set.
template <int kFlags>
ap_uint<5> count_below(const ap_uint<kFlags>& flags, int lane) {
#pragma HLS INLINE
    static_assert(kFlags < 32, "the count fits five bits");
    ap_uint<5> count = 0;
    for (int below = 0; below < lane; ++below) {
#pragma HLS UNROLL
        count += flags[below] ? 1 : 0;
    }
    return count;
}

// A pass over the sums counts for all candidates of a digit at once. The last candidate that too
// few reached is threshold + 1, so its count says how many ties are kept, lowest lane first, by a
// last pass. `Fields` names `Keep`; fewer valid sums are all kept. Recurs: counts of a pass.
template <class Fields, int kSums>
struct ThresholdSearch {
    typedef ap_uint<kSums * kScoreBits> Sums;
    typedef ap_uint<kSums> Flags;

    // Returns the threshold with the digit of pass `p`: what all words of the pass, of which this
    // is the first if it `begins`, and the last, decide.
    Found count(const Command& command, const Sums& sums, const Flags& valid, const Found& found,
                const ap_uint<4>& p, bool begins) {
#pragma HLS INLINE
        // The digits from this one down are 0 in `low`.
        const ap_uint<kScoreBits> low = found.range(kScoreBits - 1, 0);
        ap_uint<kSelectDigit> digit = 0;
        ap_uint<10> more = found.range(31, 22);
        for (int candidate = 0; candidate < kCandidates; ++candidate) {
#pragma HLS UNROLL
            const ap_uint<kScoreBits> step = ap_uint<kScoreBits>(candidate + 1)
                                             << (kScoreBits - kSelectDigit);
            const ap_uint<kScoreBits> least = low | (step >> ap_uint<5>(p * kSelectDigit));
            Flags reach = 0;
            for (int lane = 0; lane < kSums; ++lane) {
#pragma HLS UNROLL
                const ap_uint<kScoreBits> sum =
                    sums.range(kScoreBits * lane + kScoreBits - 1, kScoreBits * lane);
                reach[lane] = valid[lane] && sum >= least;
            }
            const ap_uint<10> before = begins ? ap_uint<10>(0) : reached[candidate];
            reached[candidate] = before + count_below(reach, kSums);
            if (reached[candidate] >= Fields::Keep::of(command)) digit = candidate + 1;
        }
        for (int candidate = 0; candidate < kCandidates; ++candidate) {
#pragma HLS UNROLL
            if (digit == candidate) more = reached[candidate];
        }
        const ap_uint<kScoreBits> step = ap_uint<kScoreBits>(digit) << (kScoreBits - kSelectDigit);
        Found decided = 0;
        decided.range(kScoreBits - 1, 0) = low | (step >> ap_uint<5>(p * kSelectDigit));
        decided.range(31, 22) = more;
        return decided;
    }

    // Sums above the threshold, and the first ties.
    Flags keep(const Command& command, const Sums& sums, const Flags& valid, const Found& found,
               bool begins) {
#pragma HLS INLINE
        const ap_uint<kScoreBits> low = found.range(kScoreBits - 1, 0);
        const ap_uint<10> opened = begins ? ap_uint<10>(0) : ties;
        const ap_uint<10> wanted = Fields::Keep::of(command) - ap_uint<10>(found.range(31, 22));
        Flags tie = 0;
        Flags result = 0;
        for (int lane = 0; lane < kSums; ++lane) {
#pragma HLS UNROLL
            const ap_uint<kScoreBits> sum =
                sums.range(kScoreBits * lane + kScoreBits - 1, kScoreBits * lane);
            tie[lane] = valid[lane] && sum == low;
            result[lane] = valid[lane] && sum > low;
        }
        for (int lane = 0; lane < kSums; ++lane) {
#pragma HLS UNROLL
            if (tie[lane] && opened + count_below(tie, lane) < wanted) result[lane] = 1;
        }
        ties = opened + count_below(tie, kSums);
        return result;
    }

    ap_uint<10> reached[kCandidates];
    ap_uint<10> ties;
};

}  // namespace blocks
}  // namespace trivit

#endif
