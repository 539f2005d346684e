// Columns times a factor each (docs/numerics.md, scale).
#ifndef TRIVIT_SCALE_HPP
#define TRIVIT_SCALE_HPP

#include "activation_memory.hpp"
#include "multiply.hpp"
#include "ports.hpp"
#include "requantize.hpp"

namespace trivit {

// Factors come over port 0.
template <class ParamPorts>
void scale(const ScaleFields& f, ParamPorts& params, ActivationMemory& activation,
           uint64_t& saturated) {
    const Rounding rounding = make_rounding(f.out_shift);
    for (uint32_t first = 0; first < f.words; first += kBurstWords) {
        word_t chunk[kParamPorts][kBurstWords];
        const uint32_t size = minimum(f.words - first, kBurstWords);
        const uint64_t offset[kParamPorts] = {uint64_t(f.factor) + first, 0, 0, 0};
        const uint32_t count[kParamPorts] = {size, 0, 0, 0};
        params.read(offset, count, chunk);
        for (uint32_t row = 0; row < f.rows; ++row) {
            const uint32_t place = size_product(row / kBanks, f.words) + first;
            const word_t* source = activation.bank[row % kBanks] + f.src + place;
            word_t* target = activation.bank[row % kBanks] + f.dst + place;
            for (uint32_t word = 0; word < size; ++word) {
                for (int lane = 0; lane < kLanes; ++lane) {
                    const int64_t product =
                        int64_t(source[word].lane[lane]) * chunk[0][word].lane[lane];
                    const Quantized result = requantize(product, rounding);
                    target[word].lane[lane] = result.value;
                    saturated += result.saturated;
                }
            }
        }
    }
}

}  // namespace trivit

#endif
