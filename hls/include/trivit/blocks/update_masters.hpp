// Masters of 32 or 16 bits, and shifts that go both ways (docs/on-device-training.md, Masters).
#ifndef TRIVIT_BLOCKS_UPDATE_MASTERS_HPP
#define TRIVIT_BLOCKS_UPDATE_MASTERS_HPP

#include "arithmetic.hpp"

namespace trivit {
namespace blocks {

// `wide`: of 32 bits; otherwise the high plane alone.
inline ap_int<32> join_master(const ap_int<16>& high, const ap_int<16>& low, bool wide) {
#pragma HLS INLINE
    const ap_int<33> joined = (ap_int<33>(high) << 16) + low;
    return wide ? ap_int<32>(joined) : ap_int<32>(high);
}

// The upper half by a DSP block, the lower one by LUTs.
inline ap_int<48> decay_product(const ap_int<32>& master, const ap_uint<16>& decay) {
#pragma HLS INLINE
    const ap_int<33> upper = ap_int<16>(master >> 16) * decay;
    const ap_uint<16> rest = master.range(15, 0);
    const ap_int<34> lower = fabric_product(ap_int<17>(rest), ap_int<17>(decay));
    return (ap_int<48>(upper) << 16) + lower;
}

struct MovedMaster {
    ap_int<16> high;
    ap_int<16> low;
    bool saturated;
};

// The master less `move`, within its limits.
template <int kBits>
MovedMaster move_master(const ap_int<32>& master, bool wide, const ap_int<kBits>& move) {
#pragma HLS INLINE
    const ap_int<kBits + 1> next = master - move;
    const ap_int<33> limit = wide ? ap_int<33>((32767ll << 16) + (1 << 15)) : ap_int<33>(32767);
    const ap_int<33> top = wide ? ap_int<33>(limit - 1) : limit;
    const bool above = next > top;
    const bool below = next < -limit;
    const ap_int<33> kept = above ? top : below ? ap_int<33>(-limit) : ap_int<33>(next);
    const ap_int<33> rounded = kept + (1 << 15);
    MovedMaster moved;
    moved.high = wide ? ap_int<16>(rounded >> 16) : ap_int<16>(kept);
    moved.low = ap_int<16>(kept);
    moved.saturated = above || below;
    return moved;
}

// A signed shift as a distance from the largest left shift, of kBits; kept where more bits change
// nothing.
template <int kBits, int kShiftBits>
ap_uint<kBits> from_left(const ap_int<kShiftBits>& shift, int left) {
#pragma HLS INLINE
    const int most = (1 << kBits) - 1;
    const ap_int<kShiftBits + 1> distance = shift + left;
    return distance < 0      ? ap_uint<kBits>(0)
           : distance > most ? ap_uint<kBits>(most)
                             : ap_uint<kBits>(distance);
}

}  // namespace blocks
}  // namespace trivit

#endif
