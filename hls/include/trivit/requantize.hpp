// Round half to even, saturate to int16, count saturations (docs/numerics.md, Tensors and
// rounding).
#ifndef TRIVIT_REQUANTIZE_HPP
#define TRIVIT_REQUANTIZE_HPP

#include <cstring>

#include "types.hpp"

namespace trivit {

// A shift prepared once per instruction, so that each lane only shifts and adds.
struct Rounding {
    uint32_t left;
    uint32_t right;
    int64_t below_half;  // 2^(right-1) - 1: with the kept bit's parity added, ties go to even
    int64_t odd_mask;    // 0 when nothing is shifted out, so that nothing is added
#if !TRIVIT_ARRAY_AS_HARDWARE
    double scale;  // 2^-shift
#endif
};

#if !TRIVIT_ARRAY_AS_HARDWARE
// 2^exponent from its bits.
inline double power_of_two(int32_t exponent) {
    const int64_t bits = int64_t(1023 + exponent) << 52;
    double power;
    std::memcpy(&power, &bits, sizeof(power));
    return power;
}
#endif

// shift: -16..62; positive shifts right.
inline Rounding make_rounding(int32_t shift) {
    Rounding rounding;
    rounding.left = shift < 0 ? uint32_t(-shift) : 0;
    rounding.right = shift > 0 ? uint32_t(shift) : 0;
    rounding.below_half = shift > 0 ? (int64_t(1) << (shift - 1)) - 1 : 0;
    rounding.odd_mask = shift > 0 ? 1 : 0;
#if !TRIVIT_ARRAY_AS_HARDWARE
    rounding.scale = power_of_two(-shift);
#endif
    return rounding;
}

// Left shift that is defined for negative values.
inline int64_t shift_left(int64_t value, uint32_t shift) {
    return int64_t(uint64_t(value) << shift);
}

// The value times 2^-shift, to the nearest integer, ties to even. Exact as long as the shifted
// value and half a step above it fit 64 bits, which the limits of docs/numerics.md guarantee.
inline int64_t round_half_even(int64_t value, const Rounding& rounding) {
    const int64_t odd = (value >> rounding.right) & rounding.odd_mask;
    return (shift_left(value, rounding.left) + rounding.below_half + odd) >> rounding.right;
}

inline int64_t clamp(int64_t value, int64_t low, int64_t high) {
    return value < low ? low : value > high ? high : value;
}

struct Quantized {
    int16_t value;
    uint32_t saturated;  // 1 when the clamp changed the value
};

inline Quantized clamp_int16(int64_t value) {
    const int64_t low = value < -32768 ? -32768 : value;
    const int64_t clamped = low > 32767 ? 32767 : low;
    Quantized result;
    result.value = int16_t(clamped);
    result.saturated = clamped != value ? 1 : 0;
    return result;
}

inline Quantized requantize(int64_t value, const Rounding& rounding) {
    return clamp_int16(round_half_even(value, rounding));
}

}  // namespace trivit

#endif
