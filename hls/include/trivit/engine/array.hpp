// The array: 8 rows x 32 outputs x 8 products an iteration, and the rounding of a row an iteration
// behind it.
#ifndef TRIVIT_ENGINE_ARRAY_HPP
#define TRIVIT_ENGINE_ARRAY_HPP

#include "issue.hpp"

namespace trivit {
namespace blocks {

// A rounded row on its way to the banks.
struct Result {
    TileRow row;
    ap_uint<24> saturated;  // of the product so far
    ap_uint<16> largest;    // magnitude, of the same
    FewRows bank;
    bool block_ends;
    Leaving leaving;
};

struct Array {
    Array() : saturated(0), largest(0), rows_left(0) {}

    // A row group's next row leaves in this iteration.
    bool leaves() const { return rows_left != 0; }
    // A row group may come behind the last one in this iteration.
    bool room() const { return rows_left <= 1; }

    void take_residual(const FewWords& word, const Word (&data)[kRows]) {
#pragma HLS INLINE
        for (int row = 0; row < kRows; ++row) {
#pragma HLS UNROLL
            for (int at = 0; at < kWordsPerTile; ++at) {
#pragma HLS UNROLL
                if (at == word) residual[row][at] = data[row];
            }
        }
    }

    static Sum lane_of(const Word (&words)[kWordsPerTile], int column) {
#pragma HLS INLINE
        return lane16(words[column / kLanes], column % kLanes);
    }

    // The first row that has not left: rounded, and counted where it is saturated.
    Result leave(const BiasRow& biases) {
#pragma HLS INLINE
        Result result;
        bool changed[kColumns];
        TileRow counted = 0;
        for (int column = 0; column < kColumns; ++column) {
#pragma HLS UNROLL
            const bool exists = column < kLanes * leaving.words;
            const Sum bias = leaving.bias ? Sum(lane16(biases, column)) : Sum(0);
            const Sum added = leaving.residual && exists ? lane_of(residual[0], column) : Sum(0);
            const Sum sum = sums[0][column] + Sum(bias << leaving.bias_shift) +
                            Sum(added << leaving.residual_shift);
            bool clamped = false;
            const ap_int<16> value = clamp_int16(round_half_even(sum, leaving.out_shift), clamped);
            result.row.range(16 * column + 15, 16 * column) = value;
            changed[column] = clamped && exists && leaving.error == 0;
            if (exists && leaving.error == 0) counted.range(16 * column + 15, 16 * column) = value;
        }
        saturated += count_ones(changed);
        largest = larger(largest, largest_magnitude(counted));
        result.saturated = saturated;
        result.largest = largest;
        result.bank = leaving.rows - rows_left;
        result.block_ends = rows_left == 1;
        result.leaving = leaving;
        for (int row = 0; row < kRows - 1; ++row) {
#pragma HLS UNROLL
            for (int column = 0; column < kColumns; ++column) {
#pragma HLS UNROLL
                sums[row][column] = sums[row + 1][column];
            }
            for (int word = 0; word < kWordsPerTile; ++word) {
#pragma HLS UNROLL
                residual[row][word] = residual[row + 1][word];
            }
        }
        if (leaving.finishes && rows_left == 1) {
            saturated = 0;
            largest = 0;
        }
        rows_left -= 1;
        return result;
    }

    // A depth word. Rows of a transposed operand that do not exist are zero already.
    void multiply(bool first, const Word (&operand)[kRows], const Word (&weights)[kColumns]) {
#pragma HLS INLINE
        ap_int<16> a[kRows][kLanes], b[kColumns][kLanes];
        for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
            for (int row = 0; row < kRows; ++row) {
#pragma HLS UNROLL
                a[row][lane] = lane16(operand[row], lane);
            }
            for (int column = 0; column < kColumns; ++column) {
#pragma HLS UNROLL
                b[column][lane] = lane16(weights[column], lane);
            }
        }
        for (int row = 0; row < kRows; ++row) {
#pragma HLS UNROLL
            for (int column = 0; column < kColumns; ++column) {
#pragma HLS UNROLL
                ap_int<35> dot = 0;
                for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
                    dot += a[row][lane] * b[column][lane];
                }
                partial[row][column] = (first ? Sum(0) : partial[row][column]) + dot;
            }
        }
    }

    void close(const Leaving& given) {
#pragma HLS INLINE
        for (int row = 0; row < kRows; ++row) {
#pragma HLS UNROLL
            for (int column = 0; column < kColumns; ++column) {
#pragma HLS UNROLL
                sums[row][column] = partial[row][column];
            }
        }
        leaving = given;
        rows_left = given.rows;
    }

    Sum partial[kRows][kColumns];
    Sum sums[kRows][kColumns];
    Word residual[kRows][kWordsPerTile];
    Leaving leaving;
    ap_uint<24> saturated;
    ap_uint<16> largest;
    FewRows rows_left;
};

}  // namespace blocks
}  // namespace trivit

#endif
