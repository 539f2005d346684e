// Layer normalisation (docs/numerics.md, layernorm; docs/cycles.md, layernorm).
#ifndef TRIVIT_LAYERNORM_HPP
#define TRIVIT_LAYERNORM_HPP

#include "../../generated/tables.hpp"
#include "activation_memory.hpp"
#include "ports.hpp"
#include "requantize.hpp"
#include "timeline.hpp"

namespace trivit {

static const int kCentredBits = 8;   // fraction bits that the mean has beyond x
static const int kRootSteps = 3072;  // table over [1, 4) in steps of 1/1024

static_assert(kPipelineDepth >= kBanks, "a round has a cycle for each row's mean and root");
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

// Rows of the groups in flight and what is known about them. The results of a group leave its
// buffer in the iteration that fills it with the rows of the fourth group behind: the read comes
// first.
static const int kLayernormRows = 4;    // row buffers
static const int kLayernormStages = 5;  // sums, means, squares, roots, results

struct LayernormMemory {
    word_t row[kLayernormRows][kBanks][kMaxDepthWords];
    int64_t sum[2][kBanks];     // of two groups: one grows, one is read
    uint64_t power[2][kBanks];  // likewise
    int64_t mean[kLayernormRows][kBanks];
    int64_t gain[2][kBanks];
    uint32_t halvings[2][kBanks];
};

// Gamma and beta: one pair in use, one that the parameter stream fills.
struct VectorMemory {
    word_t gamma[2][kMaxDepthWords];
    word_t beta[2][kMaxDepthWords];
    uint32_t buffer;  // that the next layernorm uses
};

inline void layernorm_mean(const LayernormFields& f, uint32_t row, uint32_t group,
                           LayernormMemory& memory) {
#pragma HLS INLINE
    memory.mean[group % kLayernormRows][row] =
        (memory.sum[group % 2][row] * int64_t(f.inv_width) + (1 << 23)) >> 24;
}

inline void layernorm_root(const LayernormFields& f, uint32_t row, uint32_t group,
                           LayernormMemory& memory) {
#pragma HLS INLINE
    const uint64_t power = memory.power[group % 2][row];
    const InverseRoot inverse = inverse_root(power == 0 ? 1 : power);
    memory.gain[group % 2][row] =
        round_half_even(int64_t(inverse.root) * int64_t(f.sqrt_width), make_rounding(18));
    memory.halvings[group % 2][row] = inverse.halvings;
}

inline void layernorm_sum(const word_t& x, uint32_t row, uint32_t word, uint32_t group,
                          LayernormMemory& memory) {
#pragma HLS INLINE
    int64_t word_sum = 0;  // apart from the row's, so that only one addition recurs
    for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        word_sum += x.lane[lane];
    }
    memory.row[group % kLayernormRows][row][word] = x;
    memory.sum[group % 2][row] = (word == 0 ? 0 : memory.sum[group % 2][row]) + word_sum;
}

inline void layernorm_power(const LayernormFields& f, uint32_t row, uint32_t word, uint32_t group,
                            LayernormMemory& memory) {
#pragma HLS INLINE
    const int64_t mean = memory.mean[group % kLayernormRows][row];
    const word_t x = memory.row[group % kLayernormRows][row][word];
    uint64_t word_power = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        const int64_t centred = int64_t(x.lane[lane]) * (1 << kCentredBits) - mean;
        word_power += uint64_t(centred * centred);
    }
    memory.power[group % 2][row] =
        (word == 0 ? f.epsilon : memory.power[group % 2][row]) + word_power;
}

inline word_t layernorm_result(const LayernormFields& f, const word_t& gamma, const word_t& beta,
                               uint32_t row, uint32_t word, uint32_t group,
                               const Rounding& rounding, const LayernormMemory& memory,
                               uint32_t& changed) {
#pragma HLS INLINE
    const int64_t mean = memory.mean[group % kLayernormRows][row];
    const int64_t gain = memory.gain[group % 2][row];
    const Rounding scale = make_rounding(int32_t(memory.halvings[group % 2][row]) + 2);
    const word_t x = memory.row[group % kLayernormRows][row][word];
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

// The parameter stream's part: gamma over port 0 and beta over port 1.
template <class ParamPorts>
uint32_t load_vectors(const LayernormFields& f, ParamPorts& params, VectorMemory& vectors,
                      Timeline& timeline) {
#pragma HLS INLINE
    const uint32_t buffer = vectors.buffer & 1;
    vectors.buffer = buffer ^ 1;
    timeline.await_vector_buffer();
    for (uint32_t first = 0; first < f.words; first += kBurstWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 2
#pragma HLS DATAFLOW
        word_t chunk[kParamPorts][kBurstWords];
#pragma HLS BIND_STORAGE variable = chunk type = ram_2p impl = lutram
        const uint32_t size = minimum(f.words - first, kBurstWords);
        const uint64_t offset[kParamPorts] = {uint64_t(f.gamma) + first, uint64_t(f.beta) + first,
                                              0, 0};
        const uint32_t count[kParamPorts] = {size, size, 0, 0};
        params.read(offset, count, chunk);
        for (uint32_t i = 0; i < size; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
#pragma HLS PIPELINE II = 1
            vectors.gamma[buffer][first + i] = chunk[0][i];
            vectors.beta[buffer][first + i] = chunk[1][i];
        }
    }
    timeline.bring(f.words);
    return buffer;
}

// Round t sums group t, takes the means of group t - 1, squares group t - 2, takes the roots of
// group t - 3 and writes group t - 4, all eight rows at once; port A reads, port B writes. A round
// is at least as long as the scalar stages' latency, so that each is done when the next round needs
// it. In place is allowed: a group is written after it was read.
template <class ParamPorts>
void layernorm(const LayernormFields& f, ParamPorts& params, VectorMemory& vectors,
               LayernormMemory& memory, ActivationMemory& activation, Timeline& timeline,
               uint64_t& saturated) {
#pragma HLS INLINE
    const uint32_t buffer = load_vectors(f, params, vectors, timeline);
    timeline.begin();
    const uint32_t groups = row_groups(f.rows);
    const Rounding rounding = make_rounding(f.out_shift);
    const uint32_t length = f.words > uint32_t(kPipelineDepth) ? f.words : kPipelineDepth;
    LoopCounter loop;
    for (uint32_t round = 0; round < groups + kLayernormStages - 1; ++round) {
#pragma HLS LOOP_TRIPCOUNT min = 5 max = 30
        for (uint32_t word = 0; word < length; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 24 max = 384
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
// A group is read four rounds before it is written.
#pragma HLS DEPENDENCE variable = activation.bank inter false
#pragma HLS DEPENDENCE variable = memory.row inter false  // a word is read again two rounds later
            const bool inside = word < f.words;
            uint32_t changed = 0;
            for (uint32_t row = 0; row < uint32_t(kBanks); ++row) {
#pragma HLS UNROLL
                if (inside && round >= 4 && (round - 4) * kBanks + row < f.rows) {
                    activation.bank[row][f.dst + (round - 4) * f.words + word] =
                        layernorm_result(f, vectors.gamma[buffer][word], vectors.beta[buffer][word],
                                         row, word, round - 4, rounding, memory, changed);
                }
                if (inside && round >= 2 && round - 2 < groups) {
                    layernorm_power(f, row, word, round - 2, memory);
                }
                if (inside && round < groups) {
                    layernorm_sum(activation.bank[row][f.src + round * f.words + word], row, word,
                                  round, memory);
                }
            }
            // One unit for all rows, one row per cycle.
            if (word < uint32_t(kBanks)) {
                if (round >= 3 && round - 3 < groups) layernorm_root(f, word, round - 3, memory);
                if (round >= 1 && round - 1 < groups) layernorm_mean(f, word, round - 1, memory);
            }
            saturated += changed;
            loop.tick();
        }
    }
    timeline.run(loop.cycles());
    timeline.end_vector_buffer();
}

}  // namespace trivit

#endif
