// Rounding, figures and stochastic rounding of training (docs/on-device-training.md).
#ifndef TRIVIT_TRAINING_ARITHMETIC_HPP
#define TRIVIT_TRAINING_ARITHMETIC_HPP

#include <cstdint>

#include "../requantize.hpp"
#include "operations.hpp"

namespace trivit {
namespace training {

// A value times 2^-shift, ties to even; a shift of 0 or below is exact.
inline int64_t round_half_even(int64_t value, int64_t shift) {
    if (shift <= 0) return shift_left(value, uint32_t(-shift));
    if (shift > 62) return 0;
    const int64_t below_half = (int64_t(1) << (shift - 1)) - 1;
    return (value + below_half + ((value >> shift) & 1)) >> shift;
}

// The same, and clamped to +-limit before a left shift could leave 64 bits.
inline int64_t round_within(int64_t value, int64_t shift, int64_t limit) {
    if (shift < 0) {
        const int64_t left = -shift;
        const int64_t most = left > 62 ? 0 : limit >> left;
        if (value > most) return limit;
        if (value < -most) return -limit;
        return shift_left(value, uint32_t(left));
    }
    return clamp(round_half_even(value, shift), -limit, limit);
}

// Writes int16 results and counts them.
class Counter {
public:
    explicit Counter(Figures& figures) : figures_(figures) {}

    int16_t requantized(int64_t value, const Rounding& rounding) {
        // Beyond 17 bits a left shift saturates anyway.
        const int64_t bounded = rounding.right ? value : clamp(value, -65536, 65534);
        const Quantized result = requantize(bounded, rounding);
        figures_.saturated += result.saturated;
        return result.value;
    }

    // Adds a whole tensor to the figures, once it is written.
    void measure(const Tensor& written) {
        int64_t squares = 0;
        int32_t largest = 0;
        for (int64_t r = 0; r < written.rows; ++r) {
            const int16_t* row = written.row(r);
            for (int64_t c = 0; c < written.columns; ++c) {
                const int32_t value = row[c];
                const int32_t magnitude = value < 0 ? -value : value;
                largest = magnitude > largest ? magnitude : largest;
                squares += int64_t(value * value);
            }
        }
        if (largest > figures_.largest) figures_.largest = largest;
        figures_.squares += squares;
    }

private:
    Figures& figures_;
};

// A hash of 32 bits: six shifts and adds. Hash: uint32_t, or a vector of them.
template <class Hash>
inline Hash mix(Hash a) {
    a = (a + 0x7ed55d16u) + (a << 12);
    a = (a ^ 0xc761c23cu) ^ (a >> 19);
    a = (a + 0x165667b1u) + (a << 5);
    a = (a + 0xd3a2646cu) ^ (a << 9);
    a = (a + 0xfd7046c5u) + (a << 3);
    a = (a ^ 0xb55a4f09u) ^ (a >> 16);
    return a;
}

inline uint32_t tensor_key(uint32_t key, uint32_t number) {
    return mix(key + 0x9e3779b9u * number);
}

// A shift of stochastic rounding, prepared once for a tensor.
struct StochasticShift {
    uint32_t left;
    uint32_t dropped;  // bits that are cut off first, beyond those of a hash
    uint32_t right;
    int64_t mask;
    int64_t half;
};

inline StochasticShift stochastic_shift(int64_t shift) {
    StochasticShift result = {0, 0, 0, 0, 0};
    if (shift <= 0) {
        result.left = uint32_t(-shift);
        return result;
    }
    result.dropped = shift > 32 ? uint32_t(shift - 32 > 63 ? 63 : shift - 32) : 0;
    result.right = shift > 32 ? 32 : uint32_t(shift);
    result.mask = (int64_t(1) << result.right) - 1;
    result.half = int64_t(1) << (result.right - 1);
    return result;
}

inline int64_t stochastic_round(int64_t value, const StochasticShift& shift, int64_t random) {
    return (shift_left(value >> shift.dropped, shift.left) + random) >> shift.right;
}

}  // namespace training
}  // namespace trivit

#endif
