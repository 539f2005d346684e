// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
#ifndef TRIVIT_GENERATED_CHECKS_HPP
#define TRIVIT_GENERATED_CHECKS_HPP

// Included by trivit/checks.hpp, which has what these are made of.
#include "kernel_spec.hpp"

namespace trivit {

inline Error check(const LoadFields& f, const Regions& regions) {
    if (!in_range(int64_t(f.rows), 1, f.has_statistics ? 1 : kMaxTokens)) return Error::size_limit;
    if (!in_range(int64_t(f.words), 1, kMaxDepthWords)) return Error::size_limit;
    if (!tensor_fits(f.dst, int64_t(f.rows), int64_t(f.words))) return Error::activation_address;
    if (!region_fits(f.source, int64_t(f.rows), int64_t(f.words), regions.params)) return Error::memory_address;
    return Error::ok;
}

inline Error check(const StoreFields& f, const Regions& regions) {
    if (!in_range(int64_t(f.rows), 1, kMaxTokens)) return Error::size_limit;
    if (!in_range(int64_t(f.words), 1, kMaxDepthWords)) return Error::size_limit;
    if (!tensor_fits(f.src, int64_t(f.rows), int64_t(f.words))) return Error::activation_address;
    if (!region_fits(f.target, int64_t(f.rows), int64_t(f.words), regions.output)) return Error::memory_address;
    return Error::ok;
}

inline Error check(const PatchifyFields& f, const Regions& regions) {
    if (!in_range(int64_t(f.channels), 1, kMaxSide)) return Error::size_limit;
    if (!in_range(int64_t(f.height), 1, kMaxSide)) return Error::size_limit;
    if (!in_range(int64_t(f.width), 1, kMaxSide)) return Error::size_limit;
    if (!in_range(int64_t(f.patch), 1, kMaxSide)) return Error::size_limit;
    if (!in_range(int64_t(f.height) % int64_t(f.patch), 0, 0)) return Error::size_limit;
    if (!in_range(int64_t(f.width) % int64_t(f.patch), 0, 0)) return Error::size_limit;
    if (!in_range(1 + ((int64_t(f.height) / int64_t(f.patch)) * (int64_t(f.width) / int64_t(f.patch))), 1, kMaxTokens)) return Error::size_limit;
    if (!in_range((((int64_t(f.channels) * int64_t(f.patch)) * int64_t(f.patch)) + 7) / 8, 1, kMaxDepthWords)) return Error::size_limit;
    if (!tensor_fits(f.dst, 1 + ((int64_t(f.height) / int64_t(f.patch)) * (int64_t(f.width) / int64_t(f.patch))), (((int64_t(f.channels) * int64_t(f.patch)) * int64_t(f.patch)) + 7) / 8)) return Error::activation_address;
    if (!region_fits(f.source, 1, (((int64_t(f.channels) * int64_t(f.height)) * int64_t(f.width)) + 7) / 8, regions.input)) return Error::memory_address;
    return Error::ok;
}

inline Error check(const MatmulFields& f, const Regions& regions) {
    if (!in_range(int64_t(f.rows), 1, kMaxTokens)) return Error::size_limit;
    if (!in_range(int64_t(f.depth_words), 1, kMaxDepthWords)) return Error::size_limit;
    if (!in_range(int64_t(f.out_words), 1, kMaxDepthWords)) return Error::size_limit;
    if (!in_range(f.has_compact ? int64_t(f.kept) : 1, 1, int64_t(f.rows))) return Error::size_limit;
    if (!tensor_fits(f.dst, f.has_compact ? int64_t(f.kept) : int64_t(f.rows), int64_t(f.out_words))) return Error::activation_address;
    if (!tensor_fits(f.src, int64_t(f.rows), int64_t(f.depth_words))) return Error::activation_address;
    if (!(!f.has_residual || tensor_fits(f.residual, int64_t(f.rows), int64_t(f.out_words)))) return Error::activation_address;
    if (!(!f.has_compact || tensor_fits(f.index, 1, (int64_t(f.kept) + 7) / 8))) return Error::activation_address;
    if (!region_fits(f.weight, (int64_t(f.out_words) + 3) / 4, (32 * int64_t(f.depth_words)) + 4, regions.params)) return Error::memory_address;
    if (!(!f.has_normalise || region_fits(f.gamma, 1, int64_t(f.depth_words), regions.params))) return Error::memory_address;
    if (!(!f.has_normalise || region_fits(f.beta, 1, int64_t(f.depth_words), regions.params))) return Error::memory_address;
    if (!in_range(int64_t(f.bias_shift), 0, kMaxAlignShift)) return Error::shift_range;
    if (!in_range(int64_t(f.residual_shift), 0, kMaxAlignShift)) return Error::shift_range;
    if (!in_range(int64_t(f.out_shift), kMinShift, kMaxShift)) return Error::shift_range;
    if (!in_range(int64_t(f.gelu_in_frac), 0, 15)) return Error::shift_range;
    if (!in_range(int64_t(f.gelu_out_frac), 0, 24)) return Error::shift_range;
    if (!in_range(int64_t(f.inv_width), 0, (4294967296 / (8 * int64_t(f.depth_words))) + 1)) return Error::shift_range;
    if (!in_range(int64_t(f.sqrt_width), 0, 4194304)) return Error::shift_range;
    if (!in_range(int64_t(f.epsilon), 0, 72057594037927936)) return Error::shift_range;
    if (!in_range(int64_t(f.beta_shift), 0, kMaxAlignShift)) return Error::shift_range;
    if (!in_range(int64_t(f.norm_shift), kMinShift, kMaxShift)) return Error::shift_range;
    return Error::ok;
}

inline Error check(const AttentionFields& f, const Regions& regions) {
    if (!in_range(int64_t(f.tokens), 1, f.has_mask ? kMaxConnectionTokens : (f.has_score_all ? kMaxConnectionTokens : kMaxTokens))) return Error::size_limit;
    if (!in_range(int64_t(f.heads), 1, kMaxHeads)) return Error::size_limit;
    if (!in_range(int64_t(f.head_words), 1, kMaxHeadWords)) return Error::size_limit;
    if (!in_range((3 * int64_t(f.heads)) * int64_t(f.head_words), 1, kMaxDepthWords)) return Error::size_limit;
    if (!tensor_fits(f.dst, int64_t(f.tokens), int64_t(f.heads) * int64_t(f.head_words))) return Error::activation_address;
    if (!tensor_fits(f.src, int64_t(f.tokens), (3 * int64_t(f.heads)) * int64_t(f.head_words))) return Error::activation_address;
    if (!(!f.has_mask || tensor_fits(f.mask, int64_t(f.tokens), (int64_t(f.tokens) + 127) / 128))) return Error::activation_address;
    if (!(!f.has_bias || region_fits(f.bias, int64_t(f.heads) * int64_t(f.tokens), (int64_t(f.tokens) + 7) / 8, regions.params))) return Error::memory_address;
    if (!in_range(int64_t(f.score_shift), kMinShift, kMaxShift)) return Error::shift_range;
    if (!in_range(int64_t(f.exp_multiplier), 8388608, 16777215)) return Error::shift_range;
    if (!in_range(int64_t(f.exp_shift), 0, 40)) return Error::shift_range;
    if (!in_range(int64_t(f.prob_frac), 0, 15)) return Error::shift_range;
    if (!in_range(int64_t(f.out_shift), kMinShift, kMaxShift)) return Error::shift_range;
    if (!in_range(int64_t(f.bias_shift), 0, kMaxAlignShift)) return Error::shift_range;
    return Error::ok;
}

inline Error check(const SelectTokensFields& f, const Regions& regions) {
    if (!in_range(int64_t(f.tokens), 2, kMaxTokens)) return Error::size_limit;
    if (!in_range(int64_t(f.keep), 1, int64_t(f.tokens) - 1)) return Error::size_limit;
    if (!tensor_fits(f.dst, 1, (int64_t(f.keep) + 8) / 8)) return Error::activation_address;
    (void)regions;
    return Error::ok;
}

inline Error check(const SelectConnectionsFields& f, const Regions& regions) {
    if (!in_range(int64_t(f.tokens), 2, kMaxConnectionTokens)) return Error::size_limit;
    if (!in_range(int64_t(f.rows), 2, int64_t(f.tokens))) return Error::size_limit;
    if (!in_range(int64_t(f.keep), 1, int64_t(f.rows) - 1)) return Error::size_limit;
    if (!tensor_fits(f.dst, int64_t(f.rows), (int64_t(f.rows) + 127) / 128)) return Error::activation_address;
    if (!tensor_fits(f.index, 1, (int64_t(f.rows) + 7) / 8)) return Error::activation_address;
    (void)regions;
    return Error::ok;
}

}  // namespace trivit

#endif
