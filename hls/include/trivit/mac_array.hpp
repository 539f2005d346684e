// The multiplier array: 8 tokens x 32 outputs x 8 products per cycle, output-stationary.
#ifndef TRIVIT_MAC_ARRAY_HPP
#define TRIVIT_MAC_ARRAY_HPP

#include "activation_memory.hpp"
#include "cycles.hpp"

namespace trivit {

// Weights of the tiles that wait or work: a ring of depth words. The 32 outputs of a depth word lie in
// 32 memories, because the array takes all of them in one cycle; two ports each: one feeds the array,
// the other takes arriving tiles, or keys and values.
struct WeightMemory {
    word_t word[kOutputs][kWeightDepth];
    word_t bias[kWeightTiles][kWordsPerTile];
    uint32_t next;       // first depth word of the next claim
    uint32_t next_tile;  // bias slot of the next tile
};

static_assert((kWeightDepth & (kWeightDepth - 1)) == 0, "ring addresses wrap by dropping bits");
static_assert(2 * kMaxDepthWords <= kWeightDepth, "a tile arrives while another one works");

// Address in the ring, `offset` depth words behind `base`.
inline uint32_t ring_address(uint32_t base, uint32_t offset) {
    return (base + offset) % uint32_t(kWeightDepth);
}

// Claim `words` depth words and return the first. The timeline keeps claims from overtaking releases.
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

// Memory that feeds the token side of the array.
enum class RowSource { activation, probability };

// What a block multiplies: depth word k takes address row + k of the eight row memories and ring
// address weight + k of the weights.
struct ArrayBlock {
    RowSource source;
    uint32_t row;
    uint32_t weight;
    uint32_t depth;
};

#if defined(__SYNTHESIS__) || defined(TRIVIT_HARDWARE_ORDER)

inline const word_t& row_operand(const ActivationMemory& activation,
                                 const ProbabilityMemory& probability, RowSource source, int bank,
                                 uint32_t address) {
#pragma HLS INLINE
    return source == RowSource::activation ? activation.bank[bank][address]
                                           : probability.bank[bank][address];
}

// One block. There is one array: the function is not inlined, its callers are, and the top function
// allows a single instance, so the row memories are chosen by a multiplexer in front of it. II=1
// because the sums are its only recurrence, one addition deep; `rewind` because the next block begins
// in the cycle after the last product of this one.
inline void run_array(const ActivationMemory& activation, const ProbabilityMemory& probability,
                      const WeightMemory& weights, const ArrayBlock& block, Sums& sums,
                      LoopCounter& loop) {
#pragma HLS INLINE off
    acc_t running[kBanks][kOutputs];
#pragma HLS ARRAY_PARTITION variable = running dim = 0 complete  // all 256 sums change every cycle
    for (uint32_t k = 0; k < block.depth; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 384
#pragma HLS PIPELINE II = 1 rewind
        const uint32_t weight = ring_address(block.weight, k);
        for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
            const word_t x =
                row_operand(activation, probability, block.source, m, block.row + k);
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
        loop.tick();
    }
}

#else

// The same sums in an order that a processor likes: one inner product after the other. Rows are split
// into high and low bytes, so that 256 products of a byte and a weight add up in 32 bits:
// 256·255·2^15 < 2^31. Integer addition is associative; a test builds both orders.
static const uint32_t kSafeProducts = 256;

// Eight rows, split.
struct SplitRows {
    int16_t high[kBanks][kMaxDepthWords * kLanes];
    int16_t low[kBanks][kMaxDepthWords * kLanes];
};

inline int64_t inner_product(const int16_t* high, const int16_t* low, const int16_t* weight,
                             uint32_t count) {
    int64_t total = 0;
    for (uint32_t first = 0; first < count; first += kSafeProducts) {
        const uint32_t end = minimum(count, first + kSafeProducts);
        int32_t high_sum = 0;
        int32_t low_sum = 0;
        for (uint32_t i = first; i < end; ++i) high_sum += int32_t(high[i]) * weight[i];
        for (uint32_t i = first; i < end; ++i) low_sum += int32_t(low[i]) * weight[i];
        total += int64_t(high_sum) * 256 + low_sum;
    }
    return total;
}

inline void run_array(const ActivationMemory& activation, const ProbabilityMemory& probability,
                      const WeightMemory& weights, const ArrayBlock& block, Sums& sums,
                      LoopCounter& loop) {
    static SplitRows split;
    const uint32_t count = block.depth * kLanes;
    for (int m = 0; m < kBanks; ++m) {
        const word_t* row = block.source == RowSource::activation
                                ? &activation.bank[m][block.row]
                                : &probability.bank[m][block.row];
        const int16_t* x = row->lane;
        for (uint32_t i = 0; i < count; ++i) {
            split.high[m][i] = int16_t(x[i] >> 8);
            split.low[m][i] = int16_t(x[i] & 255);
        }
    }
    // The ring may end within the block.
    const uint32_t here = minimum(block.depth, kWeightDepth - block.weight) * kLanes;
    for (int n = 0; n < kOutputs; ++n) {
        const int16_t* first = weights.word[n][block.weight].lane;
        const int16_t* rest = weights.word[n][0].lane;
        for (int m = 0; m < kBanks; ++m) {
            int64_t sum = inner_product(split.high[m], split.low[m], first, here);
            if (here < count) {
                sum += inner_product(split.high[m] + here, split.low[m] + here, rest, count - here);
            }
            sums.value[m][n] = sum;
        }
    }
    loop.add(block.depth);
}

#endif

}  // namespace trivit

#endif
