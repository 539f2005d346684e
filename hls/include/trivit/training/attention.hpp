// Attention, forward and backward, head by head.
#ifndef TRIVIT_TRAINING_ATTENTION_HPP
#define TRIVIT_TRAINING_ATTENTION_HPP

#include "product.hpp"
#include "softmax.hpp"

namespace trivit {
namespace training {

// The rows of one head of a tensor of (heads · tokens) rows.
inline Tensor head_rows(const Tensor& all, int64_t head, int64_t tokens) {
    Tensor result = all;
    result.data = all.row(head * tokens);
    result.rows = tokens;
    return result;
}

inline void attention(int16_t* arena, const Descriptor& op, Scratch& scratch, Figures* figures) {
    const Tensor scores = tensor(arena, op.operand[0]), probs = tensor(arena, op.operand[1]);
    const Tensor dst = tensor(arena, op.operand[2]), qkv = tensor(arena, op.operand[3]);
    const bool masked = optional_operand(op, 0), biased = optional_operand(op, 1);
    const Tensor mask = masked ? tensor(arena, op.operand[4]) : qkv;
    const Tensor bias = biased ? tensor(arena, op.operand[5]) : qkv;
    const int64_t heads = op.field[0], tokens = qkv.rows, width = dst.columns / heads;
    Counter score_counter(figures[0]), prob_counter(figures[1]), counter(figures[2]);
    for (int64_t head = 0; head < heads; ++head) {
        const Tensor s = head_rows(scores, head, tokens), p = head_rows(probs, head, tokens);
        widen(qkv, head * width, width, false, scratch.a);
        widen(qkv, (heads + head) * width, width, true, scratch.b);
        multiply(scratch.a, scratch.b, scratch.sums);
        if (biased) add_aligned(head_rows(bias, head, tokens), op.field[6], false, scratch.sums);
        round_into(scratch.sums, op.field[1], s, 0, figures[0]);
        for (int64_t i = 0; i < tokens; ++i)
            softmax_row(s.row(i), masked ? mask.row(i) : nullptr, tokens, op.field[2], op.field[3],
                        op.field[4], scratch, p.row(i), prob_counter);
        widen(p, 0, tokens, false, scratch.a);
        widen(qkv, (2 * heads + head) * width, width, false, scratch.b);
        multiply(scratch.a, scratch.b, scratch.sums);
        round_into(scratch.sums, op.field[5], dst, head * width, figures[2]);
    }
    score_counter.measure(scores);
    prob_counter.measure(probs);
    counter.measure(dst);
}

// dS of a row from its probabilities and dP.
inline void score_gradient(const int16_t* p, const int16_t* dp, int64_t tokens, int64_t prob_frac,
                           int64_t scale, const Rounding& rounding, int16_t* ds, Counter& counter) {
    int64_t sum = 0;
    for (int64_t j = 0; j < tokens; ++j)
        sum += int64_t(int32_t(p[j]) * dp[j]);
    for (int64_t j = 0; j < tokens; ++j) {
        const int64_t difference = shift_left(dp[j], uint32_t(prob_frac)) - sum;
        ds[j] = counter.requantized(p[j] * difference * scale, rounding);
    }
}

inline void attention_backward(int16_t* arena, const Descriptor& op, Scratch& scratch,
                               Figures* figures) {
    const Tensor d_probs = tensor(arena, op.operand[0]), d_scores = tensor(arena, op.operand[1]);
    const Tensor dst = tensor(arena, op.operand[2]), dy = tensor(arena, op.operand[3]);
    const Tensor qkv = tensor(arena, op.operand[4]), probs = tensor(arena, op.operand[5]);
    const int64_t heads = op.field[0], tokens = qkv.rows, width = dy.columns / heads;
    const int64_t query_shift = op.field[5], value_shift = op.field[6];
    const Rounding score_rounding = make_rounding(int32_t(op.field[4]));
    Counter prob_counter(figures[0]), score_counter(figures[1]), counter(figures[2]);
    for (int64_t head = 0; head < heads; ++head) {
        const Tensor p = head_rows(probs, head, tokens);
        const Tensor dp = head_rows(d_probs, head, tokens), ds = head_rows(d_scores, head, tokens);
        const int64_t query = head * width, key = (heads + head) * width;
        const int64_t value = (2 * heads + head) * width;
        widen(dy, query, width, false, scratch.a);
        widen(qkv, value, width, true, scratch.b);
        multiply(scratch.a, scratch.b, scratch.sums);
        round_into(scratch.sums, op.field[3], dp, 0, figures[0]);
        for (int64_t i = 0; i < tokens; ++i)
            score_gradient(p.row(i), dp.row(i), tokens, op.field[1], op.field[2], score_rounding,
                           ds.row(i), score_counter);
        widen(ds, 0, tokens, false, scratch.a);
        widen(qkv, key, width, false, scratch.b);
        multiply(scratch.a, scratch.b, scratch.sums);
        round_into(scratch.sums, query_shift, dst, query, figures[2]);
        widen(ds, 0, tokens, true, scratch.a);
        widen(qkv, query, width, false, scratch.b);
        multiply(scratch.a, scratch.b, scratch.sums);
        round_into(scratch.sums, query_shift, dst, key, figures[2]);
        widen(p, 0, tokens, true, scratch.a);
        widen(dy, query, width, false, scratch.b);
        multiply(scratch.a, scratch.b, scratch.sums);
        round_into(scratch.sums, value_shift, dst, value, figures[2]);
    }
    prob_counter.measure(d_probs);
    score_counter.measure(d_scores);
    counter.measure(dst);
}

}  // namespace training
}  // namespace trivit

#endif
