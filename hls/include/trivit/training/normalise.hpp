// Layer normalisation, forward and backward.
#ifndef TRIVIT_TRAINING_NORMALISE_HPP
#define TRIVIT_TRAINING_NORMALISE_HPP

#include "../normalise.hpp"
#include "arithmetic.hpp"
#include "product.hpp"

namespace trivit {
namespace training {

static const int64_t kBackwardLimit = int64_t(1) << 40;

// The scale of a row, computed again from its elements; fields 0..2: inv_width, sqrt_width,
// epsilon.
inline RowScale row_scale(const Descriptor& op, const int16_t* x, int64_t columns) {
    int32_t sum = 0;
    int64_t squares = 0;
    for (int64_t c = 0; c < columns; ++c) {
        sum += x[c];
        squares += int64_t(int32_t(x[c]) * x[c]);
    }
    MatmulFields f = MatmulFields();
    f.depth_words = uint32_t(columns / kLanes);
    f.inv_width = uint32_t(op.field[0]);
    f.sqrt_width = uint32_t(op.field[1]);
    f.epsilon = uint64_t(op.field[2]);
    return scale_row(f, sum, squares);
}

// A normalised value at 20 fraction bits.
inline int64_t normal_value(int16_t x, const RowScale& scale) {
    const int64_t centred = int64_t(x) * (1 << kCentredBits) - scale.mean;
    const int64_t value = round_half_even(centred * scale.gain, int64_t(scale.halvings) + 2);
    return clamp(value, -kNormalLimit, kNormalLimit - 1);
}

inline void normalise(int16_t* arena, const Descriptor& op, Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), x = tensor(arena, op.operand[1]);
    const int16_t* gamma = tensor(arena, op.operand[2]).data;
    const int16_t* beta = tensor(arena, op.operand[3]).data;
    const Rounding rounding = make_rounding(int32_t(op.field[4]));
    Counter counter(figures[0]);
    for (int64_t r = 0; r < dst.rows; ++r) {
        const RowScale scale = row_scale(op, x.row(r), x.columns);
        for (int64_t c = 0; c < dst.columns; ++c) {
            const int64_t offset = shift_left(beta[c], uint32_t(op.field[3]));
            const int64_t sum = normal_value(x.row(r)[c], scale) * gamma[c] + offset;
            dst.row(r)[c] = counter.requantized(sum, rounding);
        }
    }
    counter.measure(dst);
}

inline void normalise_backward(int16_t* arena, const Descriptor& op, Scratch& scratch,
                               Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), dy = tensor(arena, op.operand[1]);
    const Tensor x = tensor(arena, op.operand[2]);
    const int16_t* gamma = tensor(arena, op.operand[3]).data;
    const bool adds = optional_operand(op, 0);
    const Tensor addend = adds ? tensor(arena, op.operand[4]) : dst;
    const int64_t inv_width = op.field[0], columns = dst.columns;
    const Rounding guard = make_rounding(8);
    std::vector<int64_t>& m = scratch.wide;
    m.resize(size_t(columns));
    Counter counter(figures[0]);
    for (int64_t r = 0; r < dst.rows; ++r) {
        const bool normalised = r < dy.rows;
        RowScale scale = RowScale();
        int64_t sum = 0, weighted = 0;
        if (normalised) {
            scale = row_scale(op, x.row(r), columns);
            for (int64_t c = 0; c < columns; ++c) {
                const int64_t a = int64_t(dy.row(r)[c]) * gamma[c];
                m[size_t(c)] = round_half_even(normal_value(x.row(r)[c], scale), 8);
                sum += a;
                weighted += a * m[size_t(c)];
            }
        }
        const int64_t mean_a = round_half_even(sum * inv_width, 24);
        const int64_t mean_b = round_half_even(round_half_even(weighted, 12) * inv_width, 24);
        const int64_t gain = round_half_even(scale.gain, 10);
        const int64_t shift = op.field[3] + scale.halvings;
        for (int64_t c = 0; c < columns; ++c) {
            int64_t total = 0;
            if (normalised) {
                const int64_t a = int64_t(dy.row(r)[c]) * gamma[c];
                const int64_t t =
                    shift_left(a, 8) - mean_a - round_half_even(m[size_t(c)] * mean_b, 12);
                total = round_within(t * gain, shift, kBackwardLimit);
            }
            if (adds) total += round_half_even(addend.row(r)[c], -op.field[4]);
            dst.row(r)[c] = counter.requantized(total, guard);
        }
    }
    counter.measure(dst);
}

inline void normalise_gamma(int16_t* arena, const Descriptor& op, Scratch& scratch,
                            Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), dy = tensor(arena, op.operand[1]);
    const Tensor x = tensor(arena, op.operand[2]);
    scratch.wide.assign(size_t(dst.columns), 0);
    for (int64_t r = 0; r < dy.rows; ++r) {
        const RowScale scale = row_scale(op, x.row(r), x.columns);
        for (int64_t c = 0; c < dst.columns; ++c)
            scratch.wide[size_t(c)] +=
                dy.row(r)[c] * round_half_even(normal_value(x.row(r)[c], scale), 8);
    }
    const Rounding rounding = make_rounding(int32_t(op.field[3]));
    Counter counter(figures[0]);
    for (int64_t c = 0; c < dst.columns; ++c)
        dst.data[c] = counter.requantized(scratch.wide[size_t(c)], rounding);
    counter.measure(dst);
}

}  // namespace training
}  // namespace trivit

#endif
