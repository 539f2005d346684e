// Sum and sum of squares of the rows that wait to be normalised (docs/numerics.md, Activation
// memory).
#ifndef TRIVIT_ROW_STATISTICS_HPP
#define TRIVIT_ROW_STATISTICS_HPP

#include "types.hpp"

namespace trivit {

static_assert(int64_t(kMaxDepthWords) * kLanes * 32768 < (int64_t(1) << 31),
              "the sum of a row fits 32 bits");

// Row r lies in bank r mod 8, like its elements: an epilogue adds to eight rows at once.
struct RowStatistics {
    int32_t sum[kBanks][kMaxGroups];
    int64_t squares[kBanks][kMaxGroups];
};

// Adds a word of a row. Sums of the word stand apart, so that only one addition recurs. Not inlined
// in hardware, so that the rows of a group share its instances.
TRIVIT_SHARED_UNIT void add_statistics(const word_t& word, int32_t& sum, int64_t& squares) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II = 1
    int32_t word_sum = 0;
    int64_t word_squares = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        const int32_t x = word.lane[lane];
        word_sum += x;
        word_squares += x * x;
    }
    sum += word_sum;
    squares += word_squares;
}

}  // namespace trivit

#endif
