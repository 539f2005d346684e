// Matrix product: tiles from four ports, row groups through the array and its epilogue
// (docs/numerics.md, matmul).
#ifndef TRIVIT_MATMUL_HPP
#define TRIVIT_MATMUL_HPP

#include "epilogue.hpp"
#include "mac_array.hpp"
#include "multiply.hpp"
#include "ports.hpp"

namespace trivit {

// The four segments of a tile, one for each port: a bias word, then depth words of eight outputs.
template <class ParamPorts>
void load_tile(const MatmulFields& f, uint32_t tile, ParamPorts& params, WeightMemory& weights) {
    const uint32_t tiles = ceil_div(f.out_words, kWordsPerTile);
    const uint32_t beats = 1 + f.depth_words * kLanes;
    uint32_t depth = 0;
    uint32_t output = 0;
    for (uint32_t first = 0; first < beats; first += kBurstWords) {
        word_t chunk[kParamPorts][kBurstWords];
        const uint32_t size = minimum(beats - first, kBurstWords);
        uint64_t offset[kParamPorts];
        uint32_t count[kParamPorts];
        for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
            offset[p] = uint64_t(f.weight) + size_product(p * tiles + tile, beats) + first;
            count[p] = p < uint32_t(kWordsPerTile) ? size : 0;
        }
        params.read(offset, count, chunk);
        for (uint32_t i = 0; i < size; ++i) {
            const bool is_bias = first + i == 0;
            for (uint32_t p = 0; p < uint32_t(kWordsPerTile); ++p) {
                if (is_bias) {
                    weights.bias[p] = chunk[p][i];
                } else {
                    store_weight(weights, p * kLanes + output, depth, chunk[p][i]);
                }
            }
            if (!is_bias && ++output == uint32_t(kLanes)) {
                output = 0;
                ++depth;
            }
        }
    }
}

// The rows of a normalising matmul pass through the normalisation between memory and array.
template <class ParamPorts>
void matmul(const MatmulFields& f, const CompactionPlan& plan, ParamPorts& params,
            const ProbabilityMemory& probability, WeightMemory& weights, NormaliseMemory& normalise,
            RowStatistics& statistics, ActivationMemory& activation, Sums& sums,
            uint64_t& saturated) {
    const uint32_t tiles = ceil_div(f.out_words, kWordsPerTile);
    const uint32_t groups = row_groups(f.rows);
    Epilogue epilogue;
    epilogue.bias = make_alignment(f.bias_shift);
    epilogue.residual = make_alignment(f.residual_shift);
    epilogue.rounding = make_rounding(f.out_shift);
    epilogue.gelu = make_gelu_format(f.gelu_in_frac, f.gelu_out_frac);
    ArrayBlock block = ArrayBlock();
    block.source = f.has_normalise ? RowSource::normalised : RowSource::activation;
    block.depth = f.depth_words;
    if (f.has_normalise) {
        load_vectors(f, params, normalise);
        block.format.beta = make_alignment(f.beta_shift);
        block.format.rounding = make_rounding(f.norm_shift);
        scale_rows(f, statistics, normalise);
#if !TRIVIT_ARRAY_AS_HARDWARE
        normalise_rows(f, block.format, normalise, activation, saturated);
#endif
    }
    for (uint32_t tile = 0; tile < tiles; ++tile) {
        load_tile(f, tile, params, weights);
        block.row = f.src;
        for (uint32_t group = 0; group < groups; ++group) {
            block.group = group;
            block.counted = tile == 0 ? minimum(kBanks, f.rows - group * kBanks) : 0;
            run_array(activation, normalise, probability, weights, block, sums, saturated);
            const RowRoute route =
                f.has_compact ? compacting_route(group, plan) : straight_route(group, f.rows);
            const uint32_t word = tile * kWordsPerTile;
            if (f.has_residual) {
                finish_block<true>(f, epilogue, route, group, word, sums, weights.bias, activation,
                                   statistics, saturated);
            } else {
                finish_block<false>(f, epilogue, route, group, word, sums, weights.bias, activation,
                                    statistics, saturated);
            }
            block.row += f.depth_words;
        }
    }
}

}  // namespace trivit

#endif
