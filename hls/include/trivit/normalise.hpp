// Layer normalisation of rows on their way to the array (docs/numerics.md, normalise).
#ifndef TRIVIT_NORMALISE_HPP
#define TRIVIT_NORMALISE_HPP

#include "../../generated/tables.hpp"
#include "activation_memory.hpp"
#include "lanes.hpp"
#include "ports.hpp"
#include "row_statistics.hpp"

namespace trivit {

static const int kCentredBits = 8;   // fraction bits that the mean has beyond x
static const int kRootSteps = 3072;  // table over [1, 4) in steps of 1/1024
static const int32_t kMeanLimit = 1 << 23;
static const int32_t kNormalLimit = 1 << 26;

static_assert(sizeof(kRsqrtTable) / sizeof(kRsqrtTable[0]) == kRootSteps + 1,
              "the table covers 1..4, both ends included");

// What a row's elements are normalised with: centred on mean, times gain * 2^-(halvings + 2).
struct RowScale {
    int32_t mean;       // at 8 fraction bits beyond x
    int32_t gain;       // at 22 fraction bits
    uint32_t halvings;  // of the root's argument
};

// Row r's scale lies in bank r mod 8; scales are kept for all tiles.
struct NormaliseMemory {
    word_t gamma[kMaxDepthWords];
    word_t beta[kMaxDepthWords];
    RowScale scale[kBanks][kMaxGroups];
};

// Of one instruction: how the result is rounded.
struct NormaliseFormat {
    Alignment beta;
    Rounding rounding;
};

// 1/sqrt(power) = root * 2^-24 * 2^-halvings.
struct InverseRoot {
    int32_t root;
    uint32_t halvings;
};

// power: 1..2^62.
inline InverseRoot inverse_root(uint64_t power) {
    uint32_t log2 = 0;
    for (int bit = 0; bit < 64; ++bit) {
        if ((power >> bit) & 1) log2 = bit;
    }
    InverseRoot result;
    result.halvings = log2 / 2;
    const uint32_t u = uint32_t((power << (62 - 2 * result.halvings)) >> 40) - (1u << 22);
    const uint32_t index = u >> 12;
    const int64_t here = kRsqrtTable[index];
    const int64_t next = kRsqrtTable[index + 1];
    result.root = int32_t(((here << 12) - multiply<15, 13>(here - next, u & 4095)) >> 12);
    return result;
}

// A row's scale from its statistics. Sums are exact integers, so nothing cancels:
// sum of (256 x - mean)^2 = 2^16 squares + mean (C mean - 2^9 sum).
inline RowScale scale_row(const MatmulFields& f, int32_t sum, int64_t squares) {
    const int64_t width = int64_t(f.depth_words) * kLanes;
    const int64_t mean =
        clamp((multiply<28, 31>(sum, f.inv_width) + (1 << 23)) >> 24, -kMeanLimit, kMeanLimit);
    const int64_t slope = multiply<13, 25>(width, mean) - int64_t(sum) * 512;
    const int64_t power = squares * 65536 + multiply<25, 38>(mean, slope) + int64_t(f.epsilon);
    const InverseRoot inverse = inverse_root(power < 1 ? 1 : uint64_t(power));
    RowScale scale;
    scale.mean = int32_t(mean);
    scale.gain =
        int32_t(round_half_even(multiply<26, 24>(inverse.root, f.sqrt_width), make_rounding(18)));
    scale.halvings = inverse.halvings;
    return scale;
}

// The scales of all rows.
inline void scale_rows(const MatmulFields& f, const RowStatistics& statistics,
                       NormaliseMemory& memory) {
    for (uint32_t row = 0; row < f.rows; ++row) {
        const uint32_t bank = row % kBanks;
        const uint32_t group = row / kBanks;
        memory.scale[bank][group] =
            scale_row(f, statistics.sum[bank][group], statistics.squares[bank][group]);
    }
}

// A word of a row, normalised. Counts what saturates.
inline word_t normalise_word(const word_t& x, const RowScale& scale, const word_t& gamma,
                             const word_t& beta, const NormaliseFormat& format, uint32_t& changed) {
    const Rounding halving = make_rounding(int32_t(scale.halvings) + 2);
    uint32_t saturated = 0;
    word_t result;
    for (int lane = 0; lane < kLanes; lane += kWidth) {
        const Int centred = load(&x.lane[lane]) * (1 << kCentredBits) - scale.mean;
        const Exact normal =
            round_and_clamp(scaled<25, 30>(centred, scale.gain), halving, kNormalLimit);
        const Exact y = product<27, 16>(normal, load(&gamma.lane[lane])) +
                        align(load(&beta.lane[lane]), format.beta);
        saturated |= requantize(y, format.rounding, &result.lane[lane]) << lane;
    }
    changed += count_lanes(saturated);
    return result;
}

// Gamma over port 0 and beta over port 1.
template <class ParamPorts>
void load_vectors(const MatmulFields& f, ParamPorts& params, NormaliseMemory& memory) {
    for (uint32_t first = 0; first < f.depth_words; first += kBurstWords) {
        word_t chunk[kParamPorts][kBurstWords];
        const uint32_t size = minimum(f.depth_words - first, kBurstWords);
        const uint64_t offset[kParamPorts] = {uint64_t(f.gamma) + first, uint64_t(f.beta) + first,
                                              0, 0};
        const uint32_t count[kParamPorts] = {size, size, 0, 0};
        params.read(offset, count, chunk);
        for (uint32_t i = 0; i < size; ++i) {
            memory.gamma[first + i] = chunk[0][i];
            memory.beta[first + i] = chunk[1][i];
        }
    }
}

#if !TRIVIT_ARRAY_AS_HARDWARE

// All rows are normalised once for an instruction and kept here, a group after the other.
struct NormalisedRows {
    word_t bank[kBanks][kMaxGroups * kMaxDepthWords];
};

inline NormalisedRows& normalised_rows() {
    static NormalisedRows rows;
    return rows;
}

inline void normalise_rows(const MatmulFields& f, const NormaliseFormat& format,
                           const NormaliseMemory& memory, const ActivationMemory& activation,
                           uint64_t& saturated) {
    NormalisedRows& rows = normalised_rows();
    for (uint32_t row = 0; row < f.rows; ++row) {
        const uint32_t group = row / kBanks;
        const word_t* source = &activation.bank[row % kBanks][f.src + group * f.depth_words];
        word_t* target = &rows.bank[row % kBanks][group * f.depth_words];
        const RowScale scale = memory.scale[row % kBanks][group];
        uint32_t changed = 0;
        for (uint32_t k = 0; k < f.depth_words; ++k)
            target[k] =
                normalise_word(source[k], scale, memory.gamma[k], memory.beta[k], format, changed);
        saturated += changed;
    }
}

#endif

}  // namespace trivit

#endif
