// GELU and its derivative, element by element.
#ifndef TRIVIT_TRAINING_POINTWISE_HPP
#define TRIVIT_TRAINING_POINTWISE_HPP

#include "../../../generated/tables.hpp"
#include "../gelu.hpp"
#include "arithmetic.hpp"

namespace trivit {
namespace training {

static_assert(sizeof(kGeluSlopeTable) / sizeof(kGeluSlopeTable[0]) == kGeluSteps + 1,
              "one address serves both tables");

// What a table of steps over |x| says at x, at 28 fraction bits.
inline int64_t interpolated(const int32_t* table, int64_t x, int64_t in_frac) {
    const int64_t magnitude = (x < 0 ? -x : x) << (kGeluInFrac - in_frac);
    const int64_t index = magnitude >> kGeluStepBits;
    if (index >= kGeluSteps) return 0;
    const int64_t remainder = magnitude & ((1 << kGeluStepBits) - 1);
    return int64_t(table[index]) * (1 << kGeluStepBits) +
           (int64_t(table[index + 1]) - table[index]) * remainder;
}

inline void gelu_forward(int16_t* arena, const Descriptor& op, Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), x = tensor(arena, op.operand[1]);
    const int64_t in_frac = op.field[0];
    const Rounding rounding = make_rounding(int32_t(kGeluFrac - op.field[1]));
    Counter counter(figures[0]);
    for (int64_t r = 0; r < dst.rows; ++r) {
        for (int64_t c = 0; c < dst.columns; ++c) {
            const int64_t value = x.row(r)[c];
            const int64_t positive = value > 0 ? value : 0;
            const int64_t sum =
                (positive << (kGeluFrac - in_frac)) - interpolated(kGeluTable, value, in_frac);
            dst.row(r)[c] = counter.requantized(sum, rounding);
        }
    }
    counter.measure(dst);
}

inline void gelu_backward(int16_t* arena, const Descriptor& op, Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]);
    const Tensor dy = tensor(arena, op.operand[1]), x = tensor(arena, op.operand[2]);
    const Rounding rounding = make_rounding(int32_t(op.field[1]));
    Counter counter(figures[0]);
    for (int64_t r = 0; r < dst.rows; ++r) {
        for (int64_t c = 0; c < dst.columns; ++c) {
            const int64_t value = x.row(r)[c];
            const int64_t delta = interpolated(kGeluSlopeTable, value, op.field[0]);
            const int64_t one = int64_t(1) << kGeluFrac;
            const int64_t slope = round_half_even(value >= 0 ? one - delta : delta, 12);
            dst.row(r)[c] = counter.requantized(dy.row(r)[c] * slope, rounding);
        }
    }
    counter.measure(dst);
}

}  // namespace training
}  // namespace trivit

#endif
