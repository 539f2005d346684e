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
// A tile that does not fill its last vector has outputs there that nobody reads.
static const int kVectorsPerTile = (kOutputs + Vectors::kSumLanes - 1) / Vectors::kSumLanes;
static const bool kFullVectors = kOutputs % Vectors::kSumLanes == 0;
static const int kVectorsAtOnce = kVectorsPerTile % Vectors::kVectors == 0 ? Vectors::kVectors : 1;
static const uint32_t kExactDepth = ((1u << (31 - 22)) - 1) / kLanes;

static_assert(kMaxDepthWords * kLanes < (1 << 22), "sums of products stay below 2^53");
static_assert(kBanks % Vectors::kRows == 0, "a block is whole sets of rows");

// A depth word of 32 outputs, split, in the order in which the array takes it.
struct SplitWord {
    alignas(64) int16_t pair[kPairs][kVectorsPerTile][kWeightHalves][Vectors::kSumLanes][2];
};

// One output's elements of a depth word.
inline void split_weight(SplitWord& split, uint32_t output, const word_t& word) {
    const uint32_t vector = output / Vectors::kSumLanes;
    const uint32_t lane = output % Vectors::kSumLanes;
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

// Sums of Vectors::kRows rows and kVectorsAtOnce vectors of outputs over `depth` words. weights(k)
// gives the split word of depth k. Not inlined, so that nothing else competes for registers.
template <class Weights>
__attribute__((noinline)) void add_products(const word_t* const* rows, uint32_t first,
                                            uint32_t depth, const Weights& weights, uint32_t vector,
                                            double (*sums)[kOutputs]) {
    typedef Vectors::Sums Vector;
    Vector high[Vectors::kRows][kVectorsAtOnce];
    Vector low[Vectors::kRows][kVectorsAtOnce];
    for (int r = 0; r < Vectors::kRows; ++r) {
        for (int v = 0; v < kVectorsAtOnce; ++v)
            high[r][v] = low[r][v] = Vectors::zero();
    }
    for (uint32_t k = first; k < first + depth; ++k) {
        const SplitWord& word = weights(k);
        for (int pair = 0; pair < kPairs; ++pair) {
            for (int r = 0; r < Vectors::kRows; ++r) {
                const Vectors::Pair x = Vectors::broadcast(&rows[r][k].lane[2 * pair]);
                for (int v = 0; v < kVectorsAtOnce; ++v) {
                    const int16_t (&w)[kWeightHalves][Vectors::kSumLanes][2] =
                        word.pair[pair][vector + v];
                    high[r][v] = Vectors::accumulate(high[r][v], w[0][0], x);
                    low[r][v] = Vectors::accumulate(low[r][v], w[1][0], x);
                }
            }
        }
    }
    for (int r = 0; r < Vectors::kRows; ++r) {
        for (int v = 0; v < kVectorsAtOnce; ++v) {
            const Vector high_sum = high[r][v], low_sum = low[r][v];
            int32_t h[Vectors::kSumLanes], l[Vectors::kSumLanes];
            std::memcpy(h, &high_sum, sizeof(h));
            std::memcpy(l, &low_sum, sizeof(l));
            const int output = int(vector + v) * Vectors::kSumLanes;
            double* sum = &sums[r][output];
            const int real = kFullVectors ? Vectors::kSumLanes : kOutputs - output;
            for (int i = 0; i < Vectors::kSumLanes && i < real; ++i) {
                const double part = 256.0 * h[i] + l[i];
                sum[i] = first == 0 ? part : sum[i] + part;
            }
        }
    }
}

}  // namespace trivit

#endif
