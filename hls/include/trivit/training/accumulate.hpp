// Sums of gradients over images, in 32 bits.
#ifndef TRIVIT_TRAINING_ACCUMULATE_HPP
#define TRIVIT_TRAINING_ACCUMULATE_HPP

#include "masters.hpp"

namespace trivit {
namespace training {

// Columns begin..end of all rows, a whole number of L's lanes.
template <class L>
void accumulate_columns(const Tensor& gradient, const Tensor& high, const Tensor& low,
                        const Rounding& rounding, int64_t begin, int64_t end) {
    for (int64_t r = 0; r < high.rows; ++r) {
        for (int64_t c = begin; c < end; c += L::kCount) {
            int16_t *upper = high.row(r) + c, *lower = low.row(r) + c;
            const typename L::Int added = round_lanes<L>(L::load(gradient.row(r) + c), rounding);
            store_master<L, true>(load_planes<L>(upper, lower) + added, upper, lower);
        }
    }
}

inline void accumulate(int16_t* arena, const Descriptor& op) {
    const Tensor gradient = tensor(arena, op.operand[0]);
    const Tensor high = tensor(arena, op.operand[1]), low = tensor(arena, op.operand[2]);
    const Rounding rounding = make_rounding(int32_t(-op.field[0]));
    const int64_t whole = high.columns - high.columns % WideLanes::kCount;
    accumulate_columns<WideLanes>(gradient, high, low, rounding, 0, whole);
    accumulate_columns<OneLane>(gradient, high, low, rounding, whole, high.columns);
}

// The sum as a gradient of 16 bits; zero is left.
inline void release(int16_t* arena, const Descriptor& op, Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]);
    const Tensor high = tensor(arena, op.operand[1]), low = tensor(arena, op.operand[2]);
    const Rounding rounding = make_rounding(int32_t(op.field[0]));
    Counter counter(figures[0]);
    for (int64_t r = 0; r < dst.rows; ++r) {
        for (int64_t c = 0; c < dst.columns; ++c) {
            const int64_t sum = high.row(r)[c] * kPlane + low.row(r)[c];
            dst.row(r)[c] = counter.requantized(sum, rounding);
            high.row(r)[c] = low.row(r)[c] = 0;
        }
    }
    counter.measure(dst);
}

}  // namespace training
}  // namespace trivit

#endif
