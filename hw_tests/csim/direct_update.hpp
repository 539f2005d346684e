// The update written down a second time (docs/on-device-training.md, Update): an element at a time,
// in 128-bit integers, sharing nothing with kernel and blocks.
#ifndef TRIVIT_CSIM_DIRECT_UPDATE_HPP
#define TRIVIT_CSIM_DIRECT_UPDATE_HPP

#include "direct.hpp"

namespace direct {

inline uint32_t mix(uint32_t a) {
    a = a + 0x7ed55d16u + (a << 12);
    a = a ^ 0xc761c23cu ^ (a >> 19);
    a = a + 0x165667b1u + (a << 5);
    a = (a + 0xd3a2646cu) ^ (a << 9);
    a = a + 0xfd7046c5u + (a << 3);
    return a ^ 0xb55a4f09u ^ (a >> 16);
}

// x * 2^-s with `hash` in the place of what goes; rounding to the nearest has one half there.
inline wide stochastic_round(wide x, int s, uint32_t hash, bool stochastic) {
    if (s <= 0) return x * power2(-s);
    if (s > 32) {
        x = floor_divide(x, power2(s - 32));
        s = 32;
    }
    const wide h = stochastic ? wide(hash) % power2(s) : power2(s - 1);
    return floor_divide(x + h, power2(s));
}

struct Noise {
    bool stochastic;
    uint32_t key;
    uint32_t number;  // of the element

    wide round(wide x, int s, uint32_t part) const {
        return stochastic_round(x, s, mix(2 * number + part + key), stochastic);
    }
};

struct SgdNumbers {
    bool masters;  // of 32 bits
    uint32_t momentum;
    uint32_t clip;
    uint32_t rate;
    uint32_t decay;
    int decay_shift;
    int gradient_shift;
    int rate_shift;
};

struct SgdElement {
    int16_t high;
    int16_t low;
    int16_t momentum;
    int16_t gradient;
};

// What happened to the elements of one tensor.
struct UpdateFigures {
    uint64_t momentum_saturated = 0;
    int momentum_largest = 0;
    uint64_t weight_saturated = 0;
    int weight_largest = 0;
    uint64_t squares = 0;
};

inline wide clamp_counted(wide v, wide low, wide high, uint64_t& saturated) {
    const wide clamped = clamp(v, low, high);
    saturated += clamped != v ? 1 : 0;
    return clamped;
}

// Upper 16 bits of a master, rounded half up.
inline wide upper(wide master) { return floor_divide(master + 32768, 65536); }

// A master as it may be, in its planes; low is 0 with 16 bits.
inline void move_master(wide moved, bool masters, int16_t& high, int16_t& low,
                        UpdateFigures& figures) {
    const wide limit = masters ? wide(32767) * 65536 + 32768 : wide(32767);
    const wide next =
        clamp_counted(moved, -limit, masters ? limit - 1 : limit, figures.weight_saturated);
    high = int16_t(masters ? upper(next) : next);
    low = int16_t(masters ? next - upper(next) * 65536 : 0);
    figures.weight_largest = std::max(figures.weight_largest, std::abs(int(high)));
}

inline SgdElement update_sgd(const SgdElement& e, const SgdNumbers& n, const Noise& noise,
                             UpdateFigures& figures) {
    const wide w = n.masters ? wide(e.high) * 65536 + e.low : wide(e.high);
    const wide total = wide(e.momentum) * n.momentum +
                       rhe(wide(e.gradient) * n.clip, n.gradient_shift) +
                       rhe(w * n.decay, n.decay_shift);
    const wide v = saturate(noise.round(total, 16, 0), figures.momentum_saturated);
    SgdElement result = e;
    move_master(w - noise.round(v * n.rate, n.rate_shift, 1), n.masters, result.high, result.low,
                figures);
    result.momentum = int16_t(v);
    figures.momentum_largest = std::max(figures.momentum_largest, std::abs(int(result.momentum)));
    figures.squares += uint64_t(int64_t(e.gradient) * e.gradient);
    return result;
}

}  // namespace direct

#endif
