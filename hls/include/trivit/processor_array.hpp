// The array as a processor runs it: the sums of mac_array.hpp, in the order that vectors like. A
// test builds both; nothing here exists under __SYNTHESIS__.
#ifndef TRIVIT_PROCESSOR_ARRAY_HPP
#define TRIVIT_PROCESSOR_ARRAY_HPP

#include "types.hpp"
#include "vectors.hpp"

namespace trivit {

// Processors multiply pairs of int16 and add them in int32, several times as many per instruction
// as they multiply doubles. Sums of full products do not fit 32 bits, so a weight is split:
//     w = 256 high + low,  -128 <= high <= 128,  -128 <= low <= 127
// and a product with half a weight is at most 2^22: kExactDepth depth words of them stay below
// 2^31. Then 256 high + low is taken in double, which holds every sum of kMaxDepthWords words.
static const int kWeightHalves = 2;
static const int kPairs = kLanes / 2;  // of elements in a depth word
static const int kVectorsPerTile = kOutputs / Vectors::kOutputs;
static const uint32_t kExactDepth = ((1u << (31 - 22)) - 1) / kLanes;

static_assert(kMaxDepthWords * kLanes < (1 << 22), "sums of products stay below 2^53");
static_assert(kBanks % Vectors::kRows == 0, "a block is whole sets of rows");
static_assert(kVectorsPerTile % Vectors::kVectors == 0, "and of outputs");

// A depth word of 32 outputs, split, in the order in which the array takes it.
struct SplitWord {
    alignas(64) int16_t pair[kPairs][kVectorsPerTile][kWeightHalves][Vectors::kOutputs][2];
};

// One output's elements of a depth word.
inline void split_weight(SplitWord& split, uint32_t output, const word_t& word) {
    const uint32_t vector = output / Vectors::kOutputs;
    const uint32_t lane = output % Vectors::kOutputs;
    typedef int16_t Elements __attribute__((vector_size(sizeof(word_t))));
    Elements w;
    std::memcpy(&w, &word, sizeof(w));
    const Elements rounded_up = (w >> 7) & 1;  // by the half below
    const Elements halves[kWeightHalves] = {(w >> 8) + rounded_up, (w << 8) >> 8};
    int16_t element[kWeightHalves][kLanes];
    std::memcpy(element, halves, sizeof(element));
    for (int p = 0; p < kPairs; ++p) {
        for (int h = 0; h < kWeightHalves; ++h)
            std::memcpy(split.pair[p][vector][h][lane], &element[h][2 * p], 2 * sizeof(int16_t));
    }
}

// Sums of Vectors::kRows rows and kVectors vectors of outputs over `depth` words. weights(k)
// gives the split word of depth k. Not inlined, so that nothing else competes for registers.
template <class Weights>
__attribute__((noinline)) void add_products(const word_t* const* rows, uint32_t first,
                                            uint32_t depth, const Weights& weights, uint32_t vector,
                                            double (*sums)[kOutputs]) {
    typedef Vectors::Sums Vector;
    Vector high[Vectors::kRows][Vectors::kVectors];
    Vector low[Vectors::kRows][Vectors::kVectors];
    for (int r = 0; r < Vectors::kRows; ++r) {
        for (int v = 0; v < Vectors::kVectors; ++v)
            high[r][v] = low[r][v] = Vectors::zero();
    }
    for (uint32_t k = first; k < first + depth; ++k) {
        const SplitWord& word = weights(k);
        for (int pair = 0; pair < kPairs; ++pair) {
            for (int r = 0; r < Vectors::kRows; ++r) {
                const Vectors::Pair x = Vectors::broadcast(&rows[r][k].lane[2 * pair]);
                for (int v = 0; v < Vectors::kVectors; ++v) {
                    const int16_t (&w)[kWeightHalves][Vectors::kOutputs][2] =
                        word.pair[pair][vector + v];
                    high[r][v] = Vectors::accumulate(high[r][v], w[0][0], x);
                    low[r][v] = Vectors::accumulate(low[r][v], w[1][0], x);
                }
            }
        }
    }
    for (int r = 0; r < Vectors::kRows; ++r) {
        for (int v = 0; v < Vectors::kVectors; ++v) {
            const Vector high_sum = high[r][v], low_sum = low[r][v];
            int32_t h[Vectors::kOutputs], l[Vectors::kOutputs];
            std::memcpy(h, &high_sum, sizeof(h));
            std::memcpy(l, &low_sum, sizeof(l));
            double* sum = &sums[r][(vector + v) * Vectors::kOutputs];
            for (int i = 0; i < Vectors::kOutputs; ++i) {
                const double part = 256.0 * h[i] + l[i];
                sum[i] = first == 0 ? part : sum[i] + part;
            }
        }
    }
}

}  // namespace trivit

#endif
