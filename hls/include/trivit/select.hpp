// Token and connection selection (docs/numerics.md, select_*).
#ifndef TRIVIT_SELECT_HPP
#define TRIVIT_SELECT_HPP

#include "activation_memory.hpp"
#include "compaction.hpp"
#include "multiply.hpp"
#include "softmax.hpp"

namespace trivit {

static const int kSelectLanes = 32;  // scores that are compared together
static const int kSelectDigit = 2;   // bits of the threshold that a pass finds
static const int kSelectWords = (kMaxTokens + kSelectLanes - 1) / kSelectLanes;
static const int kSelectCandidates = (1 << kSelectDigit) - 1;  // thresholds that a pass tries
static const int32_t kNeverSelected = kClosedSum;              // no threshold is negative
static const int kMaskBits = 16;                               // keys in an element of a mask

static_assert(kSelectLanes % kMaskBits == 0, "a search word opens whole elements of the mask");
static_assert(kMaskBits * kLanes % kSelectLanes == 0, "a mask word is whole search words");
static_assert(kMaskBits % kLanes == 0, "eight candidates lie in one element of the mask");
static_assert(kScoreBits % kSelectDigit == 0, "passes find whole digits of the threshold");
static_assert(kMaxHeads * 32767 < (1 << kScoreBits), "the search covers every head sum");

// Eight rows of scores. The winners are bits of the mask, in the form that the activation memory
// takes; those of a token selection are its first row.
struct SelectMemory {
    CompactionPlan plan;
    RowNumbers index;
    int32_t score[kBanks][kSelectWords][kSelectLanes];
    word_t mask[kBanks][kMaxGroups * kMaxMaskWords];
    int32_t threshold[kBanks];
    uint32_t above[kBanks];
};

// Open the `keep` largest of the first `count` scores of each row, ties to the lower index, and key
// 0; of fewer than `keep` scores that are not negative, all. The first word of the
// rows in the mask is `mask_word`.
//
// Digit by digit from the top, the threshold rises by the most that at least `keep` scores still
// reach; all candidates are compared at once. The last candidate that too few reached is
// threshold + 1, so its count says how many are above and how many ties remain to be opened in
// index order, by a last pass.
inline void select_largest(uint32_t rows, uint32_t count, uint32_t keep, uint32_t mask_word,
                           SelectMemory& memory) {
    const uint32_t words = ceil_div(count, kSelectLanes);
    uint32_t reached[kSelectCandidates] = {};  // scores of the row that reach each candidate
    uint32_t opened = 0;                       // ties, in the last pass
    for (int bit = kScoreBits - kSelectDigit; bit >= -kSelectDigit; bit -= kSelectDigit) {
        for (uint32_t row = 0; row < rows; ++row) {
            for (uint32_t word = 0; word < words; ++word) {
                const int32_t* scores = memory.score[row][word];
                const uint32_t here = minimum(count - word * kSelectLanes, kSelectLanes);
                const bool first = bit == kScoreBits - kSelectDigit;
                const int32_t low = first ? 0 : memory.threshold[row];
                if (bit >= 0) {
                    for (int candidate = 0; candidate < kSelectCandidates; ++candidate) {
                        const int32_t least = low + (int32_t(candidate + 1) << bit);
                        uint32_t more = 0;
                        for (uint32_t lane = 0; lane < uint32_t(kSelectLanes); ++lane) {
                            more += lane < here && scores[lane] >= least ? 1 : 0;
                        }
                        reached[candidate] = (word == 0 ? 0 : reached[candidate]) + more;
                    }
                    if (word + 1 != words) continue;
                    int32_t digit = 0;
                    for (int candidate = 0; candidate < kSelectCandidates; ++candidate) {
                        if (reached[candidate] >= keep) digit = candidate + 1;
                    }
                    memory.threshold[row] = low + (digit << bit);
                    if (digit < kSelectCandidates) {
                        memory.above[row] = reached[digit];
                    } else if (first) {
                        memory.above[row] = 0;
                    }
                } else {
                    const uint32_t ties = keep - memory.above[row];
                    if (word == 0) opened = 0;
                    uint32_t bits = 0;
                    for (uint32_t lane = 0; lane < uint32_t(kSelectLanes); ++lane) {
                        const bool inside = lane < here;
                        const bool tie = inside && scores[lane] == low && opened < ties;
                        opened += tie ? 1 : 0;
                        const bool always = word == 0 && lane == 0;
                        const bool open = tie || always || (inside && scores[lane] > low);
                        bits |= (open ? 1u : 0u) << lane;
                    }
                    for (uint32_t part = 0; part < uint32_t(kSelectLanes / kMaskBits); ++part) {
                        const uint32_t element = word * (kSelectLanes / kMaskBits) + part;
                        memory.mask[row][mask_word + element / kLanes].lane[element % kLanes] =
                            int16_t(uint16_t(bits >> part * kMaskBits));
                    }
                }
            }
        }
    }
}

// Eight values of which some are kept, moved together.
template <class Value>
struct Kept {
    Value value[kLanes];
    uint32_t count;
};

template <class Value>
Kept<Value> move_together(const Value (&values)[kLanes], uint32_t kept) {
    Kept<Value> result = Kept<Value>();
    for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
        if ((kept >> lane) & 1) result.value[result.count++] = values[lane];
    }
    return result;
}

inline int32_t closed_as_zero(int32_t sum) { return sum < 0 ? 0 : sum; }

inline void select_tokens(const SelectTokensFields& f, const ScoreMemory& scores,
                          SelectMemory& memory, ActivationMemory& activation) {
    for (uint32_t word = 0; word < ceil_div(f.tokens, kLanes); ++word) {
        for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
            const uint32_t key = word * kLanes + lane;
            memory.score[0][key / kSelectLanes][key % kSelectLanes] =
                key == 0 ? kNeverSelected : closed_as_zero(scores.sum[0][key]);
        }
    }

    select_largest(1, f.tokens, f.keep, 0, memory);

    word_t list = zero_word();  // indices that do not fill a word yet
    uint32_t listed = 0;
    uint32_t address = f.dst;
    for (uint32_t word = 0; word < ceil_div(f.tokens, kLanes); ++word) {
        // Eight candidates are half an element of the mask.
        const uint32_t element = word * kLanes / kMaskBits;
        const uint32_t bits = uint16_t(memory.mask[0][element / kLanes].lane[element % kLanes]) >>
                              word * kLanes % kMaskBits;
        int16_t keys[kLanes];
        for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
            keys[lane] = int16_t(word * kLanes + lane);
        }
        const Kept<int16_t> kept = move_together(keys, bits);
        word_t rest = zero_word();
        for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
            const uint32_t to = listed + lane;
            if (lane >= kept.count) continue;
            if (to < uint32_t(kLanes)) {
                list.lane[to] = kept.value[lane];
            } else {
                rest.lane[to - kLanes] = kept.value[lane];
            }
        }
        listed += kept.count;
        if (listed >= uint32_t(kLanes)) {
            activation.bank[0][address++] = list;
            list = rest;
            listed -= kLanes;
        }
    }
    if (listed != 0) activation.bank[0][address] = list;
}

// Scores of eight kept tokens against all kept tokens. The first kept key is [CLS]: always open, it
// does not compete.
inline void collect_scores(const SelectConnectionsFields& f, uint32_t group,
                           const ScoreMemory& scores, SelectMemory& memory) {
    const uint32_t rows = minimum(kBanks, f.rows - group * kBanks);
    for (uint32_t row = 0; row < rows; ++row) {
        const uint32_t query = memory.index.row[group * kBanks + row];
        for (uint32_t from = 0; from < row_groups(f.tokens); ++from) {
            int32_t found[kLanes];
            for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
                found[lane] = scores.sum[query][from * kLanes + lane];
            }
            const Kept<int32_t> kept = move_together(found, memory.plan.kept[from]);
            const uint32_t first = memory.plan.first[from];
            for (uint32_t lane = 0; lane < uint32_t(kSelectLanes); ++lane) {
                const uint32_t i = (lane - first) % kSelectLanes;
                if (i >= kept.count) continue;
                memory.score[row][(first + i) / kSelectLanes][lane] =
                    first + i == 0 ? kNeverSelected : kept.value[i];
            }
        }
    }
}

// The winners of all rows. memory.plan and memory.index hold the kept tokens.
inline void search_connections(const SelectConnectionsFields& f, const ScoreMemory& scores,
                               SelectMemory& memory) {
    const uint32_t words = ceil_div(ceil_div(f.rows, kMaskBits), kLanes);
    for (uint32_t group = 0; group < row_groups(f.rows); ++group) {
        collect_scores(f, group, scores, memory);
        select_largest(kBanks, f.rows, f.keep, size_product(group, words), memory);
    }
}

// The mask into the activation memory; the [CLS] row is all open.
inline void write_mask(const SelectConnectionsFields& f, const SelectMemory& memory,
                       ActivationMemory& activation) {
    const uint32_t words = ceil_div(ceil_div(f.rows, kMaskBits), kLanes);
    uint32_t from = 0;
    for (uint32_t group = 0; group < row_groups(f.rows); ++group) {
        for (uint32_t word = 0; word < words; ++word) {
            for (uint32_t m = 0; m < uint32_t(kBanks); ++m) {
                const uint32_t row = group * kBanks + m;
                if (row >= f.rows) continue;
                word_t mask = memory.mask[m][from];
                for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
                    const uint32_t first = (word * kLanes + lane) * kMaskBits;
                    const uint32_t keys = first < f.rows ? minimum(f.rows - first, kMaskBits) : 0;
                    const uint32_t open = row == 0 ? 0xffff : uint16_t(mask.lane[lane]);
                    mask.lane[lane] = int16_t(uint16_t(open & ((1u << keys) - 1)));
                }
                activation.bank[m][f.dst + from] = mask;
            }
            ++from;
        }
    }
}

}  // namespace trivit

#endif
