// Token and connection selection (docs/numerics.md and docs/cycles.md, select_*).
#ifndef TRIVIT_SELECT_HPP
#define TRIVIT_SELECT_HPP

#include "activation_memory.hpp"
#include "move.hpp"
#include "softmax.hpp"

namespace trivit {

static const int kSelectWords = (kMaxTokens + kSelectLanes - 1) / kSelectLanes;
static const int32_t kNeverSelected = -1;  // scores are sums of probabilities, so never negative

static_assert(kSelectLatency <= kBanks, "the turns of seven other rows cover a pass's latency");
static_assert(kSelectLanes % kLanes == 0, "an activation word of scores lies in one search word");
static_assert(kMaxHeads * 32767 < (1 << kScoreBits), "the search covers every head sum");

// Eight rows of scores and the winners among them, twice: one buffer is filled while the other is
// searched. All lanes of a word are compared at once.
struct SelectMemory {
    int32_t score[2][kBanks][kSelectWords][kSelectLanes];
    bool open[2][kBanks][kSelectWords][kSelectLanes];
    int32_t threshold[kBanks];
    uint32_t above[kBanks];
};

// Open the `keep` largest of the first `count` scores of each row of a buffer, ties to the lower
// index.
//
// Bit by bit from the top, a bit of the threshold stays when at least `keep` scores reach it; the
// last refused candidate is threshold + 1, so its count says how many are above and how many ties
// remain to be opened in index order. Eight rows take turns: a row's count is then complete long
// before its next bit needs it, and the loop runs at II=1. A single row waits for its count
// instead.
inline Cycles select_largest(uint32_t rows, uint32_t count, uint32_t keep, uint32_t buffer,
                             SelectMemory& memory) {
#pragma HLS INLINE off
    LoopCounter loop;
    const uint32_t words = ceil_div(count, kSelectLanes);
    const uint32_t turn = rows == 1 ? words + kSelectLatency : words;
    uint32_t seen = 0;  // scores of the row that reach the candidate; in the last pass, ties opened
    for (int bit = kScoreBits - 1; bit >= -1; --bit) {
        for (uint32_t row = 0; row < rows; ++row) {
            for (uint32_t word = 0; word < turn; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 15
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
// A row comes back after the seven others, or after its own pause, at the earliest.
#pragma HLS DEPENDENCE variable = memory.threshold inter distance = 8 true
#pragma HLS DEPENDENCE variable = memory.above inter distance = 8 true
                loop.tick();
                if (word >= words) continue;
                if (word == 0) seen = 0;
                const int32_t low = bit == kScoreBits - 1 ? 0 : memory.threshold[row];
                const int32_t candidate = bit < 0 ? low : low + (int32_t(1) << bit);
                const uint32_t ties = bit < 0 ? keep - memory.above[row] : 0;
                uint32_t reached = 0;
                for (int lane = 0; lane < kSelectLanes; ++lane) {
#pragma HLS UNROLL
                    const int32_t score = memory.score[buffer][row][word][lane];
                    const bool inside = word * kSelectLanes + lane < count;
                    if (bit < 0) {
                        const bool tie = inside && score == candidate;
                        memory.open[buffer][row][word][lane] =
                            inside && (score > candidate || (tie && seen + reached < ties));
                        reached += tie ? 1 : 0;
                    } else {
                        reached += inside && score >= candidate ? 1 : 0;
                    }
                }
                seen += reached;
                if (bit >= 0 && word + 1 == words) {
                    const bool stays = seen >= keep;
                    memory.threshold[row] = stays ? candidate : low;
                    if (!stays) {
                        memory.above[row] = seen;
                    } else if (bit == kScoreBits - 1) {
                        memory.above[row] = 0;
                    }
                }
            }
        }
    }
    return loop.cycles();
}

inline Cycles select_tokens(const SelectTokensFields& f, const ScoreMemory& scores,
                            SelectMemory& memory, ActivationMemory& activation) {
#pragma HLS INLINE
    LoopCounter loading;
    for (uint32_t word = 0; word < ceil_div(f.tokens, kLanes); ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
#pragma HLS PIPELINE II = 1
        for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
#pragma HLS UNROLL
            const uint32_t key = word * kLanes + lane;
            memory.score[0][0][key / kSelectLanes][key % kSelectLanes] =
                key == 0 ? kNeverSelected : scores.sum[0][key];
        }
        loading.tick();
    }

    const Cycles search = select_largest(1, f.tokens, f.keep, 0, memory);

    LoopCounter listing;
    word_t list = zero_word();  // lane 0 of the first word: [CLS]
    uint32_t lane = 0;
    uint32_t address = f.dst;
    for (uint32_t key = 0; key < f.tokens; ++key) {
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 208
#pragma HLS PIPELINE II = 1
        if (key == 0 || memory.open[0][0][key / kSelectLanes][key % kSelectLanes]) {
            list.lane[lane] = int16_t(key);
            if (++lane == uint32_t(kLanes)) {
                activation.bank[0][address++] = list;
                list = zero_word();
                lane = 0;
            }
        }
        listing.tick();
    }
    if (lane != 0) activation.bank[0][address] = list;
    return loading.cycles() + search + listing.cycles();
}

// Scores of eight kept tokens against all kept tokens, one per cycle: kept columns may share a
// memory. The [CLS] key is always open and does not compete.
inline Cycles collect_scores(const SelectConnectionsFields& f, uint32_t group,
                             const IndexMemory& index, const ScoreMemory& scores,
                             SelectMemory& memory) {
#pragma HLS INLINE
    LoopCounter loop;
    const uint32_t rows = minimum(kBanks, f.rows - group * kBanks);
    for (uint32_t row = 0; row < rows; ++row) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
        for (uint32_t key = 0; key < f.rows; ++key) {
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 208
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
            const int32_t score = scores.sum[index.row[group * kBanks + row]][index.row[key]];
            memory.score[group & 1][row][key / kSelectLanes][key % kSelectLanes] =
                key == 0 ? kNeverSelected : score;
            loop.tick();
        }
    }
    return loop.cycles();
}

// Pack the open keys of eight rows, one mask word in each bank per iteration.
inline Cycles write_mask(const SelectConnectionsFields& f, uint32_t group,
                         const SelectMemory& memory, ActivationMemory& activation) {
#pragma HLS INLINE
    LoopCounter loop;
    const uint32_t words = ceil_div(ceil_div(f.rows, 16), kLanes);
    for (uint32_t word = 0; word < words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 2
#pragma HLS PIPELINE II = 1
        for (uint32_t m = 0; m < uint32_t(kBanks); ++m) {
#pragma HLS UNROLL
            const uint32_t row = group * kBanks + m;
            if (row >= f.rows) continue;
            word_t mask;
            for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
#pragma HLS UNROLL
                uint32_t bits = 0;
                for (uint32_t bit = 0; bit < 16; ++bit) {
#pragma HLS UNROLL
                    const uint32_t key = (word * kLanes + lane) * 16 + bit;
                    if (key >= f.rows) continue;
                    const bool open =
                        row == 0 || key == 0 ||
                        memory.open[group & 1][m][key / kSelectLanes][key % kSelectLanes];
                    bits |= (open ? 1u : 0u) << bit;
                }
                mask.lane[lane] = int16_t(uint16_t(bits));
            }
            activation.bank[m][f.dst + group * words + word] = mask;
        }
        loop.tick();
    }
    return loop.cycles();
}

// The index tensor has been read and checked. The next group's scores are collected while a group
// is searched.
inline Cycles select_connections(const SelectConnectionsFields& f, const IndexMemory& index,
                                 const ScoreMemory& scores, SelectMemory& memory,
                                 ActivationMemory& activation) {
#pragma HLS INLINE
    const uint32_t groups = row_groups(f.rows);
    Cycles cycles = collect_scores(f, 0, index, scores, memory);
    for (uint32_t group = 0; group < groups; ++group) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
        Cycles collecting;
        if (group + 1 < groups) {
            collecting = collect_scores(f, group + 1, index, scores, memory);
        }
        Cycles choosing = select_largest(kBanks, f.rows, f.keep, group & 1, memory);
        choosing += write_mask(f, group, memory, activation);
        cycles += overlap(collecting, choosing);
    }
    return cycles;
}

}  // namespace trivit

#endif
