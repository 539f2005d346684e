// Softmax of a group of eight score rows (docs/numerics.md, attention).
#ifndef TRIVIT_SOFTMAX_HPP
#define TRIVIT_SOFTMAX_HPP

#include "../../generated/tables.hpp"
#include "lanes.hpp"
#include "mac_array.hpp"

namespace trivit {

static const int kExpSteps = 256;
static const int kReciprocalSteps = 512;
static const int32_t kExpVanishes = 25;  // halvings after which e rounds to 0 at 24 fraction bits

static_assert(sizeof(kExp2Table) / sizeof(kExp2Table[0]) == kExpSteps + 1, "[0, 1], both ends");
static_assert(sizeof(kRecipTable) / sizeof(kRecipTable[0]) == kReciprocalSteps + 1,
              "[1, 2], both ends");

// Below every sum, so that selection tells a closed key from a live one of probability zero.
static const int32_t kClosedSum = -1;

// Sums over heads for the selectors. Row i, key j; eight keys of kSoftmaxRows rows change per
// cycle.
struct ScoreMemory {
    int32_t sum[kMaxTokens][kMaxTokens];
};

// What passes from process to process, for some steps at once: with two buffers a process would
// wait for the latency of the next one.
struct SoftmaxMemory {
    word_t score[kSoftmaxBuffers][kBanks][kMaxRowWords];
    uint8_t open[kSoftmaxBuffers][kBanks]
                [kMaxRowWords];             // bit per lane: the key exists and is open
    int16_t peak[kSoftmaxBuffers][kBanks];  // largest open score; -32768 when nothing is open
    int32_t exponential[kSoftmaxBuffers][kBanks][kMaxRowWords][kLanes];
    uint8_t live[kSoftmaxBuffers][kBanks][kMaxRowWords];  // `open`, passed on with the exponentials
    uint64_t sum[kSoftmaxBuffers][kBanks];
};

struct SoftmaxFormat {
    uint32_t exp_multiplier;
    uint32_t exp_shift;
    uint32_t prob_frac;
};

// Which sums over heads a group contributes to.
struct ScoreTarget {
    bool enabled;
    bool only_cls;    // row 0 alone
    bool first_head;  // overwrite instead of add
    uint32_t group;
    uint32_t tokens;
};

// exp(scale * -distance) at 24 fraction bits. Not inlined in hardware: each lane owns its table.
TRIVIT_SHARED_UNIT Int exponential(Int distance, const SoftmaxFormat& format) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II = 1
#pragma HLS BIND_STORAGE variable = kExp2Table type = rom_2p impl = lutram
    const Int t = quotient(scaled<18, 25>(distance, int32_t(format.exp_multiplier)),
                           format.exp_shift, kExpVanishes << 20);
    const Int index = (t >> 12) & 255;
    const Int here = lookup(kExp2Table, index);
    const Int next = lookup(kExp2Table, index + 1);
    // ((here << 12) - (here - next) * remainder) >> 10, within 32 bits.
    const Int value = (here << 2) + (short_product<16, 13>(next - here, t & 4095) >> 10);
    return value >> (t >> 20);
}

// Reciprocal of a row's sum (2^24 <= sum < 2^32, or 0 for a row without an open key) and the
// rounding that brings e * reciprocal to prob_frac fraction bits.
inline void softmax_reciprocal(uint64_t sum, uint32_t prob_frac, int32_t& reciprocal,
                               Rounding& rounding) {
#pragma HLS INLINE
    uint32_t log2 = 24;
    for (int bit = 24; bit < 32; ++bit) {
#pragma HLS UNROLL
        if ((sum >> bit) & 1) log2 = bit;
    }
    const uint64_t u = sum << (40 - log2);
    const uint32_t index = uint32_t(u >> 31) & 511;
    const int64_t remainder = int64_t((u >> 16) & 32767);
    const int64_t here = kRecipTable[index];
    const int64_t next = kRecipTable[index + 1];
    reciprocal = int32_t(((here << 15) - multiply<17, 16>(here - next, remainder)) >> 15);
    rounding = make_rounding(int32_t(24 + log2 - prob_frac));
}

// Exponentials of a row group and their sums, kSoftmaxRows rows x 8 keys per iteration. II=1: the
// rows in work are memories of their own, and a sum is one addition deep.
inline Cycles softmax_exponentials(const SoftmaxFormat& format, uint32_t key_words, uint32_t buffer,
                                   SoftmaxMemory& memory) {
#pragma HLS INLINE off
    LoopCounter loop;
    for (uint32_t first = 0; first < uint32_t(kBanks); first += kSoftmaxRows) {
        for (uint32_t word = 0; word < key_words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1 rewind
            for (uint32_t v = 0; v < uint32_t(kSoftmaxRows); ++v) {
#pragma HLS UNROLL
                const uint32_t row = first + v;
                const word_t score = memory.score[buffer][row][word];
                const uint32_t open = memory.open[buffer][row][word];
                memory.live[buffer][row][word] = uint8_t(open);
                int32_t (&powers)[kLanes] = memory.exponential[buffer][row][word];
                for (int lane = 0; lane < kLanes; lane += kWidth) {
#pragma HLS UNROLL
                    const Int distance = memory.peak[buffer][row] - load(&score.lane[lane]);
                    const Int power = exponential(distance & 0xffff, format);
                    store(power & lane_mask(open >> lane), &powers[lane]);
                }
                uint64_t word_sum = 0;  // apart from the row's, so that only one addition recurs
                for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
                    word_sum += uint32_t(powers[lane]);
                }
                memory.sum[buffer][row] = (word == 0 ? 0 : memory.sum[buffer][row]) + word_sum;
            }
            loop.tick();
        }
    }
    return loop.issued();
}

// Probabilities of a row group and their sums over heads, at the same pace. The reciprocal of a row
// is taken at its first word and kept; its latency is part of the pipeline.
inline Cycles softmax_probabilities(const SoftmaxFormat& format, uint32_t rows, uint32_t key_words,
                                    uint32_t buffer, const ScoreTarget& target,
                                    const SoftmaxMemory& memory, uint32_t first_word,
                                    ProbabilityMemory& probability, ScoreMemory& scores,
                                    uint64_t& saturated) {
#pragma HLS INLINE off
    LoopCounter loop;
    int32_t reciprocal[kSoftmaxRows] = {};
    Rounding rounding[kSoftmaxRows] = {};
#pragma HLS ARRAY_PARTITION variable = reciprocal dim = 0 complete
#pragma HLS ARRAY_PARTITION variable = rounding dim = 0 complete
    for (uint32_t first = 0; first < uint32_t(kBanks); first += kSoftmaxRows) {
        for (uint32_t word = 0; word < key_words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1 rewind
#pragma HLS DEPENDENCE variable = scores.sum inter false  // a sum changes once per head
            uint32_t changed = 0;
            for (uint32_t v = 0; v < uint32_t(kSoftmaxRows); ++v) {
#pragma HLS UNROLL
                const uint32_t row = first + v;
                if (row >= rows) continue;
                if (word == 0) {
                    softmax_reciprocal(memory.sum[buffer][row], format.prob_frac, reciprocal[v],
                                       rounding[v]);
                }
                const uint32_t query = target.group * kBanks + row;
                const bool adds = target.enabled && (query == 0 || !target.only_cls);
                const uint32_t live = memory.live[buffer][row][word];
                const int32_t (&powers)[kLanes] = memory.exponential[buffer][row][word];
                word_t result;
                uint32_t rounded = 0;  // a bit for each lane that saturated
                for (int lane = 0; lane < kLanes; lane += kWidth) {
#pragma HLS UNROLL
                    const Exact p = scaled<26, 26>(load(&powers[lane]), reciprocal[v]);
                    rounded |= requantize(p, rounding[v], &result.lane[lane]) << lane;
                }
                changed += count_lanes(rounded);
                for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
#pragma HLS UNROLL
                    const uint32_t key = word * kLanes + lane;
                    if (adds && key < target.tokens) {
                        // A closed key's probabilities are 0, so its sum stays as it begins.
                        const int32_t initial = (live >> lane) & 1 ? 0 : kClosedSum;
                        const int32_t before = target.first_head ? initial : scores.sum[query][key];
                        scores.sum[query][key] = before + result.lane[lane];
                    }
                }
                probability.bank[row][first_word + word] = result;
            }
            saturated += changed;
            loop.tick();
        }
    }
    return loop.issued();
}

}  // namespace trivit

#endif
