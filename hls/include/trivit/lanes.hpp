// Arithmetic between array and memory on some lanes of a word at once (vectors.hpp): exact values,
// rounded once (docs/numerics.md, Tensors and rounding). A word is a loop over its lanes in steps
// of kWidth: eight lanes side by side in hardware, a vector or some on a processor.
#ifndef TRIVIT_LANES_HPP
#define TRIVIT_LANES_HPP

#include "multiply.hpp"
#include "requantize.hpp"
#include "vectors.hpp"

namespace trivit {

typedef Vectors::Int Int;
typedef Vectors::Exact Exact;
static const int kWidth = Vectors::kWidth;

static_assert(kLanes % kWidth == 0, "a word is whole vectors");

// A left shift prepared once per instruction.
struct Alignment {
    uint32_t shift;
#if !TRIVIT_ARRAY_AS_HARDWARE
    double power;
#endif
};

#if TRIVIT_ARRAY_AS_HARDWARE

inline Int load(const int16_t* x) { return *x; }
inline Int load(const int32_t* x) { return *x; }
inline Exact load(const acc_t* x) { return int64_t(*x); }
inline void store(Int x, int32_t* result) { *result = x; }

template <int kEntries>
Int lookup(const int32_t (&table)[kEntries], Int index) {
    return table[index];
}

// All bits of the lanes whose bit of `lanes` is set.
inline Int lane_mask(uint32_t lanes) { return -int32_t(lanes & 1); }

// Shift: 0..30.
inline Alignment make_alignment(uint32_t shift) {
    Alignment alignment;
    alignment.shift = shift;
    return alignment;
}

inline Exact align(Int x, const Alignment& alignment) { return shift_left(x, alignment.shift); }

inline Exact widen(Int x) { return x; }

// Factors of kA and kB bits, signs included: lane by lane, lane by lane within 32 bits, and all
// lanes times one factor.
template <int kA, int kB>
Exact product(Exact a, Int b) {
    return multiply<kA, kB>(a, b);
}

template <int kA, int kB>
Int short_product(Int a, Int b) {
    static_assert(kA + kB <= 32, "the product fits 32 bits");
    return Int(multiply<kA, kB>(a, b));
}

template <int kA, int kB>
Exact scaled(Int a, int32_t factor) {
    return multiply<kA, kB>(a, factor);
}

// floor(x * 2^-shift), at most `limit`; x is not negative.
inline Int quotient(Exact x, uint32_t shift, int32_t limit) {
    const int64_t shifted = x >> shift;
    return Int(shifted < limit ? shifted : limit);
}

// Rounded, then clamped to -limit..limit - 1.
inline Exact round_and_clamp(Exact x, const Rounding& rounding, int32_t limit) {
    return clamp(round_half_even(x, rounding), -limit, limit - 1);
}

// Returns a bit for each lane that saturated.
inline uint32_t requantize(Exact x, const Rounding& rounding, int16_t* result) {
    const Quantized quantized = requantize(x, rounding);
    *result = quantized.value;
    return quantized.saturated;
}

#else

template <class Value>
auto load(const Value* x) -> decltype(Vectors::load(x)) {
    return Vectors::load(x);
}

inline void store(Int x, int32_t* result) { Vectors::store(x, result); }

template <int kEntries>
Int lookup(const int32_t (&table)[kEntries], Int index) {
    return Vectors::lookup(table, index);
}

inline Int lane_mask(uint32_t lanes) { return Vectors::lane_mask(lanes); }

inline Alignment make_alignment(uint32_t shift) {
    Alignment alignment;
    alignment.shift = shift;
    alignment.power = power_of_two(int32_t(shift));
    return alignment;
}

inline Exact align(Int x, const Alignment& alignment) {
    return Vectors::widen(x) * alignment.power;
}

inline Exact widen(Int x) { return Vectors::widen(x); }

template <int kA, int kB>
Exact product(Exact a, Int b) {
    static_assert(kA + kB <= 55, "the product is at most 2^53");
    return a * widen(b);
}

template <int kA, int kB>
Int short_product(Int a, Int b) {
    static_assert(kA + kB <= 32, "the product fits 32 bits");
    return a * b;
}

template <int kA, int kB>
Exact scaled(Int a, int32_t factor) {
    static_assert(kA + kB <= 55, "the product is at most 2^53");
    return widen(a) * double(factor);
}

inline Int quotient(Exact x, uint32_t shift, int32_t limit) {
    return Vectors::truncate(Vectors::clamp(x * power_of_two(-int32_t(shift)), 0.0, limit));
}

// |x * 2^-shift| < 2^51: adding 1.5 * 2^52 then leaves no fraction bits.
inline Exact round_and_clamp(Exact x, const Rounding& rounding, int32_t limit) {
    const double no_fraction = 6755399441055744.0;
    const Exact rounded = (x * rounding.scale + no_fraction) - no_fraction;
    return Vectors::clamp(rounded, -limit, limit - 1);
}

inline uint32_t requantize(Exact x, const Rounding& rounding, int16_t* result) {
    return Vectors::requantize(x * rounding.scale, result);
}

#endif

inline uint32_t count_lanes(uint32_t lanes) {
    uint32_t count = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
        count += (lanes >> lane) & 1;
    }
    return count;
}

}  // namespace trivit

#endif
