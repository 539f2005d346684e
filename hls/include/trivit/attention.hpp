// Multi-head attention on the array (docs/numerics.md, attention; docs/cycles.md, attention).
#ifndef TRIVIT_ATTENTION_HPP
#define TRIVIT_ATTENTION_HPP

#include "mac_array.hpp"
#include "softmax.hpp"

namespace trivit {

// A weight buffer holds a head: keys as tiles of 32 outputs x head words, then values, transposed,
// as tiles of 32 head columns x key words.
static const int kKeyTiles = (kMaxTokens + kOutputs - 1) / kOutputs;
static const int kValueTiles = (kMaxHeadWords * kLanes + kOutputs - 1) / kOutputs;
static const int kValueDepth = kKeyTiles * kMaxHeadWords;  // first depth word of the values

static_assert(kValueDepth + kValueTiles * kMaxRowWords <= kMaxDepthWords,
              "keys and values of a head fit one weight buffer");
static_assert(kKeyTiles <= kMaxGroups && kValueTiles <= kMaxGroups, "a pass has enough slots");
static_assert(kOutputs % kBanks == 0, "a group of eight keys lies in one tile");

// Local copies that keep the head's work off the activation memory.
struct AttentionMemory {
    word_t mask[kBanks][kMaxGroups * kMaxMaskWords];
    word_t output[kBanks][kMaxGroups * kMaxHeadWords];
};

inline Cycles load_mask(const AttentionFields& f, const ActivationMemory& activation,
                        AttentionMemory& memory) {
#pragma HLS INLINE
    LoopCounter loop;
    const uint32_t words = row_groups(f.tokens) * ceil_div(ceil_div(f.tokens, 16), kLanes);
    for (uint32_t word = 0; word < words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 52
#pragma HLS PIPELINE II = 1
        for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
            memory.mask[m][word] = activation.bank[m][f.mask + word];
        }
        loop.tick();
    }
    return loop.cycles();
}

// Spread eight key rows' word over eight outputs of a key tile.
inline void store_keys(const word_t (&rows)[kBanks], uint32_t group, uint32_t word,
                       uint32_t head_words, uint32_t buffer, WeightMemory& weights) {
#pragma HLS INLINE
    const uint32_t tile = group / (kOutputs / kBanks);
    const uint32_t output = (group % (kOutputs / kBanks)) * kBanks;
    for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
        weights.word[buffer][tile * head_words + word][output + m] = rows[m];
    }
}

// Transpose an 8 x 8 block: eight value rows' word becomes one depth word of eight outputs.
inline void store_values(const word_t (&rows)[kBanks], uint32_t group, uint32_t word,
                         uint32_t groups, uint32_t buffer, WeightMemory& weights) {
#pragma HLS INLINE
    const uint32_t tile = word / kWordsPerTile;
    const uint32_t output = (word % kWordsPerTile) * kLanes;
    for (int column = 0; column < kLanes; ++column) {
#pragma HLS UNROLL
        word_t transposed;
        for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
            transposed.lane[m] = rows[m].lane[column];
        }
        weights.word[buffer][kValueDepth + tile * groups + group][output + column] = transposed;
    }
}

// Queries, keys and values of a head into buffer `head & 1`: one word of every bank per iteration.
inline Cycles load_head(const AttentionFields& f, uint32_t head, const ActivationMemory& activation,
                        WeightMemory& weights, OperandMemory& operands) {
#pragma HLS INLINE
    LoopCounter loop;
    const uint32_t groups = row_groups(f.tokens);
    const uint32_t width = f.heads * f.head_words;
    const uint32_t buffer = head & 1;
    for (uint32_t part = 0; part < 3; ++part) {
        for (uint32_t group = 0; group < groups; ++group) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
            for (uint32_t word = 0; word < f.head_words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
                word_t rows[kBanks];
                const uint32_t address =
                    f.src + (group * 3 + part) * width + head * f.head_words + word;
                for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
                    rows[m] = activation.bank[m][address];
                }
                if (part == 0) {
                    for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
                        operands.query[buffer][m][group * f.head_words + word] = rows[m];
                    }
                } else if (part == 1) {
                    store_keys(rows, group, word, f.head_words, buffer, weights);
                } else {
                    store_values(rows, group, word, groups, buffer, weights);
                }
                loop.tick();
            }
        }
    }
    return loop.cycles();
}

// Round the scores of a row group, a word of keys per iteration in all eight rows, and keep each
// row's largest open score: softmax needs no pass of its own for the maximum.
inline Cycles score_epilogue(const AttentionFields& f, uint32_t group,
                             const Accumulators& accumulators, const AttentionMemory& memory,
                             SoftmaxMemory& softmax, uint64_t& saturated) {
#pragma HLS INLINE
    LoopCounter loop;
    const Rounding rounding = make_rounding(f.score_shift);
    const uint32_t mask_words = ceil_div(ceil_div(f.tokens, 16), kLanes);
    const uint32_t buffer = group & 1;
    for (uint32_t word = 0; word < ceil_div(f.tokens, kLanes); ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
#pragma HLS PIPELINE II = 1
        uint32_t changed = 0;
        const uint32_t keys = minimum(kLanes, f.tokens - word * kLanes);
        for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
            const bool real = group * kBanks + m < f.tokens;
            // Sixteen keys to a mask element: a word of eight keys takes half of one.
            const uint16_t bits =
                uint16_t(memory.mask[m][group * mask_words + word / 16].lane[(word / 2) % kLanes]);
            const uint32_t masked = f.has_mask ? (bits >> (word % 2 * 8)) & 255 : 255;
            const uint32_t open = masked & ((1u << keys) - 1);
            int16_t word_peak = -32768;  // apart from the row's, so that only one maximum recurs
            word_t score;
            for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
                const acc_t sum =
                    accumulators.sum[word / kWordsPerTile][m][word % kWordsPerTile * kLanes + lane];
                const Quantized s = requantize(int64_t(sum), rounding);
                score.lane[lane] = s.value;
                if (real && uint32_t(lane) < keys) changed += s.saturated;
                if (((open >> lane) & 1) && s.value > word_peak) word_peak = s.value;
            }
            softmax.score[buffer][m][word] = score;
            softmax.open[buffer][m][word] = uint8_t(open);
            const int16_t peak = word == 0 ? int16_t(-32768) : softmax.peak[buffer][m];
            softmax.peak[buffer][m] = word_peak > peak ? word_peak : peak;
        }
        saturated += changed;
        loop.tick();
    }
    return loop.cycles();
}

// Round the head's output columns of a row group into the output buffer.
inline Cycles context_epilogue(const AttentionFields& f, uint32_t group,
                               const Accumulators& accumulators, AttentionMemory& memory,
                               uint64_t& saturated) {
#pragma HLS INLINE
    LoopCounter loop;
    const Rounding rounding = make_rounding(f.out_shift);
    for (uint32_t word = 0; word < f.head_words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
#pragma HLS PIPELINE II = 1
        uint32_t changed = 0;
        for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
            const bool real = group * kBanks + m < f.tokens;
            word_t result;
            for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
                const acc_t sum =
                    accumulators.sum[word / kWordsPerTile][m][word % kWordsPerTile * kLanes + lane];
                const Quantized y = requantize(int64_t(sum), rounding);
                result.lane[lane] = y.value;
                if (real) changed += y.saturated;
            }
            memory.output[m][group * f.head_words + word] = result;
        }
        saturated += changed;
        loop.tick();
    }
    return loop.cycles();
}

inline Cycles score_pass(const AttentionFields& f, uint32_t head, uint32_t group,
                         const ActivationMemory& activation, const OperandMemory& operands,
                         const WeightMemory& weights, Accumulators& accumulators) {
#pragma HLS INLINE
    ArrayPass pass;
    pass.source = RowSource::query;
    pass.source_buffer = head & 1;
    pass.slots = ceil_div(f.tokens, kOutputs);
    pass.depth = f.head_words;
    pass.row = group * f.head_words;
    pass.row_step = 0;
    pass.weight_buffer = head & 1;
    pass.weight = 0;
    pass.weight_step = f.head_words;
    return run_array(activation, operands, weights, pass, accumulators);
}

inline Cycles context_pass(const AttentionFields& f, uint32_t head, uint32_t group,
                           const ActivationMemory& activation, const OperandMemory& operands,
                           const WeightMemory& weights, Accumulators& accumulators) {
#pragma HLS INLINE
    ArrayPass pass;
    pass.source = RowSource::probability;
    pass.source_buffer = group & 1;
    pass.slots = ceil_div(f.head_words, kWordsPerTile);
    pass.depth = ceil_div(f.tokens, kLanes);
    pass.row = 0;
    pass.row_step = 0;
    pass.weight_buffer = head & 1;
    pass.weight = kValueDepth;
    pass.weight_step = pass.depth;
    return run_array(activation, operands, weights, pass, accumulators);
}

// A head whose operands are loaded. In step t the array works on the scores of group t and the
// output of group t - 2 while softmax works on group t - 1; each hand-over is double-buffered.
inline Cycles compute_head(const AttentionFields& f, uint32_t head,
                           const ActivationMemory& activation, const WeightMemory& weights,
                           OperandMemory& operands, Accumulators& accumulators,
                           SoftmaxMemory& softmax, AttentionMemory& memory, ScoreMemory& scores,
                           uint64_t& saturated) {
#pragma HLS INLINE
    Cycles cycles;
    const uint32_t groups = row_groups(f.tokens);
    SoftmaxFormat format;
    format.exp_multiplier = f.exp_multiplier;
    format.exp_shift = f.exp_shift;
    format.prob_frac = f.prob_frac;
    ScoreTarget target;
    target.enabled = f.has_score_cls || f.has_score_all;
    target.only_cls = !f.has_score_all;
    target.first_head = head == 0;
    target.tokens = f.tokens;
    for (uint32_t step = 0; step < groups + 2; ++step) {
#pragma HLS LOOP_TRIPCOUNT min = 3 max = 28
        Cycles array;
        Cycles vector;
        if (step < groups) {
            array += score_pass(f, head, step, activation, operands, weights, accumulators);
            array += score_epilogue(f, step, accumulators, memory, softmax, saturated);
        }
        if (step >= 2) {
            const uint32_t group = step - 2;
            array += context_pass(f, head, group, activation, operands, weights, accumulators);
            array += context_epilogue(f, group, accumulators, memory, saturated);
        }
        if (step >= 1 && step <= groups) {
            target.group = step - 1;
            const uint32_t rows = minimum(kBanks, f.tokens - target.group * kBanks);
            vector +=
                softmax_group(format, rows, ceil_div(f.tokens, kLanes), target.group & 1, target,
                              softmax, operands.probability[target.group & 1], scores, saturated);
        }
        cycles += overlap(array, vector);
    }
    return cycles;
}

inline Cycles store_head(const AttentionFields& f, uint32_t head, const AttentionMemory& memory,
                         ActivationMemory& activation) {
#pragma HLS INLINE
    LoopCounter loop;
    const uint32_t width = f.heads * f.head_words;
    for (uint32_t group = 0; group < row_groups(f.tokens); ++group) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
        for (uint32_t word = 0; word < f.head_words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
            for (uint32_t m = 0; m < uint32_t(kBanks); ++m) {
#pragma HLS UNROLL
                if (group * kBanks + m >= f.tokens) continue;
                activation.bank[m][f.dst + group * width + head * f.head_words + word] =
                    memory.output[m][group * f.head_words + word];
            }
            loop.tick();
        }
    }
    return loop.cycles();
}

inline Cycles attention(const AttentionFields& f, ActivationMemory& activation,
                        WeightMemory& weights, OperandMemory& operands, Accumulators& accumulators,
                        SoftmaxMemory& softmax, AttentionMemory& memory, ScoreMemory& scores,
                        uint64_t& saturated) {
#pragma HLS INLINE  // so that all passes of the array have one parent and share one instance
    Cycles cycles;
    if (f.has_mask) cycles += load_mask(f, activation, memory);
    cycles += load_head(f, 0, activation, weights, operands);
    for (uint32_t head = 0; head < f.heads; ++head) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
        // Loading reads the activation memory, which computing does not touch, into the buffers
        // of the other parity: the two run together. Storing waits for both.
        Cycles loading;
        if (head + 1 < f.heads) loading = load_head(f, head + 1, activation, weights, operands);
        const Cycles computing = compute_head(f, head, activation, weights, operands, accumulators,
                                              softmax, memory, scores, saturated);
        cycles += overlap(loading, computing);
        cycles += store_head(f, head, memory, activation);
    }
    return cycles;
}

}  // namespace trivit

#endif
