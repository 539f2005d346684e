// SGD with momentum on masters of 32 or 16 bits.
#ifndef TRIVIT_TRAINING_UPDATE_HPP
#define TRIVIT_TRAINING_UPDATE_HPP

#include "masters.hpp"

namespace trivit {
namespace training {

struct UpdateFormat {
    int64_t momentum, clip, decay, rate;
    Rounding gradient, decayed;
    StochasticShift velocity, weight;
    uint32_t key;
};

// Rows of one parameter, in a loop that g++ makes vectors of; low is null with 16-bit masters.
// `first` numbers the row's elements.
template <bool kPlanes, bool kStochastic>
void update_row(const UpdateFormat f, const int16_t* __restrict gradient, int16_t* __restrict high,
                int16_t* __restrict low, int16_t* __restrict velocity, int64_t columns,
                uint32_t first, Figures* figures) {
    int64_t weights = 0, velocities = 0;
    for (int64_t c = 0; c < columns; ++c) {
        const int64_t master = kPlanes ? high[c] * kPlane + low[c] : int64_t(high[c]);
        const uint32_t number = 2 * (first + uint32_t(c)) + f.key;
        const int64_t random_v = kStochastic ? mix(number) & f.velocity.mask : f.velocity.half;
        const int64_t random_w = kStochastic ? mix(number + 1) & f.weight.mask : f.weight.half;
        int64_t total = velocity[c] * f.momentum;
        total += trivit::round_half_even(gradient[c] * f.clip, f.gradient);
        total += trivit::round_half_even(master * f.decay, f.decayed);
        const int64_t moved = stochastic_round(total, f.velocity, random_v);
        const int64_t v = clamp(moved, -32768, 32767);
        velocities += v != moved;
        const int64_t next = master - stochastic_round(v * f.rate, f.weight, random_w);
        const int64_t limit = kPlanes ? kNarrow * kPlane + kHalfPlane : kNarrow;
        const int64_t w = clamp(next, -limit, kPlanes ? limit - 1 : limit);
        weights += w != next;
        velocity[c] = int16_t(v);
        if (kPlanes) {
            const int64_t upper = (w + kHalfPlane) >> 16;
            high[c] = int16_t(upper);
            low[c] = int16_t(w - upper * kPlane);
        } else {
            high[c] = int16_t(w);
        }
    }
    figures[0].saturated += weights;
    figures[1].saturated += velocities;
}

template <bool kPlanes, bool kStochastic>
void update_rows(const UpdateFormat& f, const Tensor& gradient, const Tensor& high,
                 const Tensor& low, const Tensor& velocity, Figures* figures) {
    for (int64_t r = 0; r < high.rows; ++r)
        update_row<kPlanes, kStochastic>(f, gradient.row(r), high.row(r),
                                         kPlanes ? low.row(r) : nullptr, velocity.row(r),
                                         high.columns, uint32_t(r * high.columns), figures);
}

inline void update_sgd(int16_t* arena, const Descriptor& op, const Step& step, Figures* figures) {
    const Tensor high = tensor(arena, op.operand[0]), velocity = tensor(arena, op.operand[1]);
    const Tensor gradient = tensor(arena, op.operand[2]);
    const bool planes = optional_operand(op, 0);
    const Tensor low = planes ? tensor(arena, op.operand[3]) : high;
    UpdateFormat f;
    f.momentum = op.field[1];
    f.clip = step.clip;
    f.gradient = make_rounding(int32_t(op.field[2]));
    f.decay = op.field[3];
    f.decayed = make_rounding(int32_t(op.field[4]));
    f.rate = step.rate;
    f.velocity = stochastic_shift(16);
    f.weight = stochastic_shift(op.field[5] + step.rate_exponent);
    f.key = tensor_key(uint32_t(step.key), uint32_t(op.field[0]));
    const bool stochastic = op.field[6] != 0;
    if (planes && stochastic)
        update_rows<true, true>(f, gradient, high, low, velocity, figures);
    else if (planes)
        update_rows<true, false>(f, gradient, high, low, velocity, figures);
    else if (stochastic)
        update_rows<false, true>(f, gradient, high, low, velocity, figures);
    else
        update_rows<false, false>(f, gradient, high, low, velocity, figures);
    Counter(figures[0]).measure(high);
    Counter(figures[1]).measure(velocity);
}

}  // namespace training
}  // namespace trivit

#endif
