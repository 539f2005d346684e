// The gradient of the loss written down a second time (docs/on-device-training.md, cross_entropy).
#ifndef TRIVIT_CSIM_DIRECT_LOSS_HPP
#define TRIVIT_CSIM_DIRECT_LOSS_HPP

#include "direct.hpp"

namespace direct {

struct LossNumbers {
    uint32_t exp_multiplier;
    int exp_shift;
    int frac;
};

inline Row cross_entropy(const Row& logits, const Row& target, const LossNumbers& n,
                         uint64_t& saturated) {
    const int16_t largest = *std::max_element(logits.begin(), logits.end());
    std::vector<wide> e;
    wide sum = 0;
    for (const int16_t z : logits) {
        const wide t = floor_divide(wide(largest - z) * n.exp_multiplier, power2(n.exp_shift));
        const int a = int(t / 4096 % 256);
        const wide here = trivit::kExp2Table[a];
        const wide next = trivit::kExp2Table[a + 1];
        const wide halvings = t / power2(20);
        const wide whole = (here * 4096 - (here - next) * (t % 4096)) / 1024;
        e.push_back(halvings >= 25 ? 0 : whole / power2(int(halvings)));
        sum += e.back();
    }
    const int b = floor_log2(sum);
    const wide u = sum * power2(40 - b);
    const int a = int(u / power2(31) % 512);
    const wide here = trivit::kRecipTable[a];
    const wide next = trivit::kRecipTable[a + 1];
    const wide reciprocal = (here * 32768 - (here - next) * (u / power2(16) % 32768)) / 32768;
    Row gradient;
    for (std::size_t j = 0; j < logits.size(); ++j)
        gradient.push_back(requantize(e[j] * reciprocal - wide(target[j]) * power2(10 + b),
                                      24 + b - n.frac, saturated));
    return gradient;
}

}  // namespace direct

#endif
