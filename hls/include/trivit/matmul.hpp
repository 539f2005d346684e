// Matrix product with its fused epilogue (docs/numerics.md, matmul; docs/cycles.md, matmul).
#ifndef TRIVIT_MATMUL_HPP
#define TRIVIT_MATMUL_HPP

#include "gelu.hpp"
#include "mac_array.hpp"
#include "ports.hpp"
#include "timeline.hpp"

namespace trivit {

// Where a tile lies in the weight memory.
struct WeightTile {
    uint32_t base;  // ring address of its first depth word
    uint32_t slot;  // of its bias
};

// The parameter stream's part: the four segments of a tile (a bias word, then depth words of eight
// outputs) arrive side by side. Each weight memory is written every eighth cycle, on the port that
// the array does not use.
template <class ParamPorts>
WeightTile load_tile(const MatmulFields& f, uint32_t tile, ParamPorts& params,
                     WeightMemory& weights, Timeline& timeline) {
#pragma HLS INLINE
    const uint32_t tiles = ceil_div(f.out_words, kWordsPerTile);
    const uint32_t beats = 1 + f.depth_words * kLanes;
    const uint32_t claimed = f.depth_words > kMinTileDepth ? f.depth_words : kMinTileDepth;
    WeightTile place;
    place.base = claim_weights(weights, claimed);
    place.slot = weights.next_tile % uint32_t(kWeightTiles);
    weights.next_tile = place.slot + 1;
    timeline.claim(claimed);
    uint32_t depth = 0;
    uint32_t output = 0;
    for (uint32_t first = 0; first < beats; first += kBurstWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 13
#pragma HLS DATAFLOW  // the next burst arrives while a chunk is spread
        word_t chunk[kParamPorts][kBurstWords];
#pragma HLS BIND_STORAGE variable = chunk type = ram_2p impl = lutram
        const uint32_t size = minimum(beats - first, kBurstWords);
        uint64_t offset[kParamPorts];
        uint32_t count[kParamPorts];
        for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
#pragma HLS UNROLL
            offset[p] = uint64_t(f.weight) + uint64_t(p * tiles + tile) * beats + first;
            count[p] = p < uint32_t(kWordsPerTile) ? size : 0;
        }
        params.read(offset, count, chunk);
        for (uint32_t i = 0; i < size; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
#pragma HLS PIPELINE II = 1
            const bool is_bias = first + i == 0;
            for (uint32_t p = 0; p < uint32_t(kWordsPerTile); ++p) {
#pragma HLS UNROLL
                if (is_bias) {
                    weights.bias[place.slot][p] = chunk[p][i];
                } else {
                    store_weight(weights, p * kLanes + output, ring_address(place.base, depth),
                                 chunk[p][i]);
                }
            }
            if (!is_bias && ++output == uint32_t(kLanes)) {
                output = 0;
                ++depth;
            }
        }
    }
    timeline.bring(beats);
    return place;
}

// What the epilogue of one instruction needs in every block.
struct Epilogue {
    Rounding rounding;
    GeluFormat gelu;
};

// One word of one row: bias, residual, rounding, GELU. Returns how many values saturated.
inline uint32_t finish_word(const MatmulFields& f, const Epilogue& epilogue, const acc_t* sums,
                            const word_t& bias, const word_t& residual, word_t& result) {
#pragma HLS INLINE
    uint32_t changed = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        const int64_t sum = int64_t(sums[lane]) + shift_left(bias.lane[lane], f.bias_shift) +
                            shift_left(residual.lane[lane], f.residual_shift);
        const Quantized y = requantize(sum, epilogue.rounding);
        result.lane[lane] = y.value;
        changed += y.saturated;
    }
    if (f.has_gelu) {
        for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
            const Quantized g = gelu(result.lane[lane], epilogue.gelu);
            result.lane[lane] = g.value;
            changed += g.saturated;
        }
    }
    return changed;
}

// A block's epilogue, a word in each bank per iteration. Port B of a bank reads the residual and
// writes the result in turn, so with a residual the loop runs at II=2, without at II=1.
template <bool kResidual>
Cycles finish_block(const MatmulFields& f, const Epilogue& epilogue, uint32_t group,
                    uint32_t first_word, const Sums& sums, const word_t (&bias)[kWordsPerTile],
                    ActivationMemory& activation, uint64_t& saturated) {
#pragma HLS INLINE
    LoopCounter loop;
    const int kInterval = kResidual ? 2 : 1;
    const uint32_t words = minimum(kWordsPerTile, f.out_words - first_word);
    const uint32_t rows = minimum(kBanks, f.rows - group * kBanks);
    for (uint32_t word = 0; word < words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
#pragma HLS PIPELINE II = kInterval rewind
// A residual word is read, then written, once.
#pragma HLS DEPENDENCE variable = activation.bank inter false
        const uint32_t offset = group * f.out_words + first_word + word;
        uint32_t changed = 0;
        for (uint32_t m = 0; m < uint32_t(kBanks); ++m) {
#pragma HLS UNROLL
            if (m >= rows) continue;
            const word_t residual =
                kResidual ? activation.bank[m][f.residual + offset] : zero_word();
            word_t result;
            changed += finish_word(f, epilogue, &sums.value[m][word * kLanes], bias[word], residual,
                                   result);
            activation.bank[m][f.dst + offset] = result;
        }
        saturated += changed;
        loop.add(kInterval);
    }
    return loop.issued();
}

// Tiles arrive, blocks are multiplied, blocks are finished: three processes. A block's sums exist
// twice, so the array works on the next block while the epilogue finishes this one; the compiler
// keeps the source apart from destination and residual, so they share the activation memory without
// a hand-over (docs/numerics.md, Activation memory).
template <class ParamPorts>
void matmul(const MatmulFields& f, ParamPorts& params, const ProbabilityMemory& probability,
            WeightMemory& weights, ActivationMemory& activation, Sums& sums, Timeline& timeline,
            uint64_t& saturated) {
#pragma HLS INLINE  // so that all blocks of the array have one parent and share one instance
    const uint32_t tiles = ceil_div(f.out_words, kWordsPerTile);
    Epilogue epilogue;
    epilogue.rounding = make_rounding(f.out_shift);
    epilogue.gelu = make_gelu_format(f.gelu_in_frac, f.gelu_out_frac);
    Cycles finishing;
    for (uint32_t tile = 0; tile < tiles; ++tile) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 96
        const WeightTile place = load_tile(f, tile, params, weights, timeline);
        timeline.begin();
        ArrayBlock block;
        block.source = RowSource::activation;
        block.row = f.src;
        block.weight = place.base;
        block.depth = f.depth_words;
        for (uint32_t group = 0; group < row_groups(f.rows); ++group) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
#pragma HLS LOOP_FLATTEN
#pragma HLS DATAFLOW
#pragma HLS STREAM variable = activation.bank type = unsync  // array on port A, epilogue on port B
            LoopCounter array;
            run_array(activation, probability, weights, block, sums, array);
            const word_t(&bias)[kWordsPerTile] = weights.bias[place.slot];
            const uint32_t word = tile * kWordsPerTile;
            finishing = f.has_residual ? finish_block<true>(f, epilogue, group, word, sums, bias,
                                                            activation, saturated)
                                       : finish_block<false>(f, epilogue, group, word, sums, bias,
                                                             activation, saturated);
            timeline.run(overlap(array.issued(), finishing));
            block.row += f.depth_words;
        }
        timeline.release();
    }
    timeline.run(finishing + drain(2));
}

}  // namespace trivit

#endif
