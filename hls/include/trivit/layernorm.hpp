// Layer normalisation (docs/numerics.md, layernorm; docs/cycles.md, layernorm).
#ifndef TRIVIT_LAYERNORM_HPP
#define TRIVIT_LAYERNORM_HPP

#include "../../generated/tables.hpp"
#include "matmul.hpp"

namespace trivit {

static const int kCentredBits = 8;      // fraction bits that the mean has beyond x
static const int kRootSteps = 3072;     // table over [1, 4) in steps of 1/1024
static const int kLayernormStages = 3;  // groups in flight: sums, squares, results

static_assert(sizeof(kRsqrtTable) / sizeof(kRsqrtTable[0]) == kRootSteps + 1,
              "the table covers 1..4, both ends included");

// 1/sqrt(power) = root * 2^-24 * 2^-halvings.
struct InverseRoot {
    int32_t root;
    uint32_t halvings;
};

// power: 1..2^62.
inline InverseRoot inverse_root(uint64_t power) {
    uint32_t log2 = 0;
    for (int bit = 0; bit < 64; ++bit) {
#pragma HLS UNROLL
        if ((power >> bit) & 1) log2 = bit;
    }
    InverseRoot result;
    result.halvings = log2 / 2;
    const uint32_t u = uint32_t((power << (62 - 2 * result.halvings)) >> 40) - (1u << 22);
    const uint32_t index = u >> 12;
    const int64_t remainder = u & 4095;
    const int64_t here = kRsqrtTable[index];
    const int64_t next = kRsqrtTable[index + 1];
    result.root = int32_t(((here << 12) - (here - next) * remainder) >> 12);
    return result;
}

// Rows of three groups in flight and what is known about them. Rows of a group are taken
// kVectorRows at a time, so a row index is cyclic over that many memories.
struct LayernormMemory {
    word_t row[kLayernormStages][kBanks][kMaxDepthWords];
    int64_t mean[kLayernormStages][kBanks];
    int64_t gain[kLayernormStages][kBanks];
    uint32_t halvings[kLayernormStages][kBanks];
    int64_t sum[kBanks];
    uint64_t power[kBanks];
};

inline void layernorm_sum(const LayernormFields& f, const word_t& x, uint32_t row, uint32_t word,
                          uint32_t slot, LayernormMemory& memory) {
#pragma HLS INLINE
    int64_t word_sum = 0;  // apart from the row's, so that only one addition recurs
    for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        word_sum += x.lane[lane];
    }
    const int64_t sum = (word == 0 ? 0 : memory.sum[row]) + word_sum;
    memory.row[slot][row][word] = x;
    memory.sum[row] = sum;
    // Read one round later, when the loop has drained.
    if (word + 1 == f.words) {
        memory.mean[slot][row] = (sum * int64_t(f.inv_width) + (1 << 23)) >> 24;
    }
}

inline void layernorm_power(const LayernormFields& f, uint32_t row, uint32_t word, uint32_t slot,
                            LayernormMemory& memory) {
#pragma HLS INLINE
    const int64_t mean = memory.mean[slot][row];
    const word_t x = memory.row[slot][row][word];
    uint64_t word_power = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        const int64_t centred = int64_t(x.lane[lane]) * (1 << kCentredBits) - mean;
        word_power += uint64_t(centred * centred);
    }
    const uint64_t power = (word == 0 ? f.epsilon : memory.power[row]) + word_power;
    memory.power[row] = power;
    if (word + 1 == f.words) {
        const InverseRoot inverse = inverse_root(power == 0 ? 1 : power);
        memory.gain[slot][row] =
            round_half_even(int64_t(inverse.root) * int64_t(f.sqrt_width), make_rounding(18));
        memory.halvings[slot][row] = inverse.halvings;
    }
}

inline word_t layernorm_result(const LayernormFields& f, const RowParameters& parameters,
                               uint32_t row, uint32_t word, uint32_t slot, const Rounding& rounding,
                               const LayernormMemory& memory, uint32_t& changed) {
#pragma HLS INLINE
    const int64_t mean = memory.mean[slot][row];
    const int64_t gain = memory.gain[slot][row];
    const Rounding scale = make_rounding(int32_t(memory.halvings[slot][row]) + 2);
    const word_t x = memory.row[slot][row][word];
    const word_t gamma = parameters.vector[0][word];
    const word_t beta = parameters.vector[1][word];
    word_t result;
    for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        const int64_t centred = int64_t(x.lane[lane]) * (1 << kCentredBits) - mean;
        const int64_t normalised = round_half_even(centred * gain, scale);
        const Quantized y = requantize(
            normalised * gamma.lane[lane] + shift_left(beta.lane[lane], f.beta_shift), rounding);
        result.lane[lane] = y.value;
        changed += y.saturated;
    }
    return result;
}

// Round t sums group t, squares group t - 1 and writes group t - 2: one read and one write of the
// activation memory per iteration. Means and roots are consumed a round later, so their latency
// hides in the drain of the loop. In place is allowed: a group is written after it was read.
template <class ParamsPort>
Cycles layernorm(const LayernormFields& f, ParamsPort& params, RowParameters& parameters,
                 LayernormMemory& memory, ActivationMemory& activation, uint64_t& saturated) {
#pragma HLS INLINE
    ArraySink gamma(parameters.vector[0]);
    ArraySink beta(parameters.vector[1]);
    Cycles cycles = stream_in(params, f.gamma, f.words, gamma);
    cycles += stream_in(params, f.beta, f.words, beta);
    const uint32_t groups = row_groups(f.rows);
    const Rounding rounding = make_rounding(f.out_shift);
    uint32_t sum_slot = 0;  // slot of group t; the squares use the one before, results the next
    for (uint32_t round = 0; round < groups + 2; ++round) {
#pragma HLS LOOP_TRIPCOUNT min = 3 max = 28
        const uint32_t power_slot = sum_slot == 0 ? kLayernormStages - 1 : sum_slot - 1;
        const uint32_t result_slot = power_slot == 0 ? kLayernormStages - 1 : power_slot - 1;
        LoopCounter loop;
        for (uint32_t first = 0; first < uint32_t(kBanks); first += kVectorRows) {
            for (uint32_t word = 0; word < f.words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 384
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
                uint32_t changed = 0;
                for (uint32_t v = 0; v < uint32_t(kVectorRows); ++v) {
#pragma HLS UNROLL
                    const uint32_t row = first + v;
                    if (round < groups) {
                        layernorm_sum(f, activation.bank[row][f.src + round * f.words + word], row,
                                      word, sum_slot, memory);
                    }
                    if (round >= 1 && round - 1 < groups) {
                        layernorm_power(f, row, word, power_slot, memory);
                    }
                    if (round >= 2 && (round - 2) * kBanks + row < f.rows) {
                        activation.bank[row][f.dst + (round - 2) * f.words + word] =
                            layernorm_result(f, parameters, row, word, result_slot, rounding,
                                             memory, changed);
                    }
                }
                saturated += changed;
                loop.tick();
            }
        }
        cycles += loop.cycles();
        sum_slot = sum_slot + 1 == uint32_t(kLayernormStages) ? 0 : sum_slot + 1;
    }
    return cycles;
}

}  // namespace trivit

#endif
