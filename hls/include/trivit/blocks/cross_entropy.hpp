// The gradient of the loss of one row of logits (docs/on-device-training.md, cross_entropy): a
// process that finds the largest logit, one that makes exponentials and their sum, and one that
// makes gradients of them, each a value a clock: there is one row in a step.
#ifndef TRIVIT_BLOCKS_CROSS_ENTROPY_HPP
#define TRIVIT_BLOCKS_CROSS_ENTROPY_HPP

#include "arithmetic.hpp"
#include "commands.hpp"
#include "memory.hpp"
#include "process.hpp"
#include "softmax.hpp"

namespace trivit {
namespace blocks {

typedef ap_uint<16> Value;
typedef ap_uint<kPowerBits> Power;

// A row waits until its largest logit is known, and its exponentials for their sum.
static const int kClassDepth = 8192;
static const int kLossFew = 4;
static const int kLossSumBits = 37;
typedef ap_uint<kLossSumBits> LossSum;

static_assert(kClassDepth <= (1 << (kLossSumBits - 24)),
              "the exponentials of a row add up to less");

// Recurs: counters, the rest of a word, the larger of two.
struct LossLogits {
    static const char* name() { return "loss_logits"; }
    // Larger of two 2, streams 1.
    static const int kDepth = 3;

    LossLogits() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<TileRow>& logits,
                 hls::stream<TileRow>& targets, hls::stream<Command>& next,
                 hls::stream<Value>& row_logits, hls::stream<Value>& row_targets,
                 hls::stream<Value>& peaks) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        const ap_uint<13> here = first ? CrossEntropyFields::Classes::of(c) : left;
        const ap_uint<5> column = first ? ap_uint<5>(0) : place;
        if (column == 0) {
            row = logits.read();
            target_row = targets.read();
        }
        const ap_int<16> logit = lane16(row, 0);
        peak = first || logit > peak ? logit : peak;
        row_logits.write(Value(logit));
        row_targets.write(Value(lane16(target_row, 0)));
        if (here == 1) peaks.write(Value(peak));
        row >>= 16;
        target_row >>= 16;
        command = c;
        place = column + 1;
        left = here - 1;
        active = here != 1;
        return true;
    }

    Command command;
    ap_uint<13> left;
    ap_uint<5> place;  // of the word's 32
    TileRow row;
    TileRow target_row;
    ap_int<16> peak;
    bool active;
};

// Recurs: a counter, the sum.
struct LossPowers {
    static const char* name() { return "loss_powers"; }
    // Distance 1, product 4, shift 2, table 2, product 4, shift 2, sum 1, streams 1.
    static const int kDepth = 17;

    LossPowers() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<Value>& logits,
                 hls::stream<Value>& peaks, hls::stream<Command>& next, hls::stream<Power>& powers,
                 hls::stream<LossSum>& sums) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        const ap_uint<13> here = first ? CrossEntropyFields::Classes::of(c) : left;
        if (first) peak = ap_int<16>(peaks.read());
        TablePorts ports;
        const Power power = exponential(ap_uint<16>(peak - ap_int<16>(logits.read())),
                                        CrossEntropyFields::ExpMultiplier::of(c),
                                        CrossEntropyFields::ExpShift::of(c), ports);
        powers.write(power);
        sum = (first ? LossSum(0) : sum) + power;
        if (here == 1) sums.write(sum);
        command = c;
        left = here - 1;
        active = here != 1;
        return true;
    }

    Command command;
    ap_uint<13> left;
    ap_int<16> peak;
    LossSum sum;
    bool active;
};

// As `reciprocal`, without a DSP block: once a row, it may take its time.
inline Reciprocal slow_reciprocal(const LossSum& sum) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II = 1
    const ReciprocalStep step = reciprocal_step(sum);
    const ap_uint<31> product = fabric_product(ap_int<17>(step.slope), ap_int<16>(step.remainder));
    Reciprocal result;
    result.above = step.above;
    result.factor = ((ap_uint<40>(step.here) << 15) - product) >> 15;
    return result;
}

// Recurs: counters, the word that fills, counts.
struct LossGradients {
    static const char* name() { return "loss_gradients"; }
    // Reciprocal 14, product 5, difference 2, shift 2, rounding 3, clamp 1, count and largest 2,
    // streams 1.
    static const int kDepth = 30;

    LossGradients() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<Power>& powers,
                 hls::stream<LossSum>& sums, hls::stream<Value>& targets,
                 hls::stream<TileRow>& results, hls::stream<Report>& reports) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (EndField::of(c)) {
            reports.write(end_report());
            return false;
        }
        if (first) {
            by = slow_reciprocal(sums.read());
            left = CrossEntropyFields::Classes::of(c);
            column = 0;
            saturated = 0;
            largest = 0;
        }
        // Behind the last class the word fills up with zeros.
        const bool exists = left != 0;
        ap_int<16> gradient = 0;
        bool changed = false;
        if (exists) {
            const Power power = powers.read();
            const ap_int<16> target = targets.read();
            const ap_uint<50> product = power * by.factor;
            const ap_int<64> wanted = ap_int<64>(target) << ap_uint<6>(ap_uint<6>(34) + by.above);
            const ap_int<64> exact = ap_int<64>(product) - wanted;
            const ap_uint<6> shift = ap_uint<7>(48) + by.above - CrossEntropyFields::Frac::of(c);
            gradient = clamp_int16(round_half_even(exact, shift), changed);
        }
        result >>= 16;
        result.range(16 * kColumns - 1, 16 * (kColumns - 1)) = ap_uint<16>(gradient);
        saturated += changed ? 1 : 0;
        largest = larger(largest, largest_magnitude(ap_uint<16>(gradient)));
        if (exists) left -= 1;
        const bool word_ends = column == kColumns - 1;
        if (word_ends) results.write(result);
        active = !(word_ends && left == 0);
        if (!active) reports.write(done_report(c, saturated, largest));
        column += 1;
        command = c;
        return true;
    }

    Command command;
    Reciprocal by;
    ap_uint<13> left;
    ap_uint<5> column;
    TileRow result;
    ap_uint<24> saturated;
    ap_uint<16> largest;
    bool active;
};

}  // namespace blocks
}  // namespace trivit

#endif
