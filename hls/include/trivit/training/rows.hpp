// Ops that move rows: patches, [CLS], kept tokens.
#ifndef TRIVIT_TRAINING_ROWS_HPP
#define TRIVIT_TRAINING_ROWS_HPP

#include <algorithm>
#include <cstring>
#include <numeric>

#include "arithmetic.hpp"
#include "product.hpp"

namespace trivit {
namespace training {

inline void copy_row(const Tensor& from, int64_t source, const Tensor& to, int64_t target) {
    std::memcpy(to.row(target), from.row(source), size_t(to.columns) * sizeof(int16_t));
}

inline void clear(const Tensor& to) {
    for (int64_t r = 0; r < to.rows; ++r)
        std::memset(to.row(r), 0, size_t(to.columns) * sizeof(int16_t));
}

// Row 0 is zero; row 1 + n is patch n, in (channel, y, x) order.
inline void patchify(int16_t* arena, const Descriptor& op, Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), image = tensor(arena, op.operand[1]);
    const int64_t channels = op.field[0], height = op.field[1], width = op.field[2];
    const int64_t patch = op.field[3], across = width / patch;
    clear(dst);
    for (int64_t channel = 0; channel < channels; ++channel) {
        for (int64_t y = 0; y < height; ++y) {
            const int16_t* line = image.row(channel * height + y);
            for (int64_t x = 0; x < width; ++x) {
                const int64_t number = 1 + (y / patch) * across + x / patch;
                const int64_t place = (channel * patch + y % patch) * patch + x % patch;
                dst.row(number)[place] = line[x];
            }
        }
    }
    Counter(figures[0]).measure(dst);
}

inline void cls_row(int16_t* arena, const Descriptor& op, Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]);
    const int16_t* cls = tensor(arena, op.operand[1]).data;
    const int16_t* position = tensor(arena, op.operand[2]).data;
    const Rounding rounding = make_rounding(int32_t(op.field[2]));
    Counter counter(figures[0]);
    for (int64_t c = 0; c < dst.columns; ++c)
        dst.data[c] = counter.requantized(shift_left(cls[c], uint32_t(op.field[0])) +
                                              shift_left(position[c], uint32_t(op.field[1])),
                                          rounding);
    counter.measure(dst);
}

inline void gather(int16_t* arena, const Descriptor& op, Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), x = tensor(arena, op.operand[1]);
    const int16_t* index = tensor(arena, op.operand[2]).data;
    for (int64_t r = 0; r < dst.rows; ++r)
        copy_row(x, index[r], dst, r);
    Counter(figures[0]).measure(dst);
}

inline void scatter(int16_t* arena, const Descriptor& op, Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), dy = tensor(arena, op.operand[1]);
    const int16_t* index = tensor(arena, op.operand[2]).data;
    clear(dst);
    for (int64_t r = 0; r < dy.rows; ++r)
        copy_row(dy, r, dst, index[r]);
    Counter(figures[0]).measure(dst);
}

// Row 0 and the rows of the `keep` patches that [CLS] attends to most, ascending.
inline void select_tokens(int16_t* arena, const Descriptor& op, Scratch& scratch,
                          Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), probs = tensor(arena, op.operand[1]);
    const int64_t heads = op.field[0], keep = op.field[1], tokens = probs.columns;
    std::vector<int64_t>& sum = scratch.wide;
    sum.assign(size_t(tokens), 0);
    for (int64_t head = 0; head < heads; ++head)
        for (int64_t j = 0; j < tokens; ++j)
            sum[size_t(j)] += probs.row(head * tokens)[j];
    // A negative sum, which no probabilities have, counts as 0, as everywhere.
    for (int64_t j = 0; j < tokens; ++j)
        sum[size_t(j)] = std::max<int64_t>(sum[size_t(j)], 0);
    std::vector<int16_t> order(size_t(tokens - 1));
    std::iota(order.begin(), order.end(), int16_t(1));
    std::stable_sort(order.begin(), order.end(),
                     [&sum](int16_t a, int16_t b) { return sum[size_t(a)] > sum[size_t(b)]; });
    std::sort(order.begin(), order.begin() + keep);
    dst.data[0] = 0;
    for (int64_t i = 0; i < keep; ++i)
        dst.data[1 + i] = order[size_t(i)];
    Counter(figures[0]).measure(dst);
}

// Writes no tensor; returns the sum and the sum of squares of what [CLS] gives to each patch token,
// the heads' probabilities added up.
inline void cls_moments(int16_t* arena, const Descriptor& op, Figures* figures) {
    const Tensor probs = tensor(arena, op.operand[0]);
    const int64_t heads = op.field[0], tokens = probs.columns;
    for (int64_t j = 1; j < tokens; ++j) {
        int64_t sum = 0;
        for (int64_t head = 0; head < heads; ++head)
            sum += probs.row(head * tokens)[j];
        figures[0].largest += sum;
        figures[0].squares += sum * sum;
    }
}

}  // namespace training
}  // namespace trivit

#endif
