// Matrix product with its fused epilogue (docs/numerics.md, matmul; docs/cycles.md, matmul).
#ifndef TRIVIT_MATMUL_HPP
#define TRIVIT_MATMUL_HPP

#include "gelu.hpp"
#include "mac_array.hpp"

namespace trivit {

// Vectors that lie along a row: bias; gamma and beta.
struct RowParameters {
    word_t vector[2][kMaxDepthWords];
};

static_assert(kMaxDepthWords % kWordsPerTile == 0, "the padded bias of the widest row fits");

// Bias, residual, rounding and GELU of one column tile: one word in each bank per iteration. II=1
// because an iteration reads one residual word and writes one result word per bank.
inline Cycles matmul_epilogue(const MatmulFields& f, uint32_t tile,
                              const Accumulators& accumulators, const RowParameters& parameters,
                              ActivationMemory& activation, uint64_t& saturated) {
#pragma HLS INLINE
    LoopCounter loop;
    const Rounding rounding = make_rounding(f.out_shift);
    const GeluFormat format = make_gelu_format(f.gelu_in_frac, f.gelu_out_frac);
    const uint32_t first_word = tile * kWordsPerTile;
    const uint32_t words = minimum(kWordsPerTile, f.out_words - first_word);
    for (uint32_t group = 0; group < row_groups(f.rows); ++group) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
        for (uint32_t word = 0; word < words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
// A residual word is read and its place written once, in the same iteration.
#pragma HLS DEPENDENCE variable = activation.bank inter false
            const uint32_t offset = group * f.out_words + first_word + word;
            const word_t bias = parameters.vector[0][first_word + word];
            uint32_t changed = 0;
            for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
                const bool real = group * kBanks + m < f.rows;
                if (!real) continue;
                const word_t residual =
                    f.has_residual ? activation.bank[m][f.residual + offset] : zero_word();
                word_t result;
                for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
                    const int64_t sum = int64_t(accumulators.sum[group][m][word * kLanes + lane]) +
                                        shift_left(bias.lane[lane], f.bias_shift) +
                                        shift_left(residual.lane[lane], f.residual_shift);
                    const Quantized y = requantize(sum, rounding);
                    result.lane[lane] = y.value;
                    changed += y.saturated;
                }
                if (f.has_gelu) {
                    for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
                        const Quantized g = gelu(result.lane[lane], format);
                        result.lane[lane] = g.value;
                        changed += g.saturated;
                    }
                }
                activation.bank[m][f.dst + offset] = result;
            }
            saturated += changed;
            loop.tick();
        }
    }
    return loop.cycles();
}

template <class ParamsPort>
Cycles load_weight_tile(const MatmulFields& f, uint32_t tile, ParamsPort& params,
                        WeightMemory& weights) {
#pragma HLS INLINE
    const uint32_t words = f.depth_words * kOutputs;
    WeightSink sink(weights, tile & 1);
    return stream_in(params, uint64_t(f.weight) + uint64_t(tile) * words, words, sink);
}

inline Cycles compute_tile(const MatmulFields& f, uint32_t tile, const OperandMemory& operands,
                           const WeightMemory& weights, const RowParameters& parameters,
                           ActivationMemory& activation, Accumulators& accumulators,
                           uint64_t& saturated) {
#pragma HLS INLINE
    ArrayPass pass;
    pass.source = RowSource::activation;
    pass.source_buffer = 0;
    pass.slots = row_groups(f.rows);
    pass.depth = f.depth_words;
    pass.row = f.src;
    pass.row_step = f.depth_words;
    pass.weight_buffer = tile & 1;
    pass.weight = 0;
    pass.weight_step = 0;
    Cycles cycles = run_array(activation, operands, weights, pass, accumulators);
    cycles += matmul_epilogue(f, tile, accumulators, parameters, activation, saturated);
    return cycles;
}

template <class ParamsPort>
Cycles matmul(const MatmulFields& f, ParamsPort& params, const OperandMemory& operands,
              WeightMemory& weights, RowParameters& parameters, ActivationMemory& activation,
              Accumulators& accumulators, uint64_t& saturated) {
#pragma HLS INLINE  // so that all passes of the array have one parent and share one instance
    const uint32_t tiles = ceil_div(f.out_words, kWordsPerTile);
    ArraySink bias(parameters.vector[0]);
    Cycles cycles = stream_in(params, f.bias, tiles * kWordsPerTile, bias);
    cycles += load_weight_tile(f, 0, params, weights);
    for (uint32_t tile = 0; tile < tiles; ++tile) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 96
        // The two calls use different buffers and no common memory or port: they run together.
        Cycles loading;
        if (tile + 1 < tiles) loading = load_weight_tile(f, tile + 1, params, weights);
        const Cycles computing = compute_tile(f, tile, operands, weights, parameters, activation,
                                              accumulators, saturated);
        cycles += overlap(loading, computing);
    }
    return cycles;
}

}  // namespace trivit

#endif
