// What follows the array in a matrix product: bias, residual, rounding, GELU, the way of each row
// to its place, and row statistics (docs/numerics.md, matmul).
#ifndef TRIVIT_EPILOGUE_HPP
#define TRIVIT_EPILOGUE_HPP

#include "compaction.hpp"
#include "gelu.hpp"
#include "mac_array.hpp"
#include "row_statistics.hpp"

namespace trivit {

// What the epilogue of one instruction needs in every block.
struct Epilogue {
    Alignment bias;
    Alignment residual;
    Rounding rounding;
    GeluFormat gelu;
};

// Where the rows of a block go. A bank takes one of them at most, because the kept rows of a group
// become neighbours.
struct RowRoute {
    bool kept[kBanks];        // of the block's rows
    bool writes[kBanks];      // by bank from here on
    uint32_t source[kBanks];  // which row of the block
    bool next[kBanks];        // into the row group after `group`
    uint32_t group;           // of the destination
};

// Rows of a group that is written as it is.
inline RowRoute straight_route(uint32_t group, uint32_t rows) {
    RowRoute route = RowRoute();
    route.group = group;
    for (uint32_t m = 0; m < uint32_t(kBanks); ++m) {
        route.kept[m] = route.writes[m] = group * kBanks + m < rows;
        route.source[m] = m;
    }
    return route;
}

// The kept rows of a group, side by side from their first place on.
inline RowRoute compacting_route(uint32_t group, const CompactionPlan& plan) {
    RowRoute route = RowRoute();
    route.group = plan.first[group] / kBanks;
    uint32_t place = plan.first[group];
    for (uint32_t m = 0; m < uint32_t(kBanks); ++m) {
        if (((plan.kept[group] >> m) & 1) == 0) continue;
        route.kept[m] = true;
        route.writes[place % kBanks] = true;
        route.source[place % kBanks] = m;
        route.next[place % kBanks] = place / kBanks != route.group;
        ++place;
    }
    return route;
}

// One word of one row: bias, residual, rounding, GELU. Returns how many values saturated.
TRIVIT_INLINE uint32_t finish_word(const MatmulFields& f, const Epilogue& epilogue,
                                   const SumWord& sums, const word_t& bias, const word_t& residual,
                                   word_t& result) {
    uint32_t rounded = 0;  // a bit for each lane that saturated
    for (int lane = 0; lane < kLanes; lane += kWidth) {
        const Exact sum = load(&sums.lane[lane]) + align(load(&bias.lane[lane]), epilogue.bias) +
                          align(load(&residual.lane[lane]), epilogue.residual);
        rounded |= requantize(sum, epilogue.rounding, &result.lane[lane]) << lane;
    }
    if (!f.has_gelu) return count_lanes(rounded);
    uint32_t activated = 0;
    for (int lane = 0; lane < kLanes; lane += kWidth) {
        const Exact y = gelu(load(&result.lane[lane]), epilogue.gelu);
        activated |= requantize(y, epilogue.gelu.rounding, &result.lane[lane]) << lane;
    }
    return count_lanes(rounded) + count_lanes(activated);
}

// A block's epilogue, a word in each bank per iteration. A residual word is read before the result
// that may take its place is written.
template <bool kResidual>
void finish_block(const MatmulFields& f, const Epilogue& epilogue, const RowRoute& route,
                  uint32_t group, uint32_t first_word, const Sums& sums,
                  const word_t (&bias)[kWordsPerTile], ActivationMemory& activation,
                  RowStatistics& statistics, uint64_t& saturated) {
    const uint32_t words = minimum(kWordsPerTile, f.out_words - first_word);
    const uint32_t residual_at = f.residual + size_product(group, f.out_words) + first_word;
    const uint32_t result_at = f.dst + size_product(route.group, f.out_words) + first_word;
    int32_t row_sum[kBanks] = {};
    int64_t row_squares[kBanks] = {};
    for (uint32_t word = 0; word < words; ++word) {
        uint32_t changed = 0;
        word_t result[kBanks];
        for (uint32_t m = 0; m < uint32_t(kBanks); ++m) {
            if (!route.kept[m]) continue;
            const word_t residual =
                kResidual ? activation.bank[m][residual_at + word] : zero_word();
            changed +=
                finish_word(f, epilogue, sum_word(sums, m, word), bias[word], residual, result[m]);
        }
        // The crossbar: bank b takes the row that the route names.
        for (uint32_t b = 0; b < uint32_t(kBanks); ++b) {
            if (!route.writes[b]) continue;
            const uint32_t to = route.group + (route.next[b] ? 1 : 0);
            const word_t& row = result[route.source[b]];
            activation.bank[b][result_at + (route.next[b] ? f.out_words : 0) + word] = row;
            if (!f.has_statistics) continue;
            if (word == 0 && first_word != 0) {
                row_sum[b] = statistics.sum[b][to];
                row_squares[b] = statistics.squares[b][to];
            }
            add_statistics(row, row_sum[b], row_squares[b]);
            if (word + 1 == words) {
                statistics.sum[b][to] = row_sum[b];
                statistics.squares[b][to] = row_squares[b];
            }
        }
        saturated += changed;
    }
}

}  // namespace trivit

#endif
