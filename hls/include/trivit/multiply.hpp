// Products of factors whose widths are known (docs/resources.md): what a multiplier costs is
// decided by its factors, and the types that are quick on a processor are wider than the values.
#ifndef TRIVIT_MULTIPLY_HPP
#define TRIVIT_MULTIPLY_HPP

#include <cstdlib>

#include "types.hpp"

namespace trivit {

template <int kBits>
bool fits(int64_t value) {
    return value >= -(int64_t(1) << (kBits - 1)) && value < (int64_t(1) << (kBits - 1));
}

// a of kA bits times b of kB bits, signs included. The benches that run the array in the hardware's
// order also check the widths.
template <int kA, int kB>
int64_t multiply(int64_t a, int64_t b) {
    static_assert(kA + kB <= 64, "the product is exact in 64 bits");
#ifdef __SYNTHESIS__
    return int64_t(ap_int<kA>(a) * ap_int<kB>(b));
#else
#if TRIVIT_ARRAY_AS_HARDWARE
    if (!fits<kA>(a) || !fits<kB>(b)) std::abort();
#endif
    return a * b;
#endif
}

// Sizes and addresses on the chip: rows, groups or tiles times words. One multiplier block.
inline uint32_t size_product(uint32_t a, uint32_t b) { return uint32_t(multiply<14, 14>(a, b)); }

static_assert(kMaxDepthWords * kLanes + 1 < (1 << 13), "beats of a tile are a size");
static_assert(4 * kMaxTokens < (1 << 13), "and so are four times the rows, or less");

}  // namespace trivit

#endif
