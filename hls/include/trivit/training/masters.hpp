// Masters of 32 bits in two planes, or of 16 bits.
#ifndef TRIVIT_TRAINING_MASTERS_HPP
#define TRIVIT_TRAINING_MASTERS_HPP

#include "wide.hpp"

namespace trivit {
namespace training {

static const int64_t kPlane = int64_t(1) << 16;
static const int64_t kHalfPlane = int64_t(1) << 15;
static const int64_t kNarrow = 32767;

template <class L>
inline typename L::Int load_planes(const int16_t* high, const int16_t* low) {
    return L::left(L::load(high), L::all(16)) + L::load(low);
}

template <class L>
inline void store_planes(typename L::Int value, int16_t* high, int16_t* low) {
    const typename L::Int upper = L::right(value + kHalfPlane, L::all(16));
    L::store(upper, high);
    L::store(value - L::left(upper, L::all(16)), low);
}

template <class L, bool kPlanes>
inline typename L::Int load_master(const int16_t* high, const int16_t* low) {
    return kPlanes ? load_planes<L>(high, low) : L::load(high);
}

// Stores a master within its range; returns the lanes that were clamped.
template <class L, bool kPlanes>
inline typename L::Int store_master(typename L::Int value, int16_t* high, int16_t* low) {
    const int64_t limit = kPlanes ? kNarrow * kPlane + kHalfPlane : kNarrow;
    const typename L::Int kept = clamp_lanes<L>(value, -limit, kPlanes ? limit - 1 : limit);
    if (kPlanes)
        store_planes<L>(kept, high, low);
    else
        L::store(kept, high);
    return changed<L>(value, kept);
}

}  // namespace training
}  // namespace trivit

#endif
