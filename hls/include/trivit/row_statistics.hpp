// Sum and sum of squares of the rows that wait to be normalised (docs/numerics.md, Activation
// memory).
#ifndef TRIVIT_ROW_STATISTICS_HPP
#define TRIVIT_ROW_STATISTICS_HPP

#include "types.hpp"

namespace trivit {

static_assert(int64_t(kMaxDepthWords) * kLanes * 32768 < (int64_t(1) << 31),
              "the sum of a row fits 32 bits");

// Row r lies in bank r mod 8, like its elements.
struct RowStatistics {
    int32_t sum[kBanks][kMaxGroups];
    int64_t squares[kBanks][kMaxGroups];
};

// Adds a word of a row.
TRIVIT_INLINE void add_statistics(const word_t& word, int32_t& sum, int64_t& squares) {
    int32_t word_sum = 0;
    int64_t word_squares = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
        const int32_t x = word.lane[lane];
        word_sum += x;
        word_squares += x * x;
    }
    sum += word_sum;
    squares += word_squares;
}

}  // namespace trivit

#endif
