// Multi-head attention on the array (docs/numerics.md, attention; docs/cycles.md, attention).
#ifndef TRIVIT_ATTENTION_HPP
#define TRIVIT_ATTENTION_HPP

#include "attention_timing.hpp"
#include "mac_array.hpp"
#include "multiply.hpp"
#include "softmax.hpp"
#include "timeline.hpp"

namespace trivit {

static const int kKeyTiles = (kMaxTokens + kOutputs - 1) / kOutputs;
static const int kValueTiles = (kMaxHeadWords * kLanes + kOutputs - 1) / kOutputs;

static_assert(2 * (kKeyTiles * kMaxHeadWords + kValueTiles * kMaxRowWords) <= kWeightDepth,
              "keys and values of two heads fit the weight ring");
static_assert(kOutputs % kBanks == 0, "a group of eight keys lies in one tile");

// The masks of all rows, and the sums of the array: a slot per column tile, two copies.
struct AttentionMemory {
    word_t mask[kBanks][kMaxGroups * kMaxMaskWords];
    Sums scores[2][kKeyTiles];
    Sums context[2][kValueTiles];
};

// Where a head's operands lie in the weight ring: keys as tiles of 32 outputs x head words, then
// values, transposed, as tiles of 32 head columns x key words. Two heads have a place.
class HeadPlaces {
public:
    HeadPlaces(const AttentionFields& f, uint32_t base)
        : base_(base),
          groups_(row_groups(f.tokens)),
          keys_(size_product(ceil_div(f.tokens, kOutputs), f.head_words)),
          size_(keys_ + size_product(ceil_div(f.head_words, kWordsPerTile), groups_)),
          head_words_(f.head_words) {}

    uint32_t claimed() const { return 2 * size_; }
    uint32_t keys(uint32_t head, uint32_t tile) const {
        return ring_address(base_, (head & 1 ? size_ : 0) + size_product(tile, head_words_));
    }
    uint32_t values(uint32_t head, uint32_t tile) const {
        return ring_address(base_, (head & 1 ? size_ : 0) + keys_ + size_product(tile, groups_));
    }

private:
    uint32_t base_;
    uint32_t groups_;
    uint32_t keys_;
    uint32_t size_;
    uint32_t head_words_;
};

// A row group of a head: what the processes hand to each other.
struct Step {
    uint32_t head;
    uint32_t group;
};

// Walks the steps in order, head by head, without divisions.
class StepCursor {
public:
    StepCursor(uint32_t groups) : groups_(groups) { step_.head = step_.group = 0; }
    const Step& step() const { return step_; }
    void advance() {
        if (++step_.group < groups_) return;
        step_.group = 0;
        ++step_.head;
    }

private:
    uint32_t groups_;
    Step step_;
};

// Keys of a row group into the ring: eight rows' word becomes eight outputs of a key tile.
inline void move_keys(const AttentionFields& f, const Step& step, const HeadPlaces& places,
                      const ActivationMemory& activation, WeightMemory& weights,
                      LoopCounter& loop) {
#pragma HLS INLINE
    const uint32_t width = size_product(f.heads, f.head_words);
    const uint32_t source =
        f.src + size_product(step.group * 3 + 1, width) + size_product(step.head, f.head_words);
    const uint32_t target = places.keys(step.head, step.group / (kOutputs / kBanks));
    const uint32_t output = step.group % (kOutputs / kBanks) * kBanks;
    for (uint32_t word = 0; word < f.head_words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
#pragma HLS PIPELINE II = 1
        for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
            store_weight(weights, output + m, ring_address(target, word),
                         activation.bank[m][source + word]);
        }
        loop.tick();
    }
}

// Values of a row group: an 8 x 8 block is transposed, so that eight rows' word becomes one depth
// word of eight outputs.
inline void move_values(const AttentionFields& f, const Step& step, const HeadPlaces& places,
                        const ActivationMemory& activation, WeightMemory& weights,
                        LoopCounter& loop) {
#pragma HLS INLINE
    const uint32_t width = size_product(f.heads, f.head_words);
    const uint32_t source =
        f.src + size_product(step.group * 3 + 2, width) + size_product(step.head, f.head_words);
    for (uint32_t word = 0; word < f.head_words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
#pragma HLS PIPELINE II = 1
        const uint32_t target =
            ring_address(places.values(step.head, word / kWordsPerTile), step.group);
        const uint32_t output = word % kWordsPerTile * kLanes;
        for (int column = 0; column < kLanes; ++column) {
#pragma HLS UNROLL
            word_t transposed;
            for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
                transposed.lane[m] = activation.bank[m][source + word].lane[column];
            }
            store_weight(weights, output + column, target, transposed);
        }
        loop.tick();
    }
}

// Keys and values of head 0 side by side, through both ports of the activation memory; then the
// mask.
inline Cycles load_first_head(const AttentionFields& f, const HeadPlaces& places,
                              const ActivationMemory& activation, WeightMemory& weights,
                              AttentionMemory& memory) {
#pragma HLS INLINE
    LoopCounter loop;
    LoopCounter beside;  // values move in the iterations that keys take
    StepCursor cursor(row_groups(f.tokens));
    for (uint32_t group = 0; group < row_groups(f.tokens); ++group) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
        move_keys(f, cursor.step(), places, activation, weights, loop);
        move_values(f, cursor.step(), places, activation, weights, beside);
        cursor.advance();
    }
    const uint32_t words =
        f.has_mask ? size_product(row_groups(f.tokens), ceil_div(ceil_div(f.tokens, 16), kLanes))
                   : 0;
    for (uint32_t word = 0; word < words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 0 max = 52
#pragma HLS PIPELINE II = 1
        for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
            memory.mask[m][word] = activation.bank[m][f.mask + word];
        }
        loop.tick();
    }
    return loop.cycles();
}

// Q·K^T of a row group, a block per tile of 32 keys; queries come from the activation memory.
inline void multiply_scores(const AttentionFields& f, const Step& step, const HeadPlaces& places,
                            const ActivationMemory& activation, const NormaliseMemory& normalise,
                            const ProbabilityMemory& probability, const WeightMemory& weights,
                            Sums (&sums)[kKeyTiles], LoopCounter& loop, uint64_t& saturated) {
#pragma HLS INLINE
    ArrayBlock block = ArrayBlock();
    block.source = RowSource::activation;
    block.row = f.src + size_product(step.group * 3, size_product(f.heads, f.head_words)) +
                size_product(step.head, f.head_words);
    block.depth = f.head_words;
    for (uint32_t tile = 0; tile < ceil_div(f.tokens, kOutputs); ++tile) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 7
        block.weight = places.keys(step.head, tile);
        run_array(activation, normalise, probability, weights, block, sums[tile], loop, saturated);
    }
}

// P·V of a row group, a block per tile of 32 head columns.
inline void multiply_context(const AttentionFields& f, const Step& step, uint32_t first_word,
                             const HeadPlaces& places, const ActivationMemory& activation,
                             const NormaliseMemory& normalise, const ProbabilityMemory& probability,
                             const WeightMemory& weights, Sums (&sums)[kValueTiles],
                             LoopCounter& loop, uint64_t& saturated) {
#pragma HLS INLINE
    ArrayBlock block = ArrayBlock();
    block.source = RowSource::probability;
    block.row = first_word;
    block.depth = row_groups(f.tokens);
    for (uint32_t tile = 0; tile < ceil_div(f.head_words, kWordsPerTile); ++tile) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
        block.weight = places.values(step.head, tile);
        run_array(activation, normalise, probability, weights, block, sums[tile], loop, saturated);
    }
}

// A word of scores of one row, and the largest open one among them. Returns how many of the first
// `keys` saturated. Not inlined in hardware, so that the rows of a group share its instances.
TRIVIT_SHARED_UNIT uint32_t round_word(const SumWord& sums, const Rounding& rounding, uint32_t keys,
                                       uint32_t open, word_t& result, int16_t& peak) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II = 1
    uint32_t changed = 0;
    for (int lane = 0; lane < kLanes; lane += kWidth) {
#pragma HLS UNROLL
        changed |= requantize(load(&sums.lane[lane]), rounding, &result.lane[lane]) << lane;
    }
    peak = -32768;
    for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        const int16_t score = (open >> lane) & 1 ? result.lane[lane] : int16_t(-32768);
        peak = score > peak ? score : peak;
    }
    return count_lanes(changed & ((1u << keys) - 1));
}

// Round the scores of a row group, a word of keys per iteration in all eight rows, four of them per
// cycle, and keep each row's largest open score: softmax needs no pass of its own for the maximum.
inline Cycles round_scores(const AttentionFields& f, uint32_t group, uint32_t buffer,
                           const Sums (&sums)[kKeyTiles], const AttentionMemory& memory,
                           SoftmaxMemory& softmax, uint64_t& saturated) {
#pragma HLS INLINE
#pragma HLS ALLOCATION function instances = round_word limit = kRoundingRows
    LoopCounter loop;
    const Rounding rounding = make_rounding(f.score_shift);
    const uint32_t mask_row = size_product(group, ceil_div(ceil_div(f.tokens, 16), kLanes));
    for (uint32_t word = 0; word < ceil_div(f.tokens, kLanes); ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
#pragma HLS PIPELINE II = kRoundingInterval rewind
        uint32_t changed = 0;
        const uint32_t keys = minimum(kLanes, f.tokens - word * kLanes);
        for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
            const bool real = group * kBanks + m < f.tokens;
            // Sixteen keys to a mask element: a word of eight keys takes half of one.
            const uint16_t bits =
                uint16_t(memory.mask[m][mask_row + word / 16].lane[(word / 2) % kLanes]);
            const uint32_t masked = f.has_mask ? (bits >> (word % 2 * 8)) & 255 : 255;
            const uint32_t open = masked & ((1u << keys) - 1);
            int16_t word_peak;  // apart from the row's, so that only one maximum recurs
            changed +=
                round_word(sum_word(sums[word / kWordsPerTile], m, word % kWordsPerTile), rounding,
                           real ? keys : 0, open, softmax.score[buffer][m][word], word_peak);
            softmax.open[buffer][m][word] = uint8_t(open);
            const int16_t peak = word == 0 ? int16_t(-32768) : softmax.peak[buffer][m];
            softmax.peak[buffer][m] = word_peak > peak ? word_peak : peak;
        }
        saturated += changed;
        loop.add(kRoundingInterval);
    }
    return loop.issued();
}

// A word of one row of the output. Returns how many values saturated. Instances of its own: the
// scores of another group are rounded at the same time.
TRIVIT_SHARED_UNIT uint32_t round_output(const SumWord& sums, const Rounding& rounding,
                                         word_t& result) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II = 1
    uint32_t changed = 0;
    for (int lane = 0; lane < kLanes; lane += kWidth) {
#pragma HLS UNROLL
        changed |= requantize(load(&sums.lane[lane]), rounding, &result.lane[lane]) << lane;
    }
    return count_lanes(changed);
}

// Round the head's output columns of a row group into the destination, four rows per cycle.
inline void store_context(const AttentionFields& f, const Step& step,
                          const Sums (&sums)[kValueTiles], ActivationMemory& activation,
                          LoopCounter& loop, uint64_t& saturated) {
#pragma HLS INLINE
#pragma HLS ALLOCATION function instances = round_output limit = kRoundingRows
    const Rounding rounding = make_rounding(f.out_shift);
    const uint32_t target =
        f.dst + size_product(size_product(step.group, f.heads) + step.head, f.head_words);
    for (uint32_t word = 0; word < f.head_words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 16
#pragma HLS PIPELINE II = kRoundingInterval
        uint32_t changed = 0;
        for (uint32_t m = 0; m < uint32_t(kBanks); ++m) {
#pragma HLS UNROLL
            if (step.group * kBanks + m >= f.tokens) continue;
            changed += round_output(sum_word(sums[word / kWordsPerTile], m, word % kWordsPerTile),
                                    rounding, activation.bank[m][target + word]);
        }
        saturated += changed;
        loop.add(kRoundingInterval);
    }
}

// Five processes at work on different row groups: array, rounding, exponentials, probabilities,
// mover. The loop body holds what they do in step t; it is a dataflow region whose channels are the
// buffers below, so a process begins its next step while its neighbours still work on theirs.
// Written out in order, as here, the results are the same.
inline void attention(const AttentionFields& f, ActivationMemory& activation,
                      const NormaliseMemory& normalise, WeightMemory& weights,
                      ProbabilityMemory& probability, SoftmaxMemory& softmax,
                      AttentionMemory& memory, ScoreMemory& scores, Timeline& timeline,
                      uint64_t& saturated) {
#pragma HLS INLINE  // so that all blocks of the array have one parent and share one instance
    const uint32_t groups = row_groups(f.tokens);
    const uint32_t steps = size_product(f.heads, groups);
    const uint32_t base = weights.next % uint32_t(kWeightDepth);
    const HeadPlaces places(f, base);
    claim_weights(weights, places.claimed());
    timeline.claim(places.claimed());
    timeline.begin();
    timeline.run(load_first_head(f, places, activation, weights, memory));

    SoftmaxFormat format;
    format.exp_multiplier = f.exp_multiplier;
    format.exp_shift = f.exp_shift;
    format.prob_frac = f.prob_frac;
    ScoreTarget target;
    target.enabled = f.has_score_cls || f.has_score_all;
    target.only_cls = !f.has_score_all;
    target.tokens = f.tokens;

    StepCursor scored(groups), multiplied(groups), stored(groups), keyed(groups), valued(groups);
    for (uint32_t group = 0; group < groups; ++group) {  // head 0 is loaded
        keyed.advance();
        valued.advance();
    }
    uint32_t softmax_buffer = 0;
    uint32_t scored_buffer = 0;  // of the probabilities: step mod (lag + 1)
    uint32_t multiplied_buffer = 0;
    AttentionTiming timing;
    for (uint32_t t = 0; t < steps + kAttentionLag + 1; ++t) {
#pragma HLS LOOP_TRIPCOUNT min = 7 max = 422
#pragma HLS DATAFLOW
        const uint32_t buffer = t & 1;
        LoopCounter scores_loop, context_loop, moves, output;
        Cycles rounding, exponentials, probabilities;
        if (t < steps) {
            const Step& step = scored.step();
            multiply_scores(f, step, places, activation, normalise, probability, weights,
                            memory.scores[buffer], scores_loop, saturated);
            rounding = round_scores(f, step.group, softmax_buffer, memory.scores[buffer], memory,
                                    softmax, saturated);
            exponentials = softmax_exponentials(format, groups, softmax_buffer, softmax);
            target.group = step.group;
            target.first_head = step.head == 0;
            probabilities = softmax_probabilities(
                format, minimum(kBanks, f.tokens - step.group * kBanks), groups, softmax_buffer,
                target, softmax, scored_buffer * kMaxRowWords, probability, scores, saturated);
            scored.advance();
            softmax_buffer =
                softmax_buffer + 1 == uint32_t(kSoftmaxBuffers) ? 0 : softmax_buffer + 1;
            scored_buffer =
                scored_buffer + 1 == uint32_t(kProbabilityBuffers) ? 0 : scored_buffer + 1;
        }
        if (t + groups < steps) {
            move_keys(f, keyed.step(), places, activation, weights, moves);
            keyed.advance();
        }
        if (t >= uint32_t(kAttentionLag) && t + groups < steps + kAttentionLag) {
            move_values(f, valued.step(), places, activation, weights, moves);
            valued.advance();
        }
        if (t > uint32_t(kAttentionLag)) {
            store_context(f, stored.step(), memory.context[1 - buffer], activation, output,
                          saturated);
            stored.advance();
        }
        const bool multiplies = t >= uint32_t(kAttentionLag) && t < steps + kAttentionLag;
        if (multiplies) {
            multiply_context(f, multiplied.step(), multiplied_buffer * kMaxRowWords, places,
                             activation, normalise, probability, weights, memory.context[buffer],
                             context_loop, saturated);
            multiplied.advance();
            multiplied_buffer =
                multiplied_buffer + 1 == uint32_t(kProbabilityBuffers) ? 0 : multiplied_buffer + 1;
        }
        if (t < steps) {
            timing.softmax(t, scores_loop.issued(), rounding, exponentials, probabilities);
            if (target.enabled && t == steps - groups) {  // [CLS] of the last head
                timeline.scores_complete(timing.probabilities_end(t) + drain(1));
            }
        }
        if (multiplies) timing.context(t - kAttentionLag, context_loop.issued());
        timing.move(moves.issued());
        if (t > uint32_t(kAttentionLag)) timing.store(output.issued());
        timing.end_step();
    }
    timeline.run(timing.cycles() + drain(1));
    timeline.release();
}

}  // namespace trivit

#endif
