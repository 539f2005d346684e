// AdamW written down a second time (docs/on-device-training.md, AdamW).
#ifndef TRIVIT_CSIM_DIRECT_ADAMW_HPP
#define TRIVIT_CSIM_DIRECT_ADAMW_HPP

#include "direct_update.hpp"

namespace direct {

// Shifts are those of the contract; direction_shift and rate_shift have the step's exponents in
// them. `floor` is E.
struct AdamwNumbers {
    bool masters;  // of 32 bits
    uint32_t beta1;
    uint32_t alpha2;
    uint32_t clip;
    uint32_t rate;
    uint32_t correction;
    uint32_t decay;
    int decay_shift;
    int mean_shift;
    int square_shift;
    int direction_shift;
    int rate_shift;
    int64_t floor;
};

struct AdamwElement {
    int16_t high;
    int16_t low;
    int16_t mean;
    int16_t second_high;
    int16_t second_low;
    int16_t gradient;
};

struct AdamwFigures {
    UpdateFigures update;  // its momentum is the first moment
    uint64_t second_saturated = 0;
    int second_largest = 0;
};

// rhe(x, s) within +-limit; left shifts stop where all that is not 0 is beyond it.
inline wide shifted_within(wide x, int s, wide limit) {
    if (s < -62) return x == 0 ? 0 : x > 0 ? limit : -limit;
    return clamp(rhe(x, s), -limit, limit);
}

inline AdamwElement update_adamw(const AdamwElement& e, const AdamwNumbers& n, const Noise& noise,
                                 const Noise& second_noise, AdamwFigures& figures) {
    const wide g = rhe(wide(e.gradient) * n.clip, 16);
    const wide m = saturate(
        noise.round(wide(e.mean) * n.beta1 + rhe(g * (65536 - n.beta1), n.mean_shift), 16, 0),
        figures.update.momentum_saturated);
    const wide second = wide(e.second_high) * 65536 + e.second_low;
    const wide total = second * (power2(24) - n.alpha2) +
                       shifted_within(g * g * n.alpha2, n.square_shift, power2(60));
    const wide v = clamp_counted(second_noise.round(total, 24, 0), 0, power2(31) - power2(15) - 1,
                                 figures.second_saturated);
    const wide power = v + n.floor;
    const int k = floor_log2(power) / 2;
    const wide u = floor_divide(power * power2(62 - 2 * k), power2(40)) - power2(22);
    const wide here = trivit::kRsqrtTable[int(u / 4096)];
    const wide next = trivit::kRsqrtTable[int(u / 4096) + 1];
    const wide root = floor_divide(here * 4096 - (here - next) * (u % 4096), 4096);
    const wide d = shifted_within(m * root * n.correction, n.direction_shift + k, power2(27));
    const wide w = n.masters ? wide(e.high) * 65536 + e.low : wide(e.high);
    const wide way = d + rhe(w * n.decay, n.decay_shift);
    AdamwElement result = e;
    move_master(w - noise.round(way * n.rate, n.rate_shift, 1), n.masters, result.high, result.low,
                figures.update);
    result.mean = int16_t(m);
    result.second_high = int16_t(upper(v));
    result.second_low = int16_t(v - upper(v) * 65536);
    figures.update.momentum_largest =
        std::max(figures.update.momentum_largest, std::abs(int(result.mean)));
    figures.update.squares += uint64_t(int64_t(e.gradient) * e.gradient);
    figures.second_largest = std::max(figures.second_largest, int(result.second_high));
    return result;
}

}  // namespace direct

#endif
