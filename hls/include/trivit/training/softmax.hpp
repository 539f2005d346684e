// Probabilities of a row and the gradient of the loss.
#ifndef TRIVIT_TRAINING_SOFTMAX_HPP
#define TRIVIT_TRAINING_SOFTMAX_HPP

#include <algorithm>

#include "../softmax.hpp"
#include "arithmetic.hpp"
#include "product.hpp"

namespace trivit {
namespace training {

// Whether key j is open in a row of a mask, 16 keys an element.
inline bool open_key(const int16_t* mask, int64_t j) { return (mask[j >> 4] >> (j & 15)) & 1; }

// The exponentials of a row at 24 fraction bits, those of closed keys 0, and their sum.
template <bool kMasked>
inline uint64_t exponentials(const int16_t* score, const int16_t* mask, int64_t count,
                             int64_t multiplier, int64_t shift, int64_t* e) {
    int64_t peak = INT16_MIN;
    for (int64_t j = 0; j < count; ++j)
        if (!kMasked || open_key(mask, j)) peak = score[j] > peak ? score[j] : peak;
    uint64_t sum = 0;
    for (int64_t j = 0; j < count; ++j) {
        if (kMasked && !open_key(mask, j)) {
            e[j] = 0;
            continue;
        }
        const int64_t t = ((peak - score[j]) * multiplier) >> shift;
        const int64_t halvings = t >> 20, index = (t >> 12) & 255, remainder = t & 4095;
        const int64_t here = kExp2Table[index], next = kExp2Table[index + 1];
        const int64_t value = ((here << 12) - (here - next) * remainder) >> 10;
        e[j] = halvings < kExpVanishes ? value >> halvings : 0;
        sum += uint64_t(e[j]);
    }
    return sum;
}

// floor(log2(sum)), 24..33.
inline int64_t log2_of_sum(uint64_t sum) { return 63 - __builtin_clzll(sum); }

// Probabilities of a row; `mask` is its row of a mask, or null where every key is open.
inline void softmax_row(const int16_t* score, const int16_t* mask, int64_t count,
                        int64_t multiplier, int64_t shift, int64_t prob_frac, Scratch& scratch,
                        int16_t* probability, Counter& counter) {
    scratch.wide.resize(size_t(count));
    int64_t* e = scratch.wide.data();
    const uint64_t sum = mask ? exponentials<true>(score, mask, count, multiplier, shift, e)
                              : exponentials<false>(score, mask, count, multiplier, shift, e);
    if (sum == 0) {  // no key is open
        std::fill_n(probability, count, int16_t(0));
        return;
    }
    int32_t reciprocal;
    Rounding rounding;
    softmax_reciprocal(sum, uint32_t(prob_frac), reciprocal, rounding);
    for (int64_t j = 0; j < count; ++j)
        probability[j] = counter.requantized(e[j] * reciprocal, rounding);
}

inline void cross_entropy(int16_t* arena, const Descriptor& op, Scratch& scratch,
                          Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), logits = tensor(arena, op.operand[1]);
    const int16_t* target = tensor(arena, op.operand[2]).data;
    const int64_t count = logits.columns;
    scratch.wide.resize(size_t(count));
    int64_t* e = scratch.wide.data();
    const uint64_t sum =
        exponentials<false>(logits.data, nullptr, count, op.field[0], op.field[1], e);
    int32_t reciprocal;
    Rounding unused;
    softmax_reciprocal(sum, 0, reciprocal, unused);
    const int64_t b = log2_of_sum(sum);
    const Rounding rounding = make_rounding(int32_t(24 + b - op.field[2]));
    Counter counter(figures[0]);
    for (int64_t j = 0; j < count; ++j) {
        const int64_t wanted = shift_left(target[j], uint32_t(10 + b));
        dst.data[j] = counter.requantized(e[j] * reciprocal - wanted, rounding);
    }
    counter.measure(dst);
}

}  // namespace training
}  // namespace trivit

#endif
