// Stochastic rounding by a counter-based hash (docs/on-device-training.md, Update).
#ifndef TRIVIT_BLOCKS_STOCHASTIC_HPP
#define TRIVIT_BLOCKS_STOCHASTIC_HPP

#include <ap_int.h>

namespace trivit {
namespace blocks {

typedef ap_uint<32> Hash;

// Six shifts and adds (Jenkins), modulo 2^32.
inline Hash mix(const Hash& number) {
#pragma HLS INLINE
    Hash a = number;
    a = (a + Hash(0x7ed55d16u)) + (a << 12);
    a = (a ^ Hash(0xc761c23cu)) ^ (a >> 19);
    a = (a + Hash(0x165667b1u)) + (a << 5);
    a = Hash(a + Hash(0xd3a2646cu)) ^ Hash(a << 9);
    a = (a + Hash(0xfd7046c5u)) + (a << 3);
    return (a ^ Hash(0xb55a4f09u)) ^ (a >> 16);
}

// What is added to a value below its unit: the hash of an element, or one half.
// number: of the element; part: 0 for the momentum, 1 for the weight.
inline Hash dither(bool stochastic, const Hash& number, int part, const Hash& key) {
#pragma HLS INLINE
    return stochastic ? mix((number << 1) + Hash(part) + key) : Hash(1u << 31);
}

// (value + (noise mod 2^shift)) * 2^-shift, rounded down; of more than 32 bits that go, the lowest
// are dropped first. Both stand at 32 bits below the unit here, so that one shifter is enough; one
// half is the same there for every shift.
template <int kBits>
ap_int<kBits + 1> round_with(const ap_int<kBits>& value, const ap_uint<7>& shift, bool stochastic,
                             const Hash& noise) {
#pragma HLS INLINE
    const ap_int<kBits + 33> raised = ap_int<kBits + 33>(value) << 32;
    const ap_int<kBits + 33> shifted = raised >> shift;
    const bool partial = stochastic && shift < 32;
    const Hash added = partial ? Hash(noise << ap_uint<6>(ap_uint<6>(32) - shift)) : noise;
    return ap_int<kBits + 33>(shifted + added) >> 32;
}

}  // namespace blocks
}  // namespace trivit

#endif
