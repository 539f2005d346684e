// An element of SGD with momentum (docs/on-device-training.md, Update), and what a port counts.
#ifndef TRIVIT_BLOCKS_UPDATE_SGD_HPP
#define TRIVIT_BLOCKS_UPDATE_SGD_HPP

#include "arithmetic.hpp"
#include "commands.hpp"
#include "stochastic.hpp"
#include "update_figures.hpp"
#include "update_masters.hpp"

namespace trivit {
namespace blocks {

static const int kUpdateLanes = 2;    // elements a clock; a word takes kLanes / kUpdateLanes clocks
static const int kUpdateFigures = 3;  // momentum, high plane, sum of squares of the gradient
typedef FiguresOf<kUpdateFigures>::Word UpdateFiguresWord;

struct Element {
    ap_int<16> high;
    ap_int<16> low;
    ap_int<16> momentum;
    ap_int<16> gradient;
};

struct UpdatedElement {
    ap_int<16> high;
    ap_int<16> low;
    ap_int<16> momentum;
    bool weight_saturated;
    bool momentum_saturated;
};

inline UpdatedElement update_element(const Command& c, bool is_bias, const Element& element,
                                     const Hash& number) {
#pragma HLS INLINE
    typedef UpdateFields F;
    const bool wide = F::Masters::of(c);
    const bool stochastic = F::Stochastic::of(c);
    const ap_uint<7> gradient_bits =
        is_bias ? F::BiasGradientShift::of(c) : F::GradientShift::of(c);
    const ap_uint<7> rate_shift = is_bias ? F::BiasRateShift::of(c) : F::RateShift::of(c);
    const Hash key = is_bias ? F::BiasKey::of(c) : F::Key::of(c);
    const ap_uint<16> decay = is_bias ? ap_uint<16>(0) : F::Decay::of(c);

    const ap_int<32> master = join_master(element.high, element.low, wide);
    // Left by at most 24 and 8 bits; to the right, what is left of 33 and 48 bits is 0 before 39
    // and 55.
    const ap_int<33> clipped = fabric_product(element.gradient, ap_int<18>(F::Clip::of(c)));
    const ap_int<59> gradient = round_half_even(ap_int<58>(ap_int<58>(clipped) << 24),
                                                from_left<6>(ap_int<7>(gradient_bits), 24));
    const ap_int<48> decays = decay_product(master, decay);
    const ap_int<57> decayed = round_half_even(ap_int<56>(ap_int<56>(decays) << 8),
                                               from_left<6>(ap_int<7>(F::DecayShift::of(c)), 8));
    const ap_int<33> kept = fabric_product(element.momentum, ap_int<18>(F::Momentum::of(c)));
    const ap_int<60> total = kept + gradient + decayed;

    UpdatedElement updated;
    updated.momentum = clamp_int16(
        round_with(total, ap_uint<7>(16), stochastic, dither(stochastic, number, 0, key)),
        updated.momentum_saturated);
    const ap_int<40> moves = updated.momentum * F::Rate::of(c);
    const MovedMaster moved =
        move_master(master, wide,
                    round_with(moves, rate_shift, stochastic, dither(stochastic, number, 1, key)));
    updated.high = moved.high;
    updated.low = moved.low;
    updated.weight_saturated = moved.saturated;
    return updated;
}

// Of one tensor, in this port.
struct UpdateCounts {
    ap_uint<24> momentum_saturated;
    ap_uint<16> momentum_largest;
    ap_uint<24> weight_saturated;
    ap_uint<16> weight_largest;
    ap_uint<kFigureBits> squares;

    void clear() {
#pragma HLS INLINE
        momentum_saturated = 0;
        momentum_largest = 0;
        weight_saturated = 0;
        weight_largest = 0;
        squares = 0;
    }

    void add(const UpdatedElement (&updated)[kUpdateLanes],
             const ap_int<16> (&gradient)[kUpdateLanes]) {
#pragma HLS INLINE
        ap_uint<2> momenta = 0;
        ap_uint<2> masters = 0;
        ap_uint<32> power = 0;
        for (int i = 0; i < kUpdateLanes; ++i) {
#pragma HLS UNROLL
            momenta += updated[i].momentum_saturated ? 1 : 0;
            masters += updated[i].weight_saturated ? 1 : 0;
            momentum_largest =
                larger(momentum_largest, largest_magnitude(ap_uint<16>(updated[i].momentum)));
            weight_largest =
                larger(weight_largest, largest_magnitude(ap_uint<16>(updated[i].high)));
            const ap_int<32> square = fabric_product(gradient[i], gradient[i]);
            power += ap_uint<31>(square);
        }
        momentum_saturated += momenta;
        weight_saturated += masters;
        squares += power;
    }

    ap_uint<kUpdateFigures * kFigureBits> packed() const {
#pragma HLS INLINE
        ap_uint<kUpdateFigures * kFigureBits> word = 0;
        word.range(kFigureBits - 1, 0) = written_figure(momentum_saturated, momentum_largest);
        word.range(2 * kFigureBits - 1, kFigureBits) =
            written_figure(weight_saturated, weight_largest);
        word.range(3 * kFigureBits - 1, 2 * kFigureBits) = squares;
        return word;
    }
};

}  // namespace blocks
}  // namespace trivit

#endif
