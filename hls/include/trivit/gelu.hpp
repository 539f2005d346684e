// GELU by table and linear interpolation (docs/numerics.md, GELU).
#ifndef TRIVIT_GELU_HPP
#define TRIVIT_GELU_HPP

#include "../../generated/tables.hpp"
#include "multiply.hpp"
#include "requantize.hpp"

namespace trivit {

static const int kGeluInFrac = 15;   // fraction bits of |x| before the table
static const int kGeluFrac = 28;     // fraction bits of the sum before rounding
static const int kGeluStepBits = 8;  // table step: 2^-7
static const int kGeluSteps = 1024;  // the table ends at |x| = 8, where D(x) is below 2^-49

static_assert(sizeof(kGeluTable) / sizeof(kGeluTable[0]) == kGeluSteps + 1,
              "the table covers 0..8 in steps of 1/128, both ends included");

struct GeluFormat {
    uint32_t in_shift;     // brings |x| to 15 fraction bits
    uint32_t value_shift;  // brings x to 28 fraction bits
    Rounding rounding;
};

inline GeluFormat make_gelu_format(uint32_t in_frac, uint32_t out_frac) {
    GeluFormat format;
    format.in_shift = kGeluInFrac - in_frac;
    format.value_shift = kGeluFrac - in_frac;
    format.rounding = make_rounding(kGeluFrac - int32_t(out_frac));
    return format;
}

// One lane. Not inlined in hardware: every instance then owns a copy of the table, and the two
// reads (i and i + 1) use its two ports, so that 64 lanes run at II=1.
inline Quantized gelu(int16_t x, const GeluFormat& format) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II = 1
    const uint32_t magnitude = uint32_t(x < 0 ? -int32_t(x) : int32_t(x)) << format.in_shift;
    const uint32_t index = magnitude >> kGeluStepBits;
    const int32_t remainder = int32_t(magnitude & ((1 << kGeluStepBits) - 1));
    const bool inside = index < uint32_t(kGeluSteps);
    const uint32_t safe = inside ? index : 0;
    const int32_t here = kGeluTable[safe];
    const int32_t next = kGeluTable[safe + 1];
    const int32_t slope = int32_t(multiply<15, 9>(next - here, remainder));
    const int32_t delta = inside ? (here << kGeluStepBits) + slope : 0;
    const int64_t positive = int64_t(x > 0 ? x : 0) << format.value_shift;
    return requantize(positive - delta, format.rounding);
}

}  // namespace trivit

#endif
