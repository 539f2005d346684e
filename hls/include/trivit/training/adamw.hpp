// AdamW on masters and second moments of 32 bits.
#ifndef TRIVIT_TRAINING_ADAMW_HPP
#define TRIVIT_TRAINING_ADAMW_HPP

#include "../normalise.hpp"
#include "arithmetic.hpp"
#include "update.hpp"

namespace trivit {
namespace training {

static const int64_t kDirectionLimit = int64_t(1) << 27;  // 128 at 20 fraction bits
static const int64_t kAlphaOne = int64_t(1) << 24;
static const int64_t kSecondLimit = (int64_t(1) << 31) - (int64_t(1) << 15) - 1;
static const int64_t kAddedLimit = int64_t(1) << 60;
static const int64_t kEpsilonLimit = int64_t(1) << 40;
static const uint32_t kSecondNumber = 1u << 16;

struct AdamFormat {
    int64_t beta1, alpha2, clip, decay, rate, bias;
    int64_t mean_shift, square_shift, direction_shift, decay_shift;
    int64_t floor;  // added below the root: epsilon, at least 1
    StochasticShift mean, second, weight;
    uint32_t key, second_key;
    bool stochastic;
};

// 1/sqrt(power) = root * 2^-24 * 2^-halvings, as inverse_root, with the processor's log2.
inline InverseRoot fast_inverse_root(uint64_t power) {
    const uint32_t halvings = uint32_t(63 - __builtin_clzll(power)) / 2;
    const uint32_t u = uint32_t((power << (62 - 2 * halvings)) >> 40) - (1u << 22);
    const int64_t here = kRsqrtTable[u >> 12], next = kRsqrtTable[(u >> 12) + 1];
    InverseRoot result;
    result.halvings = halvings;
    result.root = int32_t(((here << 12) - (here - next) * int64_t(u & 4095)) >> 12);
    return result;
}

inline AdamFormat adam_format(const Descriptor& op, const Step& step) {
    AdamFormat f;
    f.beta1 = op.field[1];
    f.mean_shift = op.field[2];
    f.alpha2 = op.field[3];
    f.square_shift = op.field[4];
    f.floor =
        round_within(op.field[5] * step.second, op.field[6] + step.second_exponent, kEpsilonLimit);
    f.floor = f.floor < 1 ? 1 : f.floor;
    f.direction_shift = op.field[7] + step.bias_exponent;
    f.decay = op.field[8];
    f.decay_shift = op.field[9];
    f.weight = stochastic_shift(op.field[10] + step.rate_exponent);
    f.mean = stochastic_shift(16);
    f.second = stochastic_shift(24);
    f.stochastic = op.field[11] != 0;
    f.clip = step.clip;
    f.rate = step.rate;
    f.bias = step.bias;
    f.key = tensor_key(uint32_t(step.key), uint32_t(op.field[0]));
    f.second_key = tensor_key(uint32_t(step.key), uint32_t(op.field[0]) + kSecondNumber);
    return f;
}

inline int64_t rounded(const AdamFormat& f, int64_t value, const StochasticShift& shift,
                       uint32_t number) {
    return stochastic_round(value, shift, f.stochastic ? mix(number) & shift.mask : shift.half);
}

// The planes of a 32-bit value.
inline void split(int64_t value, int16_t& high, int16_t& low) {
    const int64_t upper = (value + kHalfPlane) >> 16;
    high = int16_t(upper);
    low = int16_t(value - upper * kPlane);
}

inline void update_adamw(int16_t* arena, const Descriptor& op, const Step& step, Figures* figures) {
    const Tensor high = tensor(arena, op.operand[0]), velocity = tensor(arena, op.operand[1]);
    const Tensor second = tensor(arena, op.operand[2]), gradient = tensor(arena, op.operand[3]);
    const Tensor low = tensor(arena, op.operand[4]), second_low = tensor(arena, op.operand[5]);
    const AdamFormat f = adam_format(op, step);
    const int64_t limit = kNarrow * kPlane + kHalfPlane;
    for (int64_t r = 0; r < high.rows; ++r) {
        for (int64_t c = 0; c < high.columns; ++c) {
            const uint32_t number = 2 * uint32_t(r * high.columns + c);
            const int64_t g = round_half_even(gradient.row(r)[c] * f.clip, 16);

            const int64_t mean =
                velocity.row(r)[c] * f.beta1 + round_half_even(g * (65536 - f.beta1), f.mean_shift);
            const int64_t new_mean = rounded(f, mean, f.mean, number + f.key);
            const int64_t m = clamp(new_mean, -32768, 32767);

            const int64_t square = second.row(r)[c] * kPlane + second_low.row(r)[c];
            const int64_t total = square * (kAlphaOne - f.alpha2) +
                                  round_within(g * g * f.alpha2, f.square_shift, kAddedLimit);
            const int64_t new_square = rounded(f, total, f.second, number + f.second_key);
            const int64_t v = clamp(new_square, 0, kSecondLimit);

            const InverseRoot inverse = fast_inverse_root(uint64_t(v + f.floor));
            const int64_t shift = f.direction_shift + inverse.halvings;
            int64_t direction = round_within(m * inverse.root * f.bias, shift, kDirectionLimit);
            const int64_t master = high.row(r)[c] * kPlane + low.row(r)[c];
            if (f.decay) direction += round_half_even(master * f.decay, f.decay_shift);

            const int64_t next =
                master - rounded(f, direction * f.rate, f.weight, number + 1 + f.key);
            const int64_t w = clamp(next, -limit, limit - 1);
            figures[0].saturated += w != next;
            figures[1].saturated += m != new_mean;
            figures[2].saturated += v != new_square;
            velocity.row(r)[c] = int16_t(m);
            split(w, high.row(r)[c], low.row(r)[c]);
            split(v, second.row(r)[c], second_low.row(r)[c]);
        }
    }
    Counter(figures[0]).measure(high);
    Counter(figures[1]).measure(velocity);
    Counter(figures[2]).measure(second);
}

}  // namespace training
}  // namespace trivit

#endif
