// Biases of attention scores that are gathered from a table, and the table's gradient.
#ifndef TRIVIT_TRAINING_SCORE_BIAS_HPP
#define TRIVIT_TRAINING_SCORE_BIAS_HPP

#include "arithmetic.hpp"
#include "product.hpp"

namespace trivit {
namespace training {

// Row head · tokens + i, column j of dst: entry index[i][j] of the head's column of the table.
inline void score_bias(int16_t* arena, const Descriptor& op, Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), table = tensor(arena, op.operand[1]);
    const Tensor index = tensor(arena, op.operand[2]);
    const int64_t tokens = index.rows, factor = op.field[0];
    const Rounding rounding = make_rounding(int32_t(op.field[1]));
    Counter counter(figures[0]);
    for (int64_t head = 0; head < table.columns; ++head) {
        for (int64_t i = 0; i < tokens; ++i) {
            const int16_t* entry = index.row(i);
            int16_t* to = dst.row(head * tokens + i);
            for (int64_t j = 0; j < tokens; ++j)
                to[j] = counter.requantized(table.row(entry[j])[head] * factor, rounding);
        }
    }
    counter.measure(dst);
}

// Adds the gradients of all pairs that name an entry.
inline void score_bias_backward(int16_t* arena, const Descriptor& op, Scratch& scratch,
                                Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), d_scores = tensor(arena, op.operand[1]);
    const Tensor index = tensor(arena, op.operand[2]);
    const int64_t tokens = index.rows, factor = op.field[0];
    const Rounding rounding = make_rounding(int32_t(op.field[1]));
    Counter counter(figures[0]);
    std::vector<int64_t>& sum = scratch.wide;
    for (int64_t head = 0; head < dst.columns; ++head) {
        sum.assign(size_t(dst.rows), 0);
        for (int64_t i = 0; i < tokens; ++i) {
            const int16_t* entry = index.row(i);
            const int16_t* from = d_scores.row(head * tokens + i);
            for (int64_t j = 0; j < tokens; ++j)
                sum[size_t(entry[j])] += from[j];
        }
        for (int64_t e = 0; e < dst.rows; ++e)
            dst.row(e)[head] = counter.requantized(sum[size_t(e)] * factor, rounding);
    }
    counter.measure(dst);
}

}  // namespace training
}  // namespace trivit

#endif
