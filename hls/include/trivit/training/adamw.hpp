// AdamW on masters of 32 or 16 bits and second moments of 32 bits.
#ifndef TRIVIT_TRAINING_ADAMW_HPP
#define TRIVIT_TRAINING_ADAMW_HPP

#include "../normalise.hpp"
#include "masters.hpp"

namespace trivit {
namespace training {

static const int64_t kDirectionLimit = int64_t(1) << 27;  // 128 at 20 fraction bits
static const int64_t kAlphaOne = int64_t(1) << 24;
static const int64_t kSecondLimit = (int64_t(1) << 31) - (int64_t(1) << 15) - 1;
static const int64_t kAddedLimit = int64_t(1) << 60;
static const int64_t kEpsilonLimit = int64_t(1) << 40;
static const uint32_t kSecondNumber = 1u << 16;

struct AdamUpdate {
    Tensor high, low, velocity, second, second_low, gradient;
    int64_t beta1, alpha2, clip, decay, rate, bias;
    int64_t square_shift, direction_shift;
    int64_t floor;  // added below the root: epsilon, at least 1
    Rounding mean, decayed;
    StochasticShift velocity_shift, second_shift, weight_shift;
    uint32_t key, second_key;
};

template <class L>
struct WideRoot {
    typename L::Int root;
    typename L::Int halvings;
};

// As inverse_root, of powers 1..2^62: 1/sqrt(power) = root * 2^-24 * 2^-halvings.
template <class L>
inline WideRoot<L> inverse_roots(typename L::Int power) {
    typedef typename L::Int Int;
    Int halvings = L::all(0), rest = power;
    for (int bits = 16; bits > 0; bits /= 2) {
        const Int shifted = L::right(rest, L::all(2 * bits));
        halvings += shifted != L::all(0) ? L::all(bits) : L::all(0);
        rest = shifted != L::all(0) ? shifted : rest;
    }
    // The 25 bits of 1..4 without the sign that the highest of 64 would be.
    const Int u = (L::right(L::left(power, 61 - 2 * halvings), L::all(39))) - (1 << 22);
    const Int index = L::right(u, L::all(12));
    const Int here = L::lookup(kRsqrtTable, index), next = L::lookup(kRsqrtTable + 1, index);
    WideRoot<L> result;
    result.halvings = halvings;
    result.root =
        L::right(L::left(here, L::all(12)) - L::multiply(here - next, u & 4095), L::all(12));
    return result;
}

// Columns begin..end of all rows, a whole number of L's lanes.
template <class L, bool kPlanes, bool kStochastic>
void adamw_columns(const AdamUpdate& u, int64_t begin, int64_t end, Figures* figures) {
    typedef typename L::Int Int;
    const Int square_shift = L::all(u.square_shift);
    const Int beta1 = L::all(u.beta1), alpha1 = L::all(65536 - u.beta1);
    const Int alpha2 = L::all(u.alpha2), beta2 = L::all(kAlphaOne - u.alpha2);
    const Rounding clipped = make_rounding(16);
    Int weights = L::all(0), velocities = L::all(0), seconds = L::all(0);
    for (int64_t r = 0; r < u.high.rows; ++r) {
        int16_t *high = u.high.row(r), *low = u.low.row(r), *velocity = u.velocity.row(r);
        int16_t *second = u.second.row(r), *second_low = u.second_low.row(r);
        const int16_t* gradient = u.gradient.row(r);
        for (int64_t c = begin; c < end; c += L::kCount) {
            const typename L::Hash number = L::numbers(2 * uint32_t(r * u.high.columns + c));
            const Int g =
                round_lanes<L>(L::multiply(L::load(gradient + c), L::all(u.clip)), clipped);

            const Int mean = L::multiply(L::load(velocity + c), beta1) +
                             round_lanes<L>(L::multiply(g, alpha1), u.mean);
            const Int new_mean =
                stochastic_lanes<L, kStochastic>(mean, u.velocity_shift, number + u.key);
            const Int m = clamp_lanes<L>(new_mean, -32768, 32767);
            L::store(m, velocity + c);
            velocities += changed<L>(new_mean, m);

            const Int square = L::multiply(L::multiply(g, g), alpha2);
            const Int total = L::multiply(load_planes<L>(second + c, second_low + c), beta2) +
                              round_lanes_within<L>(square, square_shift, kAddedLimit);
            const Int new_square =
                stochastic_lanes<L, kStochastic>(total, u.second_shift, number + u.second_key);
            const Int v = clamp_lanes<L>(new_square, 0, kSecondLimit);
            store_planes<L>(v, second + c, second_low + c);
            seconds += changed<L>(new_square, v);

            const WideRoot<L> inverse = inverse_roots<L>(v + u.floor);
            const Int product = L::multiply(L::multiply(m, L::all(u.bias)), inverse.root);
            const Int direction = round_lanes_within<L>(
                product, u.direction_shift + inverse.halvings, kDirectionLimit);
            const Int master = load_master<L, kPlanes>(high + c, low + c);
            const Int decay = round_lanes<L>(L::multiply(master, L::all(u.decay)), u.decayed);
            const Int by = stochastic_lanes<L, kStochastic>((direction + decay) * u.rate,
                                                            u.weight_shift, number + (u.key + 1));
            weights += store_master<L, kPlanes>(master - by, high + c, low + c);
        }
    }
    figures[0].saturated += L::sum(weights);
    figures[1].saturated += L::sum(velocities);
    figures[2].saturated += L::sum(seconds);
}

template <bool kPlanes, bool kStochastic>
void adamw_tensor(const AdamUpdate& u, Figures* figures) {
    const int64_t columns = u.high.columns, whole = columns - columns % WideLanes::kCount;
    adamw_columns<WideLanes, kPlanes, kStochastic>(u, 0, whole, figures);
    adamw_columns<OneLane, kPlanes, kStochastic>(u, whole, columns, figures);
}

inline void update_adamw(int16_t* arena, const Descriptor& op, const Step& step, Figures* figures) {
    const bool planes = optional_operand(op, 0), stochastic = op.field[11] != 0;
    AdamUpdate u;
    u.high = tensor(arena, op.operand[0]);
    u.velocity = tensor(arena, op.operand[1]);
    u.second = tensor(arena, op.operand[2]);
    u.gradient = tensor(arena, op.operand[3]);
    u.second_low = tensor(arena, op.operand[4]);
    u.low = planes ? tensor(arena, op.operand[5]) : u.high;
    u.clip = step.clip;
    u.beta1 = op.field[1];
    u.mean = make_rounding(int32_t(op.field[2]));
    u.alpha2 = op.field[3];
    u.square_shift = op.field[4];
    const int64_t floor =
        round_within(op.field[5] * step.second, op.field[6] + step.second_exponent, kEpsilonLimit);
    u.floor = floor < 1 ? 1 : floor;
    u.direction_shift = op.field[7] + step.bias_exponent;
    u.bias = step.bias;
    u.decay = op.field[8];
    u.decayed = make_rounding(int32_t(op.field[9]));
    u.rate = step.rate;
    u.velocity_shift = stochastic_shift(16);
    u.second_shift = stochastic_shift(24);
    u.weight_shift = stochastic_shift(op.field[10] + step.rate_exponent);
    u.key = tensor_key(uint32_t(step.key), uint32_t(op.field[0]));
    u.second_key = tensor_key(uint32_t(step.key), uint32_t(op.field[0]) + kSecondNumber);
    if (planes)
        stochastic ? adamw_tensor<true, true>(u, figures) : adamw_tensor<true, false>(u, figures);
    else
        stochastic ? adamw_tensor<false, true>(u, figures) : adamw_tensor<false, false>(u, figures);
    Counter(figures[0]).measure(u.high);
    Counter(figures[1]).measure(u.velocity);
    Counter(figures[2]).measure(u.second);
}

}  // namespace training
}  // namespace trivit

#endif
