// Exact products in either orientation, their epilogue, and column sums.
#ifndef TRIVIT_TRAINING_PRODUCT_HPP
#define TRIVIT_TRAINING_PRODUCT_HPP

#include <cstring>
#include <vector>

#include "../vectors.hpp"
#include "arithmetic.hpp"

namespace trivit {
namespace training {

typedef Vectors::Doubles Doubles;
static const int kDoubles = int(sizeof(Doubles) / sizeof(double));
static const int kSumRows = Vectors::kSumRows;  // rows of a block of sums

inline int64_t round_up(int64_t size, int64_t unit) { return (size + unit - 1) / unit * unit; }

// A matrix of doubles: they hold int16, and sums of up to 2^22 products of them, exactly. In memory
// rows fill whole vectors and their number whole blocks, with anything.
struct Matrix {
    int64_t rows;
    int64_t columns;
    int64_t stride;
    std::vector<double> value;

    void resize(int64_t r, int64_t c) {
        rows = r;
        columns = c;
        stride = round_up(c, kDoubles);
        value.resize(size_t(round_up(r, kSumRows) * stride));
    }
    double* row(int64_t r) { return value.data() + r * stride; }
    const double* row(int64_t r) const { return value.data() + r * stride; }
};

// Copies columns first.. of a tensor, straight or transposed.
inline void widen(const Tensor& from, int64_t first, int64_t columns, bool transpose, Matrix& to) {
    if (!transpose) {
        to.resize(from.rows, columns);
        for (int64_t r = 0; r < from.rows; ++r) {
            const int16_t* source = from.row(r) + first;
            double* target = to.row(r);
            for (int64_t c = 0; c < columns; ++c)
                target[c] = source[c];
        }
        return;
    }
    to.resize(columns, from.rows);
    static const int64_t kBlock = 16;
    for (int64_t r0 = 0; r0 < from.rows; r0 += kBlock) {
        const int64_t r1 = r0 + kBlock < from.rows ? r0 + kBlock : from.rows;
        for (int64_t c = 0; c < columns; ++c) {
            double* target = to.row(c);
            for (int64_t r = r0; r < r1; ++r)
                target[r] = from.row(r)[first + c];
        }
    }
}

inline Doubles load_doubles(const double* from) {
    Doubles x;
    std::memcpy(&x, from, sizeof(x));
    return x;
}

// Sums of a block of kSumRows rows and kVectors vectors of columns. Not inlined, so that nothing
// else competes for registers.
template <int kVectors>
__attribute__((noinline)) void sum_block(const double* a, int64_t a_stride, const double* b,
                                         int64_t b_stride, int64_t depth, double* sums,
                                         int64_t sum_stride) {
    Doubles acc[kSumRows][kVectors] = {};
    for (int64_t k = 0; k < depth; ++k) {
        Doubles weights[kVectors];
        for (int v = 0; v < kVectors; ++v)
            weights[v] = load_doubles(b + k * b_stride + kDoubles * v);
        for (int r = 0; r < kSumRows; ++r)
            for (int v = 0; v < kVectors; ++v)
                acc[r][v] += a[r * a_stride + k] * weights[v];
    }
    for (int r = 0; r < kSumRows; ++r)
        for (int v = 0; v < kVectors; ++v)
            std::memcpy(sums + r * sum_stride + kDoubles * v, &acc[r][v], sizeof(Doubles));
}

// All rows of as many columns from c on as such blocks fill; what is left goes to narrower ones.
template <int kVectors>
void sum_columns(const Matrix& a, const Matrix& b, int64_t c, Matrix& sums) {
    for (; c + kDoubles * kVectors <= b.stride; c += kDoubles * kVectors)
        for (int64_t r = 0; r < a.rows; r += kSumRows)
            sum_block<kVectors>(a.row(r), a.stride, b.row(0) + c, b.stride, a.columns,
                                sums.row(r) + c, sums.stride);
    if (kVectors > 1) sum_columns<(kVectors > 1 ? kVectors - 1 : 1)>(a, b, c, sums);
}

// sums = a b, exactly: every partial sum is an integer below 2^53, in whatever order.
inline void multiply(const Matrix& a, const Matrix& b, Matrix& sums) {
    sums.resize(a.rows, b.columns);
    sum_columns<Vectors::kSumVectors>(a, b, 0, sums);
}

// Working memory of ops, kept from one to the next.
struct Scratch {
    Matrix a, b, sums;
    std::vector<int64_t> wide;
};

// A value times 2^-shift, ties to even. Exact below 2^53: a power of two scales without rounding.
inline double round_double(double value, double scale) { return __builtin_rint(value * scale); }

// Rounds sums into columns first.. of a tensor.
inline void round_into(const Matrix& sums, int64_t shift, const Tensor& to, int64_t first,
                       Figures& figures) {
    const double scale = power_of_two(int32_t(-shift));
    const int64_t columns = sums.columns;
    int64_t saturated = 0;
    for (int64_t r = 0; r < sums.rows; ++r) {
        const double* __restrict source = sums.row(r);
        int16_t* __restrict target = to.row(r) + first;
        int32_t changed = 0;
        for (int64_t c = 0; c < columns; ++c) {
            const double rounded = round_double(source[c], scale);
            const double low = rounded < -32768.0 ? -32768.0 : rounded;
            const double clamped = low > 32767.0 ? 32767.0 : low;
            changed += clamped != rounded ? 1 : 0;
            target[c] = int16_t(int32_t(clamped));
        }
        saturated += changed;
    }
    figures.saturated += saturated;
}

// Adds rows of int16, times 2^shift and rounded where bits are lost, to sums.
inline void add_aligned(const Tensor& addend, int64_t shift, bool one_row, Matrix& sums) {
    const double scale = power_of_two(int32_t(shift));
    for (int64_t r = 0; r < sums.rows; ++r) {
        const int16_t* __restrict source = addend.row(one_row ? 0 : r);
        double* __restrict target = sums.row(r);
        for (int64_t c = 0; c < sums.columns; ++c)
            target[c] += round_double(source[c], scale);
    }
}

inline void product(int16_t* arena, const Descriptor& op, Scratch& scratch, Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]);
    const Tensor a = tensor(arena, op.operand[1]), b = tensor(arena, op.operand[2]);
    widen(a, 0, a.columns, flag(op, 0), scratch.a);
    widen(b, 0, b.columns, flag(op, 1), scratch.b);
    multiply(scratch.a, scratch.b, scratch.sums);
    if (optional_operand(op, 0))
        add_aligned(tensor(arena, op.operand[3]), op.field[1], true, scratch.sums);
    if (optional_operand(op, 1))
        add_aligned(tensor(arena, op.operand[4]), op.field[2], false, scratch.sums);
    round_into(scratch.sums, op.field[0], dst, 0, figures[0]);
    Counter(figures[0]).measure(dst);
}

inline void column_sums(int16_t* arena, const Descriptor& op, Scratch& scratch, Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]), dy = tensor(arena, op.operand[1]);
    scratch.wide.assign(size_t(dy.columns), 0);
    for (int64_t r = 0; r < dy.rows; ++r)
        for (int64_t c = 0; c < dy.columns; ++c)
            scratch.wide[size_t(c)] += dy.row(r)[c];
    const Rounding rounding = make_rounding(int32_t(op.field[0]));
    Counter counter(figures[0]);
    for (int64_t c = 0; c < dy.columns; ++c)
        dst.data[c] = counter.requantized(scratch.wide[size_t(c)], rounding);
    counter.measure(dst);
}

inline void add(int16_t* arena, const Descriptor& op, Figures* figures) {
    const Tensor dst = tensor(arena, op.operand[0]);
    const Tensor a = tensor(arena, op.operand[1]), b = tensor(arena, op.operand[2]);
    const Rounding rounding = make_rounding(int32_t(op.field[2]));
    Counter counter(figures[0]);
    for (int64_t r = 0; r < dst.rows; ++r)
        for (int64_t c = 0; c < dst.columns; ++c)
            dst.row(r)[c] = counter.requantized(round_half_even(a.row(r)[c], -op.field[0]) +
                                                    round_half_even(b.row(r)[c], -op.field[1]),
                                                rounding);
    counter.measure(dst);
}

}  // namespace training
}  // namespace trivit

#endif
