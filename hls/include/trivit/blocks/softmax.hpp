// Softmax of row groups as the engine computes their scores (docs/numerics.md, attention): three
// processes, because a row's largest score is known behind its last one, and its sum too.
#ifndef TRIVIT_BLOCKS_SOFTMAX_HPP
#define TRIVIT_BLOCKS_SOFTMAX_HPP

#include "../../../generated/step_tables.hpp"
#include "../../../generated/tables.hpp"
#include "arithmetic.hpp"
#include "commands.hpp"
#include "memory.hpp"
#include "process.hpp"
#include "softmax_places.hpp"

namespace trivit {
namespace blocks {

static const int kPowerBits = 25;  // an exponential is 0 to 2^24
static const int kSumBits = 34;
static const int kTiles = (kMaxTokens + kColumns - 1) / kColumns;

// Peaks are known when all tiles of a row have passed, so a row group of scores waits while the
// next one comes in, and of exponentials likewise for their sums. The next one comes while the
// first one leaves, so half of it more is room enough.
static const int kScoreDepth = 128;
static const int kPowerDepth = 512;
static const int kSoftmaxFew = 16;

static_assert(2 * kScoreDepth >= 3 * kPairs * kTiles, "a row group and a half of scores");
static_assert(2 * kPowerDepth >= 3 * kPairs * kKeyWords, "a row group and a half of exponentials");
static_assert(kMaxTokens < (1 << (kSumBits - 24)), "a row's exponentials add up to less");

typedef ap_uint<2 * 16> PeakPair;  // of two rows, the even one low
typedef ap_uint<2 * kSumBits> SumPair;
// Eight keys of two rows; above them, a bit for each that is open.
typedef ap_uint<2 * kLanes*(kPowerBits + 1)> PowerPair;

// Largest open score of a row of a tile, -32768 without one.
inline ap_int<16> largest_open(const TileRow& scores, const OpenKeys& open) {
#pragma HLS INLINE
    ap_int<16> best[kColumns];
#pragma HLS ARRAY_PARTITION variable = best complete
    for (int column = 0; column < kColumns; ++column) {
#pragma HLS UNROLL
        best[column] = open[column] ? lane16(scores, column) : ap_int<16>(-32768);
    }
    for (int half = kColumns / 2; half >= 1; half /= 2) {
#pragma HLS UNROLL
        for (int column = 0; column < half; ++column) {
#pragma HLS UNROLL
            if (best[column + half] > best[column]) best[column] = best[column + half];
        }
    }
    return best[0];
}

// Takes scores as fast as the engine sends them. Recurs: the place, and the larger of two peaks.
struct Peaks {
    static const char* name() { return "peaks"; }
    // Mask 1, tree 5, larger of two 1, streams 1.
    static const int kDepth = 8;

    Peaks() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<TileRow>& scores,
                 hls::stream<OpenKeys>& open, hls::stream<Command>& next,
                 hls::stream<TileRow>& even_scores, hls::stream<OpenKeys>& even_open,
                 hls::stream<TileRow>& odd_scores, hls::stream<OpenKeys>& odd_open,
                 hls::stream<PeakPair>& peaks) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        RowPlace<SoftmaxFields> here = place;
        if (first) here.begin(c);
        const TileRow row = scores.read();
        OpenKeys live = ~OpenKeys(0);
        if (SoftmaxFields::Masked::of(c)) live = open.read();
        if (here.keys < kColumns) live &= OpenKeys((OpenKeys(1) << ap_uint<5>(here.keys)) - 1);
        const ap_int<16> best = largest_open(row, live);
        const ap_int<16> before = here.first_tile ? ap_int<16>(-32768) : peak[here.row];
        const ap_int<16> larger = best > before ? best : before;
        peak[here.row] = larger;
        const bool odd = here.row[0];
        if (odd) {
            odd_scores.write(row);
            odd_open.write(live);
        } else {
            even_scores.write(row);
            even_open.write(live);
        }
        if (here.last_tile() && (odd || here.last_row())) {
            PeakPair pair = 0;
            pair.range(15, 0) = odd ? even_peak : larger;
            pair.range(31, 16) = larger;
            peaks.write(pair);
        }
        even_peak = larger;
        command = c;
        active = here.advance(c);
        place = here;
        return true;
    }

    Command command;
    RowPlace<SoftmaxFields> place;
    ap_int<16> peak[kRows];
    ap_int<16> even_peak;  // of the row before
    bool active;
};

// exp(scale * -distance) at 24 fraction bits.
inline ap_uint<kPowerBits> exponential(const ap_uint<16>& distance, const ap_uint<24>& multiplier,
                                       const ap_uint<6>& shift, TablePorts& ports) {
#pragma HLS INLINE
    const ap_uint<40> product = distance * multiplier;
    const ap_uint<40> scaled = product >> shift;
    const ap_uint<35> step = ports.read(kExp2Steps, int(scaled.range(19, 12)));
    const ap_uint<12> remainder = scaled.range(11, 0);
    const ap_uint<23> here = (1 << 22) - ap_uint<21>(step.range(20, 0));
    const ap_uint<14> slope = step.range(34, 21);
    const ap_uint<36> between = (ap_uint<36>(here) << 12) - slope * remainder;
    const ap_uint<kPowerBits> value = between >> 10;
    const bool vanishes = scaled.range(39, 20) >= 25;
    return vanishes ? ap_uint<kPowerBits>(0)
                    : ap_uint<kPowerBits>(value >> ap_uint<5>(scaled.range(24, 20)));
}

// The same key of two rows. Not inlined: each instance owns a table, whose ports they share.
inline void exponential_pair(const ap_uint<16>& even_distance, const ap_uint<16>& odd_distance,
                             const ap_uint<24>& multiplier, const ap_uint<6>& shift,
                             ap_uint<kPowerBits>& even, ap_uint<kPowerBits>& odd) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II = 1
    TablePorts ports;
    even = exponential(even_distance, multiplier, shift, ports);
    odd = exponential(odd_distance, multiplier, shift, ports);
}

// Eight keys of two rows a clock. Recurs: the place, what is left of a tile's rows (moved down by
// a word), and a row's sum.
struct Exponentials {
    static const char* name() { return "exponentials"; }
    // Distance 1, product 4, shift 2, table 2, product 4, shift 2, sum 4, streams 1.
    static const int kDepth = 20;

    Exponentials() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<TileRow>& even_scores,
                 hls::stream<OpenKeys>& even_open, hls::stream<TileRow>& odd_scores,
                 hls::stream<OpenKeys>& odd_open, hls::stream<PeakPair>& peaks,
                 hls::stream<Command>& next, hls::stream<PowerPair>& powers,
                 hls::stream<SumPair>& sums) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        PairPlace<SoftmaxFields> here = place;
        if (first) here.begin(c);
        if (here.word == 0) {
            even_row = even_scores.read();
            even_live = even_open.read();
            odd_live = 0;
            if (here.has_odd()) {
                odd_row = odd_scores.read();
                odd_live = odd_open.read();
            }
            if (here.first_tile) peak[here.pair] = peaks.read();
        }
        const PeakPair peak_here = peak[here.pair];
        const ap_int<16> even_peak = peak_here.range(15, 0);
        const ap_int<16> odd_peak = peak_here.range(31, 16);
        PowerPair result = 0;
        ap_uint<kPowerBits + 3> even_sum = 0;
        ap_uint<kPowerBits + 3> odd_sum = 0;
        for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
            ap_uint<kPowerBits> even;
            ap_uint<kPowerBits> odd;
            exponential_pair(ap_uint<16>(even_peak - lane16(even_row, lane)),
                             ap_uint<16>(odd_peak - lane16(odd_row, lane)),
                             SoftmaxFields::ExpMultiplier::of(c), SoftmaxFields::ExpShift::of(c),
                             even, odd);
            if (!even_live[lane]) even = 0;
            if (!odd_live[lane]) odd = 0;
            even_sum += even;
            odd_sum += odd;
            result.range(kPowerBits * lane + kPowerBits - 1, kPowerBits * lane) = even;
            result.range(kPowerBits * (lane + kLanes) + kPowerBits - 1,
                         kPowerBits * (lane + kLanes)) = odd;
            result[2 * kLanes * kPowerBits + lane] = even_live[lane];
            result[2 * kLanes * kPowerBits + kLanes + lane] = odd_live[lane];
        }
        powers.write(result);
        const bool fresh = here.first_tile && here.word == 0;
        const SumPair before = fresh ? SumPair(0) : sum[here.pair];
        SumPair after = 0;
        after.range(kSumBits - 1, 0) =
            ap_uint<kSumBits>(ap_uint<kSumBits>(before.range(kSumBits - 1, 0)) + even_sum);
        after.range(2 * kSumBits - 1, kSumBits) = ap_uint<kSumBits>(
            ap_uint<kSumBits>(before.range(2 * kSumBits - 1, kSumBits)) + odd_sum);
        sum[here.pair] = after;
        if (here.last_tile() && here.last_word()) sums.write(after);
        even_row >>= 16 * kLanes;
        odd_row >>= 16 * kLanes;
        even_live >>= kLanes;
        odd_live >>= kLanes;
        command = c;
        active = here.advance(c);
        place = here;
        return true;
    }

    Command command;
    PairPlace<SoftmaxFields> place;
    TileRow even_row;
    TileRow odd_row;
    OpenKeys even_live;
    OpenKeys odd_live;
    PeakPair peak[kPairs];
    SumPair sum[kPairs];
    bool active;
};

// 1 / sum as `factor` at 24 fraction bits, times 2^-(24 + above).
struct Reciprocal {
    ap_uint<25> factor;
    ap_uint<4> above;
};

// The step of the table that a reciprocal lies in: here - slope * remainder * 2^-15.
struct ReciprocalStep {
    ap_uint<25> here;
    ap_uint<16> slope;
    ap_uint<15> remainder;
    ap_uint<4> above;
};

// Sum: 2^24 to 2^kBits, or 0 for a row without an open key, whose exponentials are 0 too.
template <int kBits>
ReciprocalStep reciprocal_step(const ap_uint<kBits>& sum) {
#pragma HLS INLINE
    TablePorts ports;
    ReciprocalStep step;
    step.above = 0;
    for (int bit = 1; bit < kBits - 24; ++bit) {
#pragma HLS UNROLL
        if (sum[24 + bit]) step.above = bit;
    }
    // The leading bit goes to the top.
    const ap_uint<kBits> top = sum << ap_uint<4>(ap_uint<4>(kBits - 25) - step.above);
    const ap_uint<9> index = top.range(kBits - 2, kBits - 10);
    step.remainder = top.range(kBits - 11, kBits - 25);
    step.here = ports.read(kRecipTable, int(index));
    const ap_uint<25> after = ports.read(kRecipTable, int(index) + 1);
    step.slope = step.here - after;
    return step;
}

inline Reciprocal reciprocal(const ap_uint<kSumBits>& sum) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II = 1
    const ReciprocalStep step = reciprocal_step(sum);
    Reciprocal result;
    result.above = step.above;
    result.factor = ((ap_uint<40>(step.here) << 15) - step.slope * step.remainder) >> 15;
    return result;
}

// An exponential times the reciprocal at 33 + `shift` bits too many, rounded; shift: 0 to 24.
inline ap_int<16> probability(const ap_uint<kPowerBits>& power, const ap_uint<25>& factor,
                              const ap_uint<5>& shift, bool& saturated) {
#pragma HLS INLINE
    const ap_uint<50> product = power * factor;
    // The bits that always go become one that keeps whether they were 0.
    ap_int<20> top = ap_uint<19>((product >> 32) << 1);
    top[0] = product.range(31, 0) != 0;
    return clamp_int16(round_half_even(top, ap_uint<5>(shift + 2)), saturated);
}

// Recurs: the place, the sum of saturations.
struct Probabilities {
    static const char* name() { return "probabilities"; }
    // Reciprocal 12, product 5, shift 2, rounding 2, clamp and count 3.
    static const int kDepth = 24;

    Probabilities() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<PowerPair>& powers,
                 hls::stream<SumPair>& sums, hls::stream<WordPair>& results, hls::stream<Word>& cls,
                 hls::stream<LivePair>& all, hls::stream<Report>& reports) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (EndField::of(c)) {
            reports.write(end_report());
            return false;
        }
        PairPlace<SoftmaxFields> here = place;
        if (first) here.begin(c);
        const PowerPair power = powers.read();
        if (here.first_tile && here.word == 0) {
            const SumPair sum = sums.read();
            even[here.pair] = reciprocal(sum.range(kSumBits - 1, 0));
            odd[here.pair] = reciprocal(sum.range(2 * kSumBits - 1, kSumBits));
        }
        const ap_uint<4> extra = ap_uint<4>(15) - SoftmaxFields::ProbFrac::of(c);
        WordPair result = 0;
        bool changed[2 * kLanes];
        for (int lane = 0; lane < 2 * kLanes; ++lane) {
#pragma HLS UNROLL
            const Reciprocal by = lane < kLanes ? even[here.pair] : odd[here.pair];
            const ap_uint<kPowerBits> e =
                power.range(kPowerBits * lane + kPowerBits - 1, kPowerBits * lane);
            result.range(16 * lane + 15, 16 * lane) =
                probability(e, by.factor, ap_uint<5>(by.above + extra), changed[lane]);
        }
        results.write(result);
        if (SoftmaxFields::SendCls::of(c) && here.first_group && here.pair == 0)
            cls.write(Word(result.range(16 * kLanes - 1, 0)));
        if (SoftmaxFields::SendAll::of(c)) {
            LivePair measured = result;
            measured.range(2 * kLanes * (16 + 1) - 1, 2 * kLanes * 16) =
                power.range(2 * kLanes * (kPowerBits + 1) - 1, 2 * kLanes * kPowerBits);
            all.write(measured);
        }
        saturated = (first ? ap_uint<24>(0) : saturated) + count_ones(changed);
        largest = larger(first ? ap_uint<16>(0) : largest, largest_magnitude(result));
        active = here.advance(c);
        if (!active) reports.write(done_report(c, saturated, largest));
        command = c;
        place = here;
        return true;
    }

    Command command;
    PairPlace<SoftmaxFields> place;
    Reciprocal even[kPairs];
    Reciprocal odd[kPairs];
    ap_uint<24> saturated;
    ap_uint<16> largest;
    bool active;
};

}  // namespace blocks
}  // namespace trivit

#endif
