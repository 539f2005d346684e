// Complete check of a descriptor before it runs (docs/numerics.md, Checks). Sums and products of
// fields are 64 bits wide, so no field value can make a check overflow.
#ifndef TRIVIT_CHECKS_HPP
#define TRIVIT_CHECKS_HPP

#include "types.hpp"

namespace trivit {

static const uint32_t kMaxSide = 4096;  // channels, height, width and patch of an image
static const uint32_t kMaxGeluInFrac = 15;
static const uint32_t kMaxFrac = 24;
static const uint32_t kMaxProbFrac = 15;
static const uint32_t kMaxExpShift = 40;
static const uint32_t kMinExpMultiplier = 1u << 23;
static const uint32_t kMaxSqrtWidth = 1u << 22;
static const uint64_t kMaxEpsilon = uint64_t(1) << 56;

// Words of each DDR region that a program may touch.
struct Regions {
    uint32_t params;
    uint32_t input;   // per image
    uint32_t output;  // per image
};

inline bool in_range(uint32_t value, uint32_t low, uint32_t high) {
    return value >= low && value <= high;
}

inline bool rows_fit(uint32_t rows) { return in_range(rows, 1, kMaxTokens); }

inline bool words_fit(uint32_t words) { return in_range(words, 1, kMaxDepthWords); }

// rows and words have been checked.
inline bool tensor_fits(uint32_t address, uint32_t rows, uint32_t words) {
    return uint64_t(address) + uint64_t(row_groups(rows)) * words <= uint64_t(kActivationDepth);
}

inline bool region_fits(uint32_t first, uint64_t count, uint32_t size) {
    return first + count <= size;
}

inline bool shift_fits(int32_t shift) { return shift >= kMinShift && shift <= kMaxShift; }

inline bool align_fits(uint32_t shift) { return shift <= uint32_t(kMaxAlignShift); }

inline uint32_t mask_row_words(uint32_t keys) { return ceil_div(ceil_div(keys, 16), 8); }

inline Error check(const LoadFields& f, const Regions& regions) {
    if (!rows_fit(f.rows) || !words_fit(f.words)) return Error::size_limit;
    if (f.has_statistics && f.rows != 1) return Error::size_limit;
    if (!tensor_fits(f.dst, f.rows, f.words)) return Error::activation_address;
    if (!region_fits(f.source, f.rows * f.words, regions.params)) return Error::memory_address;
    return Error::ok;
}

inline Error check(const StoreFields& f, const Regions& regions) {
    if (!rows_fit(f.rows) || !words_fit(f.words)) return Error::size_limit;
    if (!tensor_fits(f.src, f.rows, f.words)) return Error::activation_address;
    if (!region_fits(f.target, f.rows * f.words, regions.output)) return Error::memory_address;
    return Error::ok;
}

inline Error check(const PatchifyFields& f, const Regions& regions) {
    const bool sides = in_range(f.channels, 1, kMaxSide) && in_range(f.height, 1, kMaxSide) &&
                       in_range(f.width, 1, kMaxSide) && in_range(f.patch, 1, kMaxSide);
    if (!sides || f.height % f.patch != 0 || f.width % f.patch != 0) return Error::size_limit;
    const uint32_t rows = 1 + (f.height / f.patch) * (f.width / f.patch);
    const uint64_t words = (uint64_t(f.channels) * f.patch * f.patch + 7) / 8;
    if (rows > uint32_t(kMaxTokens) || words > uint64_t(kMaxDepthWords)) return Error::size_limit;
    if (!tensor_fits(f.dst, rows, uint32_t(words))) return Error::activation_address;
    const uint64_t image = (uint64_t(f.channels) * f.height * f.width + 7) / 8;
    if (!region_fits(f.source, image, regions.input)) return Error::memory_address;
    return Error::ok;
}

// The constants of normalisation are checked whether or not it is asked for.
inline bool normalisation_fits(const MatmulFields& f) {
    const uint64_t width = 8 * uint64_t(f.depth_words);
    return align_fits(f.beta_shift) && shift_fits(f.norm_shift) &&
           f.inv_width * width <= (uint64_t(1) << 32) + width && f.sqrt_width <= kMaxSqrtWidth &&
           f.epsilon <= kMaxEpsilon;
}

inline Error check(const MatmulFields& f, const Regions& regions) {
    if (!rows_fit(f.rows) || !words_fit(f.depth_words) || !words_fit(f.out_words) ||
        (f.has_compact && !in_range(f.kept, 1, f.rows))) {
        return Error::size_limit;
    }
    const uint32_t written = f.has_compact ? f.kept : f.rows;
    if (!tensor_fits(f.dst, written, f.out_words) || !tensor_fits(f.src, f.rows, f.depth_words) ||
        (f.has_residual && !tensor_fits(f.residual, f.rows, f.out_words)) ||
        (f.has_compact && !tensor_fits(f.index, 1, ceil_div(f.kept, 8)))) {
        return Error::activation_address;
    }
    const uint64_t tiles = ceil_div(f.out_words, kTileOutputs / kTileDepth);
    const uint64_t tile_words = uint64_t(f.depth_words) * kTileOutputs + kTileOutputs / kTileDepth;
    if (!region_fits(f.weight, tiles * tile_words, regions.params) ||
        (f.has_normalise && (!region_fits(f.gamma, f.depth_words, regions.params) ||
                             !region_fits(f.beta, f.depth_words, regions.params)))) {
        return Error::memory_address;
    }
    if (!align_fits(f.bias_shift) || !align_fits(f.residual_shift) || !shift_fits(f.out_shift) ||
        f.gelu_in_frac > kMaxGeluInFrac || f.gelu_out_frac > kMaxFrac || !normalisation_fits(f)) {
        return Error::shift_range;
    }
    return Error::ok;
}

inline Error check(const AttentionFields& f, const Regions& regions) {
    if (!rows_fit(f.tokens) || !in_range(f.heads, 1, kMaxHeads) ||
        !in_range(f.head_words, 1, kMaxHeadWords) ||
        3 * f.heads * f.head_words > uint32_t(kMaxDepthWords) ||
        ((f.has_mask || f.has_score_all) && f.tokens > uint32_t(kMaxConnectionTokens))) {
        return Error::size_limit;
    }
    const uint32_t width = f.heads * f.head_words;
    if (!tensor_fits(f.dst, f.tokens, width) || !tensor_fits(f.src, f.tokens, 3 * width) ||
        (f.has_mask && !tensor_fits(f.mask, f.tokens, mask_row_words(f.tokens)))) {
        return Error::activation_address;
    }
    const uint64_t bias_rows = uint64_t(f.heads) * f.tokens;
    if (f.has_bias && !region_fits(f.bias, bias_rows * ceil_div(f.tokens, 8), regions.params)) {
        return Error::memory_address;
    }
    if (!shift_fits(f.score_shift) || !shift_fits(f.out_shift) || !align_fits(f.bias_shift) ||
        !in_range(f.exp_multiplier, kMinExpMultiplier, 2 * kMinExpMultiplier - 1) ||
        f.exp_shift > kMaxExpShift || f.prob_frac > kMaxProbFrac) {
        return Error::shift_range;
    }
    return Error::ok;
}

inline Error check(const SelectTokensFields& f, const Regions&) {
    if (!in_range(f.tokens, 2, kMaxTokens) || !in_range(f.keep, 1, f.tokens - 1)) {
        return Error::size_limit;
    }
    if (!tensor_fits(f.dst, 1, ceil_div(1 + f.keep, 8))) return Error::activation_address;
    return Error::ok;
}

inline Error check(const SelectConnectionsFields& f, const Regions&) {
    if (!in_range(f.tokens, 2, kMaxConnectionTokens) || !in_range(f.rows, 2, f.tokens) ||
        !in_range(f.keep, 1, f.rows - 1)) {
        return Error::size_limit;
    }
    if (!tensor_fits(f.dst, f.rows, mask_row_words(f.rows)) ||
        !tensor_fits(f.index, 1, ceil_div(f.rows, 8))) {
        return Error::activation_address;
    }
    return Error::ok;
}

// Flag bits that an opcode lacks.
inline bool flags_known(uint32_t head, uint32_t known) { return ((head >> 8) & ~known) == 0; }

}  // namespace trivit

#endif
