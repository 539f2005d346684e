// Multi-head attention on the array, head by head and row group by row group (docs/numerics.md,
// attention).
#ifndef TRIVIT_ATTENTION_HPP
#define TRIVIT_ATTENTION_HPP

#include "mac_array.hpp"
#include "multiply.hpp"
#include "ports.hpp"
#include "softmax.hpp"

namespace trivit {

static const int kKeyTiles = (kMaxTokens + kOutputs - 1) / kOutputs;
static const int kValueTiles = (kMaxHeadWords * kLanes + kOutputs - 1) / kOutputs;

static_assert(kKeyTiles * kMaxHeadWords + kValueTiles * kMaxRowWords <= kWeightDepth,
              "keys and values of a head fit the weight memory");
static_assert(kOutputs % kBanks == 0, "a group of eight keys lies in one tile");

// The sums of a row group: one for each column tile; and what is added to the scores'.
struct AttentionMemory {
    Sums scores[kKeyTiles];
    Sums context[kValueTiles];
    word_t bias[kBanks][kMaxRowWords];
};

// Where a head's operands lie in the weight memory: keys as tiles of 32 outputs x head words, then
// values, transposed, as tiles of 32 head columns x key words.
class HeadPlaces {
public:
    explicit HeadPlaces(const AttentionFields& f)
        : groups_(row_groups(f.tokens)),
          keys_(size_product(ceil_div(f.tokens, kOutputs), f.head_words)),
          head_words_(f.head_words) {}

    uint32_t keys(uint32_t tile) const { return size_product(tile, head_words_); }
    uint32_t values(uint32_t tile) const { return keys_ + size_product(tile, groups_); }

private:
    uint32_t groups_;
    uint32_t keys_;
    uint32_t head_words_;
};

// A row group of a head.
struct Step {
    uint32_t head;
    uint32_t group;
};

// Where the head's columns of a row group begin: `part` 0 for queries, 1 for keys, 2 for values.
inline uint32_t head_address(const AttentionFields& f, const Step& step, uint32_t part) {
    const uint32_t width = size_product(f.heads, f.head_words);
    return f.src + size_product(step.group * 3 + part, width) +
           size_product(step.head, f.head_words);
}

// Keys of a row group: eight rows' word becomes eight outputs of a key tile.
inline void place_keys(const AttentionFields& f, const Step& step, const HeadPlaces& places,
                       const ActivationMemory& activation, WeightMemory& weights) {
    const uint32_t source = head_address(f, step, 1);
    const uint32_t target = places.keys(step.group / (kOutputs / kBanks));
    const uint32_t output = step.group % (kOutputs / kBanks) * kBanks;
    for (uint32_t word = 0; word < f.head_words; ++word) {
        for (int m = 0; m < kBanks; ++m)
            store_weight(weights, output + m, target + word, activation.bank[m][source + word]);
    }
}

// Values of a row group: an 8 x 8 block is transposed, so that eight rows' word becomes one depth
// word of eight outputs.
inline void place_values(const AttentionFields& f, const Step& step, const HeadPlaces& places,
                         const ActivationMemory& activation, WeightMemory& weights) {
    const uint32_t source = head_address(f, step, 2);
    for (uint32_t word = 0; word < f.head_words; ++word) {
        const uint32_t target = places.values(word / kWordsPerTile) + step.group;
        const uint32_t output = word % kWordsPerTile * kLanes;
        for (int column = 0; column < kLanes; ++column) {
            word_t transposed;
            for (int m = 0; m < kBanks; ++m)
                transposed.lane[m] = activation.bank[m][source + word].lane[column];
            store_weight(weights, output + column, target, transposed);
        }
    }
}

// Q·K^T of a row group, a block per tile of 32 keys; queries come from the activation memory.
inline void multiply_scores(const AttentionFields& f, const Step& step, const HeadPlaces& places,
                            const ActivationMemory& activation, const NormaliseMemory& normalise,
                            const ProbabilityMemory& probability, const WeightMemory& weights,
                            Sums (&sums)[kKeyTiles], uint64_t& saturated) {
    ArrayBlock block = ArrayBlock();
    block.source = RowSource::activation;
    block.row = head_address(f, step, 0);
    block.depth = f.head_words;
    for (uint32_t tile = 0; tile < ceil_div(f.tokens, kOutputs); ++tile) {
        block.weight = places.keys(tile);
        run_array(activation, normalise, probability, weights, block, sums[tile], saturated);
    }
}

// P·V of a row group, a block per tile of 32 head columns.
inline void multiply_context(const AttentionFields& f, const HeadPlaces& places,
                             const ActivationMemory& activation, const NormaliseMemory& normalise,
                             const ProbabilityMemory& probability, const WeightMemory& weights,
                             Sums (&sums)[kValueTiles], uint64_t& saturated) {
    ArrayBlock block = ArrayBlock();
    block.source = RowSource::probability;
    block.depth = row_groups(f.tokens);
    for (uint32_t tile = 0; tile < ceil_div(f.head_words, kWordsPerTile); ++tile) {
        block.weight = places.values(tile);
        run_array(activation, normalise, probability, weights, block, sums[tile], saturated);
    }
}

// The bias of a row group of a head; port p brings rows p and p + 4.
template <class ParamPorts>
void load_score_bias(const AttentionFields& f, const Step& step, ParamPorts& params,
                     AttentionMemory& memory) {
    const uint32_t words = ceil_div(f.tokens, kLanes);
    const uint32_t rows = minimum(kBanks, f.tokens - step.group * kBanks);
    const uint32_t first_row = size_product(step.head, f.tokens) + step.group * kBanks;
    for (uint32_t row = 0; row < rows; row += kParamPorts) {
        for (uint32_t first = 0; first < words; first += kBurstWords) {
            word_t chunk[kParamPorts][kBurstWords];
            const uint32_t size = minimum(words - first, kBurstWords);
            uint64_t offset[kParamPorts];
            uint32_t count[kParamPorts];
            for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
                offset[p] = uint64_t(f.bias) + size_product(first_row + row + p, words) + first;
                count[p] = row + p < rows ? size : 0;
            }
            params.read(offset, count, chunk);
            for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
                for (uint32_t i = 0; i < count[p]; ++i)
                    memory.bias[row + p][first + i] = chunk[p][i];
            }
        }
    }
}

// A word of scores of one row, and the largest open one among them. Returns how many of the first
// `keys` saturated.
template <bool kBias>
TRIVIT_INLINE uint32_t round_word(const SumWord& sums, const word_t& bias,
                                  const Alignment& alignment, const Rounding& rounding,
                                  uint32_t keys, uint32_t open, word_t& result, int16_t& peak) {
    uint32_t changed = 0;
    for (int lane = 0; lane < kLanes; lane += kWidth) {
        Exact sum = load(&sums.lane[lane]);
        if (kBias) sum = sum + align(load(&bias.lane[lane]), alignment);
        changed |= requantize(sum, rounding, &result.lane[lane]) << lane;
    }
    peak = -32768;
    for (int lane = 0; lane < kLanes; ++lane) {
        const int16_t score = (open >> lane) & 1 ? result.lane[lane] : int16_t(-32768);
        peak = score > peak ? score : peak;
    }
    return count_lanes(changed & ((1u << keys) - 1));
}

// Round the scores of a row group and keep each row's largest open score.
template <bool kBias>
void round_scores(const AttentionFields& f, uint32_t group, const AttentionMemory& memory,
                  const ActivationMemory& activation, SoftmaxMemory& softmax, uint64_t& saturated) {
    const Rounding rounding = make_rounding(f.score_shift);
    const Alignment alignment = make_alignment(f.bias_shift);
    const uint32_t mask_row =
        f.mask + size_product(group, ceil_div(ceil_div(f.tokens, 16), kLanes));
    for (uint32_t word = 0; word < ceil_div(f.tokens, kLanes); ++word) {
        uint32_t changed = 0;
        const uint32_t keys = minimum(kLanes, f.tokens - word * kLanes);
        for (int m = 0; m < kBanks; ++m) {
            const bool real = group * kBanks + m < f.tokens;
            uint32_t open = (1u << keys) - 1;
            if (f.has_mask) {
                // Sixteen keys to a mask element: a word of eight keys takes half of one.
                const word_t& bits = activation.bank[m][mask_row + word / 16];
                open &= uint32_t(uint16_t(bits.lane[(word / 2) % kLanes])) >> (word % 2 * 8);
            }
            int16_t word_peak;
            changed += round_word<kBias>(
                sum_word(memory.scores[word / kWordsPerTile], m, word % kWordsPerTile),
                memory.bias[m][word], alignment, rounding, real ? keys : 0, open,
                softmax.score[m][word], word_peak);
            softmax.open[m][word] = uint8_t(open);
            const int16_t peak = word == 0 ? int16_t(-32768) : softmax.peak[m];
            softmax.peak[m] = word_peak > peak ? word_peak : peak;
        }
        saturated += changed;
    }
}

// A word of one row of the output. Returns how many values saturated.
TRIVIT_INLINE uint32_t round_output(const SumWord& sums, const Rounding& rounding, word_t& result) {
    uint32_t changed = 0;
    for (int lane = 0; lane < kLanes; lane += kWidth) {
        changed |= requantize(load(&sums.lane[lane]), rounding, &result.lane[lane]) << lane;
    }
    return count_lanes(changed);
}

// Round the head's output columns of a row group into the destination.
inline void store_context(const AttentionFields& f, const Step& step,
                          const Sums (&sums)[kValueTiles], ActivationMemory& activation,
                          uint64_t& saturated) {
    const Rounding rounding = make_rounding(f.out_shift);
    const uint32_t target =
        f.dst + size_product(size_product(step.group, f.heads) + step.head, f.head_words);
    for (uint32_t word = 0; word < f.head_words; ++word) {
        uint32_t changed = 0;
        for (uint32_t m = 0; m < uint32_t(kBanks); ++m) {
            if (step.group * kBanks + m >= f.tokens) continue;
            changed += round_output(sum_word(sums[word / kWordsPerTile], m, word % kWordsPerTile),
                                    rounding, activation.bank[m][target + word]);
        }
        saturated += changed;
    }
}

template <class ParamPorts>
void attention(const AttentionFields& f, ParamPorts& params, ActivationMemory& activation,
               const NormaliseMemory& normalise, WeightMemory& weights,
               ProbabilityMemory& probability, SoftmaxMemory& softmax, AttentionMemory& memory,
               ScoreMemory& scores, uint64_t& saturated) {
    const uint32_t groups = row_groups(f.tokens);
    const HeadPlaces places(f);
    SoftmaxFormat format;
    format.exp_multiplier = f.exp_multiplier;
    format.exp_shift = f.exp_shift;
    format.prob_frac = f.prob_frac;
    ScoreTarget target;
    target.enabled = f.has_score_cls || f.has_score_all;
    target.only_cls = !f.has_score_all;
    target.tokens = f.tokens;

    Step step;
    for (step.head = 0; step.head < f.heads; ++step.head) {
        for (step.group = 0; step.group < groups; ++step.group) {
            place_keys(f, step, places, activation, weights);
            place_values(f, step, places, activation, weights);
        }
        target.first_head = step.head == 0;
        for (step.group = 0; step.group < groups; ++step.group) {
            multiply_scores(f, step, places, activation, normalise, probability, weights,
                            memory.scores, saturated);
            if (f.has_bias) {
                load_score_bias(f, step, params, memory);
                round_scores<true>(f, step.group, memory, activation, softmax, saturated);
            } else {
                round_scores<false>(f, step.group, memory, activation, softmax, saturated);
            }
            softmax_exponentials(format, groups, softmax);
            target.group = step.group;
            softmax_probabilities(format, minimum(kBanks, f.tokens - step.group * kBanks), groups,
                                  target, softmax, probability, scores, saturated);
            multiply_context(f, places, activation, normalise, probability, weights, memory.context,
                             saturated);
            store_context(f, step, memory.context, activation, saturated);
        }
    }
}

}  // namespace trivit

#endif
