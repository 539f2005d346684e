// Softmax of a group of eight score rows (docs/numerics.md, attention).
#ifndef TRIVIT_SOFTMAX_HPP
#define TRIVIT_SOFTMAX_HPP

#include "../../generated/tables.hpp"
#include "lanes.hpp"
#include "mac_array.hpp"

namespace trivit {

static const int kExpSteps = 256;
static const int kReciprocalSteps = 512;
static const int32_t kExpVanishes = 25;  // halvings after which e rounds to 0 at 24 fraction bits

static_assert(sizeof(kExp2Table) / sizeof(kExp2Table[0]) == kExpSteps + 1, "[0, 1], both ends");
static_assert(sizeof(kRecipTable) / sizeof(kRecipTable[0]) == kReciprocalSteps + 1,
              "[1, 2], both ends");

static const int kSumBits = 34;  // of the exponentials of a row

static_assert(kMaxTokens < (1 << (kSumBits - 24)), "a row's exponentials add up to less");

// Below every sum, so that selection tells a closed key from a live one of probability zero.
static const int32_t kClosedSum = -1;

// Sums over heads for the selectors. Row i, key j; connections are chosen among fewer tokens.
struct ScoreMemory {
    int32_t sum[kMaxConnectionTokens][kMaxTokens];
};

// Of a row group.
struct SoftmaxMemory {
    word_t score[kBanks][kMaxRowWords];
    uint8_t open[kBanks][kMaxRowWords];  // bit per lane: the key exists and is open
    int16_t peak[kBanks];                // largest open score; -32768 when nothing is open
    int32_t exponential[kBanks][kMaxRowWords][kLanes];
    uint64_t sum[kBanks];
};

struct SoftmaxFormat {
    uint32_t exp_multiplier;
    uint32_t exp_shift;
    uint32_t prob_frac;
};

// Which sums over heads a group contributes to.
struct ScoreTarget {
    bool enabled;
    bool only_cls;    // row 0 alone
    bool first_head;  // overwrite instead of add
    uint32_t group;
    uint32_t tokens;
};

// exp(scale * -distance) at 24 fraction bits.
TRIVIT_INLINE Int exponential(Int distance, const SoftmaxFormat& format) {
    const Int t = quotient(scaled<18, 25>(distance, int32_t(format.exp_multiplier)),
                           format.exp_shift, kExpVanishes << 20);
    const Int index = (t >> 12) & 255;
    const Int here = lookup(kExp2Table, index);
    const Int next = lookup(kExp2Table, index + 1);
    // ((here << 12) - (here - next) * remainder) >> 10, within 32 bits.
    const Int value = (here << 2) + (short_product<16, 13>(next - here, t & 4095) >> 10);
    return value >> (t >> 20);
}

// Reciprocal of a row's sum (2^24 <= sum < 2^34, or 0 for a row without an open key) and the
// rounding that brings e * reciprocal to prob_frac fraction bits.
inline void softmax_reciprocal(uint64_t sum, uint32_t prob_frac, int32_t& reciprocal,
                               Rounding& rounding) {
    uint32_t log2 = 24;
    for (int bit = 24; bit < kSumBits; ++bit) {
        if ((sum >> bit) & 1) log2 = bit;
    }
    const uint64_t u = sum << (40 - log2);
    const uint32_t index = uint32_t(u >> 31) & 511;
    const int64_t remainder = int64_t((u >> 16) & 32767);
    const int64_t here = kRecipTable[index];
    const int64_t next = kRecipTable[index + 1];
    reciprocal = int32_t(((here << 15) - multiply<17, 16>(here - next, remainder)) >> 15);
    rounding = make_rounding(int32_t(24 + log2 - prob_frac));
}

// Exponentials of a row group and their sums.
inline void softmax_exponentials(const SoftmaxFormat& format, uint32_t key_words,
                                 SoftmaxMemory& memory) {
    for (uint32_t row = 0; row < uint32_t(kBanks); ++row) {
        uint64_t sum = 0;
        for (uint32_t word = 0; word < key_words; ++word) {
            const word_t score = memory.score[row][word];
            const uint32_t open = memory.open[row][word];
            int32_t (&powers)[kLanes] = memory.exponential[row][word];
            for (int lane = 0; lane < kLanes; lane += kWidth) {
                const Int distance = memory.peak[row] - load(&score.lane[lane]);
                const Int power = exponential(distance & 0xffff, format);
                store(power & lane_mask(open >> lane), &powers[lane]);
            }
            for (int lane = 0; lane < kLanes; ++lane)
                sum += uint32_t(powers[lane]);
        }
        memory.sum[row] = sum;
    }
}

// Probabilities of the first `rows` rows of a group and their sums over heads.
inline void softmax_probabilities(const SoftmaxFormat& format, uint32_t rows, uint32_t key_words,
                                  const ScoreTarget& target, const SoftmaxMemory& memory,
                                  ProbabilityMemory& probability, ScoreMemory& scores,
                                  uint64_t& saturated) {
    for (uint32_t row = 0; row < rows; ++row) {
        int32_t reciprocal;
        Rounding rounding;
        softmax_reciprocal(memory.sum[row], format.prob_frac, reciprocal, rounding);
        const uint32_t query = target.group * kBanks + row;
        const bool adds = target.enabled && (query == 0 || !target.only_cls);
        for (uint32_t word = 0; word < key_words; ++word) {
            const uint32_t open = memory.open[row][word];
            const int32_t (&powers)[kLanes] = memory.exponential[row][word];
            word_t result;
            uint32_t rounded = 0;  // a bit for each lane that saturated
            for (int lane = 0; lane < kLanes; lane += kWidth) {
                const Exact p = scaled<26, 26>(load(&powers[lane]), reciprocal);
                rounded |= requantize(p, rounding, &result.lane[lane]) << lane;
            }
            saturated += count_lanes(rounded);
            for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
                const uint32_t key = word * kLanes + lane;
                if (adds && key < target.tokens) {
                    // A closed key's probabilities are 0, so its sum stays as it begins.
                    const int32_t initial = (open >> lane) & 1 ? 0 : kClosedSum;
                    const int32_t before = target.first_head ? initial : scores.sum[query][key];
                    scores.sum[query][key] = before + result.lane[lane];
                }
            }
            probability.bank[row][word] = result;
        }
    }
}

}  // namespace trivit

#endif
