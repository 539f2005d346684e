// Products of a block of 8 rows x 32 outputs, as the accelerator's array sums them.
#ifndef TRIVIT_MAC_ARRAY_HPP
#define TRIVIT_MAC_ARRAY_HPP

#include "activation_memory.hpp"
#include "normalise.hpp"
#if !TRIVIT_ARRAY_AS_HARDWARE
#include "processor_array.hpp"
#endif

namespace trivit {

// Weights of the tile at work, or keys and values of a head.
struct WeightMemory {
#if TRIVIT_ARRAY_AS_HARDWARE
    word_t word[kOutputs][kWeightDepth];
#else
    SplitWord word[kWeightDepth];
#endif
    word_t bias[kWordsPerTile];
};

// One output's elements of a depth word.
inline void store_weight(WeightMemory& weights, uint32_t output, uint32_t address,
                         const word_t& word) {
#if TRIVIT_ARRAY_AS_HARDWARE
    weights.word[output][address] = word;
#else
    split_weight(weights.word[address], output, word);
#endif
}

static_assert(kMaxDepthWords <= kWeightDepth, "a tile fits");

// Probabilities of a row group on their way to the array, banked like the activation memory.
struct ProbabilityMemory {
    word_t bank[kBanks][kMaxRowWords];
};

// Finished sums of a block of 8 rows x 32 outputs.
struct Sums {
    acc_t value[kBanks][kOutputs];
};

// Eight sums of a row, which become a memory word.
struct SumWord {
    acc_t lane[kLanes];
};

inline SumWord sum_word(const Sums& sums, uint32_t row, uint32_t word) {
    SumWord result;
    for (int lane = 0; lane < kLanes; ++lane) {
        result.lane[lane] = sums.value[row][word * kLanes + lane];
    }
    return result;
}

// What feeds the token side of the array: a memory, or rows of the activation memory on their way
// through the normalisation.
enum class RowSource { activation, normalised, probability };

// What a block multiplies: depth word k takes address row + k of the eight row memories and depth
// word weight + k of the weights.
struct ArrayBlock {
    RowSource source;
    uint32_t row;
    uint32_t weight;
    uint32_t depth;
    // For normalised rows:
    NormaliseFormat format;
    uint32_t group;    // of the rows
    uint32_t counted;  // rows whose saturations count: each row's, in the first tile
};

#if TRIVIT_ARRAY_AS_HARDWARE

// One block, in the accelerator's order: normalised rows are made on their way to the array.
inline void run_array(const ActivationMemory& activation, const NormaliseMemory& normalise,
                      const ProbabilityMemory& probability, const WeightMemory& weights,
                      const ArrayBlock& block, Sums& sums, uint64_t& saturated) {
    acc_t running[kBanks][kOutputs];
    for (uint32_t k = 0; k < block.depth; ++k) {
        const uint32_t weight = block.weight + k;
        uint32_t saturations = 0;
        for (int m = 0; m < kBanks; ++m) {
            word_t x = block.source == RowSource::probability ? probability.bank[m][block.row + k]
                                                              : activation.bank[m][block.row + k];
            if (block.source == RowSource::normalised) {
                uint32_t changed = 0;
                x = normalise_word(x, normalise.scale[m][block.group], normalise.gamma[k],
                                   normalise.beta[k], block.format, changed);
                if (uint32_t(m) < block.counted) saturations += changed;
            }
            for (int n = 0; n < kOutputs; ++n) {
                // Products are exact in 32 bits; sums of full-range products are not, so they are
                // added at accumulator width.
                acc_t dot = 0;
                for (int e = 0; e < kLanes; ++e) {
                    dot += int32_t(x.lane[e]) * int32_t(weights.word[n][weight].lane[e]);
                }
                running[m][n] = k == 0 ? dot : acc_t(running[m][n] + dot);
                if (k + 1 == block.depth) sums.value[m][n] = running[m][n];
            }
        }
        saturated += saturations;
    }
}

#else

// Where a processor finds a row of a block.
inline const word_t* row_operand(const ActivationMemory& activation,
                                 const ProbabilityMemory& probability, const ArrayBlock& block,
                                 int bank) {
    if (block.source == RowSource::probability) return &probability.bank[bank][block.row];
    if (block.source == RowSource::activation) return &activation.bank[bank][block.row];
    return &normalised_rows().bank[bank][block.group * block.depth];
}

// Saturations of normalised rows are counted where these are made.
inline void run_array(const ActivationMemory& activation, const NormaliseMemory&,
                      const ProbabilityMemory& probability, const WeightMemory& weights,
                      const ArrayBlock& block, Sums& sums, uint64_t&) {
    const word_t* rows[kBanks];
    for (int m = 0; m < kBanks; ++m)
        rows[m] = row_operand(activation, probability, block, m);
    const auto weight = [&](uint32_t k) -> const SplitWord& {
        return weights.word[block.weight + k];
    };
    for (uint32_t first = 0; first < block.depth; first += kExactDepth) {
        const uint32_t depth = minimum(kExactDepth, block.depth - first);
        for (int m = 0; m < kBanks; m += Vectors::kRows) {
            for (int v = 0; v < kVectorsPerTile; v += kVectorsAtOnce)
                add_products(rows + m, first, depth, weight, v, sums.value + m);
        }
    }
}

#endif

}  // namespace trivit

#endif
