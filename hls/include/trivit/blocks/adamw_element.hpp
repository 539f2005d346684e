// An element of AdamW (docs/on-device-training.md, AdamW), and what a port counts.
#ifndef TRIVIT_BLOCKS_ADAMW_ELEMENT_HPP
#define TRIVIT_BLOCKS_ADAMW_ELEMENT_HPP

#include "normalise.hpp"
#include "update_sgd.hpp"

namespace trivit {
namespace blocks {

static const int kAdamwFigures = 4;  // first moment, high plane, second moment, sum of squares
typedef FiguresOf<kAdamwFigures>::Word AdamwFiguresWord;
static const int64_t kSecondLimit = (1ll << 31) - (1ll << 15) - 1;

// What an update needs of its tensor, chosen between weights and biases.
struct AdamwTensor {
    ap_int<7> mean_shift;
    ap_int<8> square_shift;
    ap_int<8> direction_shift;
    ap_uint<7> rate_shift;
    Hash key;
    Hash second_key;
    ap_uint<41> floor;
    ap_uint<16> decay;
};

inline AdamwTensor adamw_tensor(const Command& constants, const Command& c, bool is_bias) {
#pragma HLS INLINE
    typedef AdamwConstantsFields B;
    typedef UpdateAdamwFields W;
    AdamwTensor t;
    t.mean_shift = is_bias ? B::BiasMeanShift::of(constants) : W::MeanShift::of(c);
    t.square_shift = is_bias ? B::BiasSquareShift::of(constants) : W::SquareShift::of(c);
    t.direction_shift = is_bias ? B::BiasDirectionShift::of(constants) : W::DirectionShift::of(c);
    t.rate_shift = is_bias ? B::BiasRateShift::of(constants) : W::RateShift::of(c);
    t.key = is_bias ? B::BiasKey::of(constants) : W::Key::of(c);
    t.second_key = is_bias ? B::BiasSecondKey::of(constants) : W::SecondKey::of(c);
    t.floor = is_bias ? B::BiasFloor::of(constants) : W::Floor::of(c);
    t.decay = is_bias ? ap_uint<16>(0) : W::Decay::of(c);
    return t;
}

struct AdamwElement {
    ap_int<16> high;
    ap_int<16> low;
    ap_int<16> mean;
    ap_int<16> second_high;
    ap_int<16> second_low;
    ap_int<16> gradient;
};

struct UpdatedAdamw {
    ap_int<16> high;
    ap_int<16> low;
    ap_int<16> mean;
    ap_int<16> second_high;
    ap_int<16> second_low;
    bool weight_saturated;
    bool mean_saturated;
    bool second_saturated;
};

// value * 2^-shift to the nearest, ties to even, clamped to 0 .. 2^56: what is added to a second
// moment that is clamped at less. Shifts beyond 56 to the left or 54 to the right give the ends.
inline ap_uint<57> added_square(const ap_uint<54>& value, const ap_int<8>& shift) {
#pragma HLS INLINE
    const ap_int<111> raised = ap_int<111>(value) << 56;
    const ap_int<112> rounded = round_half_even(raised, from_left<7>(shift, 56));
    const ap_int<112> limit = ap_int<112>(1) << 56;
    return rounded > limit ? ap_uint<57>(limit) : ap_uint<57>(rounded);
}

// value * 2^-shift to the nearest, ties to even, clamped to +-2^27.
inline ap_int<29> direction_of(const ap_int<57>& value, const ap_int<10>& shift) {
#pragma HLS INLINE
    const ap_int<84> raised = ap_int<84>(value) << 27;
    const ap_int<85> rounded = round_half_even(raised, from_left<7>(shift, 27));
    const ap_int<85> limit = ap_int<85>(1) << 27;
    return rounded > limit    ? ap_int<29>(limit)
           : rounded < -limit ? ap_int<29>(-limit)
                              : ap_int<29>(rounded);
}

// Not inlined: each instance owns its table.
inline ap_uint<25> adamw_root(const ap_uint<64>& power, ap_uint<5>& halvings) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II = 1
    return inverse_root(power, halvings);
}

inline UpdatedAdamw update_adamw_element(const Command& constants, const Command& c, bool is_bias,
                                         const AdamwElement& element, const Hash& number) {
#pragma HLS INLINE
    typedef AdamwConstantsFields B;
    typedef UpdateAdamwFields W;
    const AdamwTensor t = adamw_tensor(constants, c, is_bias);
    const bool wide = W::Masters::of(c);
    const bool stochastic = W::Stochastic::of(c);
    UpdatedAdamw updated;

    const ap_int<33> clipped = fabric_product(element.gradient, ap_int<18>(B::Clip::of(constants)));
    const ap_int<17> gradient = round_half_even(clipped, ap_uint<5>(16));

    const ap_uint<17> beta = B::Beta1::of(constants);
    const ap_uint<17> alpha = ap_uint<17>(65536) - beta;
    const ap_int<34> kept = fabric_product(element.mean, ap_int<18>(beta));
    const ap_int<35> fresh = fabric_product(gradient, ap_int<18>(alpha));
    const ap_int<60> brought =
        round_half_even(ap_int<59>(ap_int<59>(fresh) << 24), from_left<6>(t.mean_shift, 24));
    const ap_int<61> total = kept + brought;
    updated.mean = clamp_int16(
        round_with(total, ap_uint<7>(16), stochastic, dither(stochastic, number, 0, t.key)),
        updated.mean_saturated);

    const ap_uint<31> square = fabric_product(gradient, gradient);
    const ap_uint<54> weighted = square * B::Alpha2::of(constants);
    const ap_int<33> second = (ap_int<33>(element.second_high) << 16) + element.second_low;
    const ap_uint<25> beta2 = ap_uint<25>(1 << 24) - B::Alpha2::of(constants);
    const ap_uint<56> kept_second = ap_uint<31>(second) * beta2;
    const ap_int<59> second_total = kept_second + added_square(weighted, t.square_shift);
    const ap_int<60> grown = round_with(second_total, ap_uint<7>(24), stochastic,
                                        dither(stochastic, number, 0, t.second_key));
    updated.second_saturated = grown > kSecondLimit;
    const ap_uint<31> next_second =
        updated.second_saturated ? ap_uint<31>(kSecondLimit) : ap_uint<31>(grown);
    updated.second_high = ap_int<17>((ap_int<33>(next_second) + (1 << 15)) >> 16);
    updated.second_low = ap_int<16>(next_second);

    ap_uint<5> halvings = 0;
    const ap_uint<25> root = adamw_root(ap_uint<64>(next_second) + t.floor, halvings);
    const ap_int<41> scaled = updated.mean * root;
    const ap_int<57> corrected = scaled * B::Correction::of(constants);
    const ap_int<29> direction = direction_of(corrected, ap_int<10>(t.direction_shift) + halvings);

    const ap_int<32> master = join_master(element.high, element.low, wide);
    const ap_int<48> decays = decay_product(master, t.decay);
    const ap_int<49> decayed = round_half_even(decays, ap_uint<6>(W::DecayShift::of(c)));
    const ap_int<37> way = direction + decayed;
    const ap_int<62> moves = way * B::Rate::of(constants);
    const MovedMaster moved = move_master(
        master, wide,
        round_with(moves, t.rate_shift, stochastic, dither(stochastic, number, 1, t.key)));
    updated.high = moved.high;
    updated.low = moved.low;
    updated.weight_saturated = moved.saturated;
    return updated;
}

// Of one tensor, in this port.
struct AdamwCounts {
    ap_uint<24> mean_saturated;
    ap_uint<16> mean_largest;
    ap_uint<24> weight_saturated;
    ap_uint<16> weight_largest;
    ap_uint<24> second_saturated;
    ap_uint<16> second_largest;
    ap_uint<kFigureBits> squares;

    void clear() {
#pragma HLS INLINE
        mean_saturated = 0;
        mean_largest = 0;
        weight_saturated = 0;
        weight_largest = 0;
        second_saturated = 0;
        second_largest = 0;
        squares = 0;
    }

    void add(const UpdatedAdamw& updated, const ap_int<16>& gradient) {
#pragma HLS INLINE
        mean_saturated += updated.mean_saturated ? 1 : 0;
        mean_largest = larger(mean_largest, largest_magnitude(ap_uint<16>(updated.mean)));
        weight_saturated += updated.weight_saturated ? 1 : 0;
        weight_largest = larger(weight_largest, largest_magnitude(ap_uint<16>(updated.high)));
        second_saturated += updated.second_saturated ? 1 : 0;
        second_largest =
            larger(second_largest, largest_magnitude(ap_uint<16>(updated.second_high)));
        const ap_int<32> square = fabric_product(gradient, gradient);
        squares += ap_uint<31>(square);
    }

    ap_uint<kAdamwFigures * kFigureBits> packed() const {
#pragma HLS INLINE
        ap_uint<kAdamwFigures * kFigureBits> word = 0;
        word.range(kFigureBits - 1, 0) = written_figure(mean_saturated, mean_largest);
        word.range(2 * kFigureBits - 1, kFigureBits) =
            written_figure(weight_saturated, weight_largest);
        word.range(3 * kFigureBits - 1, 2 * kFigureBits) =
            written_figure(second_saturated, second_largest);
        word.range(4 * kFigureBits - 1, 3 * kFigureBits) = squares;
        return word;
    }
};

}  // namespace blocks
}  // namespace trivit

#endif
