// Rounding and lanes at the widths that a block needs (docs/numerics.md, Tensors and rounding).
#ifndef TRIVIT_BLOCKS_ARITHMETIC_HPP
#define TRIVIT_BLOCKS_ARITHMETIC_HPP

#include <ap_int.h>

namespace trivit {
namespace blocks {

// value * 2^-shift to the nearest integer, ties to even; the shift is below 2^kShiftBits.
template <int kBits, int kShiftBits>
ap_int<kBits + 1> round_half_even(const ap_int<kBits>& value, const ap_uint<kShiftBits>& shift) {
#pragma HLS INLINE
    static_assert((1 << kShiftBits) <= 2 * kBits, "a wider shift only moves zeros");
    const ap_int<kBits + 1> twice = value;
    const ap_int<kBits + 1> shifted = (twice << 1) >> shift;  // floor, and below it the half
    const ap_uint<kBits> one = 1;
    const ap_uint<kBits> below_half = ((one << shift) >> 1) - one;
    const bool sticky = (ap_uint<kBits>(value) & below_half) != 0;
    const bool half = shifted[0] && shift != 0;
    const bool up = half && (sticky || shifted[1]);
    const ap_int<kBits + 1> floor = shifted >> 1;
    return floor + ap_int<2>(up ? 1 : 0);
}

// The value clamped to int16; `saturated` when the clamp changed it.
template <int kBits>
ap_int<16> clamp_int16(const ap_int<kBits>& value, bool& saturated) {
#pragma HLS INLINE
    const bool high = value > 32767;
    const bool low = value < -32768;
    saturated = high || low;
    return high ? ap_int<16>(32767) : low ? ap_int<16>(-32768) : ap_int<16>(value);
}

template <int kBits>
ap_int<16> lane16(const ap_uint<kBits>& word, int lane) {
#pragma HLS INLINE
    return ap_int<16>(word.range(16 * lane + 15, 16 * lane));
}

// The largest magnitude of the int16 in a word: 0 to 32768.
template <int kBits>
ap_uint<16> largest_magnitude(const ap_uint<kBits>& word) {
#pragma HLS INLINE
    const int kCount = kBits / 16;
    static_assert((kCount & (kCount - 1)) == 0, "a tree of halves");
    ap_uint<16> largest[kCount];
#pragma HLS ARRAY_PARTITION variable = largest complete
    for (int lane = 0; lane < kCount; ++lane) {
#pragma HLS UNROLL
        const ap_int<16> value = lane16(word, lane);
        largest[lane] = value < 0 ? ap_uint<16>(-value) : ap_uint<16>(value);
    }
    for (int half = kCount / 2; half >= 1; half /= 2) {
#pragma HLS UNROLL
        for (int lane = 0; lane < half; ++lane) {
#pragma HLS UNROLL
            if (largest[lane + half] > largest[lane]) largest[lane] = largest[lane + half];
        }
    }
    return largest[0];
}

// A product made of LUTs: DSP blocks are what this device has least of.
template <int kFirst, int kSecond>
ap_int<kFirst + kSecond> fabric_product(const ap_int<kFirst>& a, const ap_int<kSecond>& b) {
#pragma HLS INLINE
    const ap_int<kFirst + kSecond> product = a * b;
#pragma HLS BIND_OP variable = product op = mul impl = fabric
    return product;
}

inline ap_uint<16> larger(const ap_uint<16>& a, const ap_uint<16>& b) {
#pragma HLS INLINE
    return a > b ? a : b;
}

template <int kLanes>
ap_uint<6> count_ones(const bool (&flags)[kLanes]) {
#pragma HLS INLINE
    static_assert(kLanes < 64, "the count fits six bits");
    ap_uint<6> count = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        count += flags[lane] ? 1 : 0;
    }
    return count;
}

}  // namespace blocks
}  // namespace trivit

#endif
