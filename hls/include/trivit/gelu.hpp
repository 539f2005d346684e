// GELU by table and linear interpolation (docs/numerics.md, GELU).
#ifndef TRIVIT_GELU_HPP
#define TRIVIT_GELU_HPP

#include "../../generated/tables.hpp"
#include "lanes.hpp"

namespace trivit {

static const int kGeluInFrac = 15;   // fraction bits of |x| before the table
static const int kGeluFrac = 28;     // fraction bits of the sum before rounding
static const int kGeluStepBits = 8;  // table step: 2^-7
static const int kGeluSteps = 1024;  // the table ends at |x| = 8, where D(x) is below 2^-49

static_assert(sizeof(kGeluTable) / sizeof(kGeluTable[0]) == kGeluSteps + 1,
              "the table covers 0..8 in steps of 1/128, both ends included");

struct GeluFormat {
    uint32_t in_shift;  // brings |x| to 15 fraction bits
    Alignment value;    // brings x to 28 fraction bits
    Rounding rounding;
};

inline GeluFormat make_gelu_format(uint32_t in_frac, uint32_t out_frac) {
    GeluFormat format;
    format.in_shift = kGeluInFrac - in_frac;
    format.value = make_alignment(kGeluFrac - in_frac);
    format.rounding = make_rounding(kGeluFrac - int32_t(out_frac));
    return format;
}

// At 28 fraction bits.
TRIVIT_INLINE Exact gelu(Int x, const GeluFormat& format) {
    const Int magnitude = (x < 0 ? -x : x) << format.in_shift;
    const Int index = magnitude >> kGeluStepBits;
    const Int remainder = magnitude & ((1 << kGeluStepBits) - 1);
    const Int zero = Int();
    const Int safe = index < kGeluSteps ? index : zero;
    const Int here = lookup(kGeluTable, safe);
    const Int next = lookup(kGeluTable, safe + 1);
    const Int slope = short_product<15, 9>(next - here, remainder);
    const Int delta = index < kGeluSteps ? (here << kGeluStepBits) + slope : zero;
    const Int positive = x > 0 ? x : zero;
    return align(positive, format.value) - widen(delta);
}

}  // namespace trivit

#endif
