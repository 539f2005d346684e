// Which connections of the next attentions stay open.
#ifndef TRIVIT_TRAINING_CONNECTIONS_HPP
#define TRIVIT_TRAINING_CONNECTIONS_HPP

#include <algorithm>
#include <numeric>
#include <vector>

#include "product.hpp"
#include "softmax.hpp"

namespace trivit {
namespace training {

inline void set_open(int16_t* mask, int64_t j) {
    mask[j >> 4] = int16_t(uint16_t(mask[j >> 4]) | uint16_t(1u << (j & 15)));
}

// Every kept patch sees [CLS] and the `keep` kept patches to which it gives most attention, of
// those that it saw before; [CLS] sees all.
inline void select_connections(int16_t* arena, const Descriptor& op, Scratch& scratch,
                               Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), probs = tensor(arena, op.operand[1]);
    const bool chosen = optional_operand(op, 0), masked = optional_operand(op, 1);
    const int16_t* index = chosen ? tensor(arena, op.operand[2]).data : nullptr;
    const Tensor before = masked ? tensor(arena, op.operand[3]) : probs;
    const int64_t heads = op.field[0], keep = op.field[1];
    const int64_t tokens = probs.columns, rows = dst.rows;
    std::vector<int64_t>& sum = scratch.wide;
    std::vector<int32_t> order(static_cast<size_t>(rows - 1));
    for (int64_t i = 0; i < rows; ++i) {
        std::fill_n(dst.row(i), dst.columns, int16_t(0));
        set_open(dst.row(i), 0);
    }
    for (int64_t j = 1; j < rows; ++j)
        set_open(dst.row(0), j);
    for (int64_t i = 1; i < rows; ++i) {
        const int64_t query = chosen ? index[i] : i;
        sum.assign(size_t(rows), 0);
        for (int64_t j = 1; j < rows; ++j) {
            const int64_t key = chosen ? index[j] : j;
            if (masked && !open_key(before.row(query), key)) {
                sum[size_t(j)] = -1;
                continue;
            }
            for (int64_t head = 0; head < heads; ++head)
                sum[size_t(j)] += probs.row(head * tokens + query)[key];
        }
        std::iota(order.begin(), order.end(), 1);
        std::stable_sort(order.begin(), order.end(),
                         [&sum](int32_t a, int32_t b) { return sum[size_t(a)] > sum[size_t(b)]; });
        for (int64_t n = 0; n < keep && sum[size_t(order[size_t(n)])] >= 0; ++n)
            set_open(dst.row(i), order[size_t(n)]);
    }
    Counter(figures[0]).measure(dst);
}

}  // namespace training
}  // namespace trivit

#endif
