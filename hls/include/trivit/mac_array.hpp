// The multiplier array: 8 tokens x 32 outputs x 8 products per cycle, output-stationary.
#ifndef TRIVIT_MAC_ARRAY_HPP
#define TRIVIT_MAC_ARRAY_HPP

#include "activation_memory.hpp"
#include "cycles.hpp"
#include "normalise.hpp"
#if !TRIVIT_ARRAY_AS_HARDWARE
#include "processor_array.hpp"
#endif

namespace trivit {

// Weights of the tiles that wait or work: a ring of depth words. The 32 outputs of a depth word lie
// in 32 memories, because the array takes all of them in one cycle; two ports each: one feeds the
// array, the other takes arriving tiles, or keys and values.
struct WeightMemory {
#if TRIVIT_ARRAY_AS_HARDWARE
    word_t word[kOutputs][kWeightDepth];
#else
    SplitWord word[kWeightDepth];
#endif
    word_t bias[kWeightTiles][kWordsPerTile];
    uint32_t next;       // first depth word of the next claim
    uint32_t next_tile;  // bias slot of the next tile
};

// One output's elements of a depth word.
inline void store_weight(WeightMemory& weights, uint32_t output, uint32_t address,
                         const word_t& word) {
#pragma HLS INLINE
#if TRIVIT_ARRAY_AS_HARDWARE
    weights.word[output][address] = word;
#else
    split_weight(weights.word[address], output, word);
#endif
}

static_assert((kWeightDepth & (kWeightDepth - 1)) == 0, "ring addresses wrap by dropping bits");
static_assert(2 * kMaxDepthWords <= kWeightDepth, "a tile arrives while another one works");

// Address in the ring, `offset` depth words behind `base`.
inline uint32_t ring_address(uint32_t base, uint32_t offset) {
    return (base + offset) % uint32_t(kWeightDepth);
}

// Claim `words` depth words and return the first. The timeline keeps claims from overtaking
// releases.
inline uint32_t claim_weights(WeightMemory& weights, uint32_t words) {
    const uint32_t base = weights.next % uint32_t(kWeightDepth);
    weights.next = ring_address(base, words);
    return base;
}

// Row groups between a group's scores and its product with V, and one that is being written.
static const int kProbabilityBuffers = kAttentionLag + 1;

// Probabilities of row groups on their way to the array, banked like the activation memory.
struct ProbabilityMemory {
    word_t bank[kBanks][kProbabilityBuffers * kMaxRowWords];
};

// Finished sums of a block of 8 rows x 32 outputs, all written at once.
struct Sums {
    acc_t value[kBanks][kOutputs];
};

// Eight sums of a row, which become a memory word.
struct SumWord {
    acc_t lane[kLanes];
};

inline SumWord sum_word(const Sums& sums, uint32_t row, uint32_t word) {
#pragma HLS INLINE
    SumWord result;
    for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        result.lane[lane] = sums.value[row][word * kLanes + lane];
    }
    return result;
}

// What feeds the token side of the array: a memory, or rows of the activation memory on their way
// through the normalisation.
enum class RowSource { activation, normalised, probability };

// What a block multiplies: depth word k takes address row + k of the eight row memories and ring
// address weight + k of the weights.
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

// One block. There is one array: the function is not inlined, its callers are, and the top function
// allows a single instance, so the row memories are chosen by a multiplexer in front of it, and the
// normalisation stands between: a longer pipeline, not a slower one. II=1 because the sums are its
// only recurrence, one addition deep; `rewind` because the next block begins in the cycle after the
// last product of this one.
inline void run_array(const ActivationMemory& activation, const NormaliseMemory& normalise,
                      const ProbabilityMemory& probability, const WeightMemory& weights,
                      const ArrayBlock& block, Sums& sums, LoopCounter& loop, uint64_t& saturated) {
#pragma HLS INLINE off
    acc_t running[kBanks][kOutputs];
#pragma HLS ARRAY_PARTITION variable = running dim = 0 complete  // all 256 sums change every cycle
    for (uint32_t k = 0; k < block.depth; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 384
#pragma HLS PIPELINE II = 1 rewind
        const uint32_t weight = ring_address(block.weight, k);
        uint32_t saturations = 0;
        for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
            word_t x = block.source == RowSource::probability ? probability.bank[m][block.row + k]
                                                              : activation.bank[m][block.row + k];
            if (block.source == RowSource::normalised) {
                uint32_t changed = 0;
                x = normalise_word(x, normalise.scale[m][block.group],
                                   normalise.gamma[block.format.buffer][k],
                                   normalise.beta[block.format.buffer][k], block.format, changed);
                if (uint32_t(m) < block.counted) saturations += changed;
            }
            for (int n = 0; n < kOutputs; ++n) {
#pragma HLS UNROLL
                // Products are exact in 32 bits; sums of full-range products are not, so they are
                // added at accumulator width.
                acc_t dot = 0;
                for (int e = 0; e < kLanes; ++e) {
#pragma HLS UNROLL
                    dot += int32_t(x.lane[e]) * int32_t(weights.word[n][weight].lane[e]);
                }
                running[m][n] = k == 0 ? dot : acc_t(running[m][n] + dot);
                if (k + 1 == block.depth) sums.value[m][n] = running[m][n];
            }
        }
        saturated += saturations;
        loop.tick();
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
                      const ArrayBlock& block, Sums& sums, LoopCounter& loop, uint64_t&) {
    const word_t* rows[kBanks];
    for (int m = 0; m < kBanks; ++m)
        rows[m] = row_operand(activation, probability, block, m);
    const auto weight = [&](uint32_t k) -> const SplitWord& {
        return weights.word[ring_address(block.weight, k)];
    };
    for (uint32_t first = 0; first < block.depth; first += kExactDepth) {
        const uint32_t depth = minimum(kExactDepth, block.depth - first);
        for (int m = 0; m < kBanks; m += Vectors::kRows) {
            for (int v = 0; v < kVectorsPerTile; v += kVectorsAtOnce)
                add_products(rows + m, first, depth, weight, v, sums.value + m);
        }
    }
    loop.add(block.depth);
}

#endif

}  // namespace trivit

#endif
