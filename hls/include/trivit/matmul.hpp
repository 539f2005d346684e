// Matrix product: tiles from four ports, row groups through the array and its epilogue
// (docs/numerics.md, matmul; docs/cycles.md, matmul).
#ifndef TRIVIT_MATMUL_HPP
#define TRIVIT_MATMUL_HPP

#include "epilogue.hpp"
#include "mac_array.hpp"
#include "multiply.hpp"
#include "patch_progress.hpp"
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
            offset[p] = uint64_t(f.weight) + size_product(p * tiles + tile, beats) + first;
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

// Tiles arrive, blocks are multiplied, blocks are finished: three processes. A block's sums exist
// twice, so the array works on the next block while the epilogue finishes this one; the compiler
// keeps the source apart from destination and residual, so they share the activation memory without
// a hand-over (docs/numerics.md, Activation memory). Nor does the array wait at the end: the next
// instruction, if it is a matmul too, begins while the last blocks of this one are finished, a row
// group behind the one that is written.
//
// The rows of a normalising matmul pass through the normalisation between memory and array, again
// for every tile. `reading`: what it took to read the index tensor of a compacting matmul.
// `patches`: when one waits, the image follows the first tile over the ports, and the first pass
// over the row groups keeps behind it.
template <class ParamPorts>
void matmul(const MatmulFields& f, const CompactionPlan& plan, Cycles reading,
            PatchProgress& patches, ParamPorts& params, const ProbabilityMemory& probability,
            WeightMemory& weights, NormaliseMemory& normalise, RowStatistics& statistics,
            ActivationMemory& activation, Sums& sums, Timeline& timeline, uint64_t& saturated) {
#pragma HLS INLINE  // so that all blocks of the array have one parent and share one instance
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
    Cycles scaling;
    if (f.has_normalise) {
        block.format.buffer = load_vectors(f, params, normalise, timeline);
        block.format.beta = make_alignment(f.beta_shift);
        block.format.rounding = make_rounding(f.norm_shift);
        scaling = scale_rows(f, statistics, normalise);
#if !TRIVIT_ARRAY_AS_HARDWARE
        normalise_rows(f, block.format, normalise, activation, saturated);
#endif
    }
    Cycles finishing;  // of the last block
    Cycles pace;       // from one block of a tile to the next
    for (uint32_t tile = 0; tile < tiles; ++tile) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 96
        const WeightTile place = load_tile(f, tile, params, weights, timeline);
        timeline.begin();
        const bool behind_patches = tile == 0 && patches.waiting;
        if (behind_patches) timeline.start_patches(patches.fetched);
        block.row = f.src;
        block.weight = place.base;
        for (uint32_t group = 0; group < groups; ++group) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
#pragma HLS LOOP_FLATTEN
#pragma HLS DATAFLOW
#pragma HLS STREAM variable = activation.bank type = unsync  // array on port A, epilogue on port B
            if (behind_patches) {
                timeline.await_patches(patches.ready[minimum(group, patches.groups - 1)]);
            }
            LoopCounter array;
            block.group = group;
            block.counted = tile == 0 ? minimum(kBanks, f.rows - group * kBanks) : 0;
            run_array(activation, normalise, probability, weights, block, sums, array, saturated);
            const RowRoute route =
                f.has_compact ? compacting_route(group, plan) : straight_route(group, f.rows);
            const word_t(&bias)[kWordsPerTile] = weights.bias[place.slot];
            const uint32_t word = tile * kWordsPerTile;
            finishing = f.has_residual
                            ? finish_block<true>(f, epilogue, route, group, word, sums, bias,
                                                 activation, statistics, saturated)
                            : finish_block<false>(f, epilogue, route, group, word, sums, bias,
                                                  activation, statistics, saturated);
            pace = overlap(array.issued(), finishing);
            timeline.run(pace);
            block.row += f.depth_words;
        }
        if (tile == 0) timeline.follow(groups, pace, scaling, reading);
        patches.waiting = false;
        timeline.release();
    }
    const uint32_t written = row_groups(f.has_compact ? f.kept : f.rows);
    timeline.end_matmul(written, pace, f.has_compact, finishing + drain(f.has_normalise ? 3 : 2));
    if (f.has_normalise) timeline.end_vector_buffer();
}

}  // namespace trivit

#endif
