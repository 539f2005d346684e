// GELU: every input at every pair of formats against the direct form, and against erf in long
// double.
#include <cmath>

#include "direct.hpp"
#include "trivit/gelu.hpp"

using namespace csim;

int main() {
    Checker checker("gelu");
    for (int f = 0; f <= 15; ++f) {
        for (int g = 0; g <= 24; g += (f == 12 || f == 15 || f == 0) ? 1 : 5) {
            const trivit::GeluFormat format = trivit::make_gelu_format(uint32_t(f), uint32_t(g));
            int16_t lanes[trivit::kWidth];
            uint32_t bits = 0;
            for (int x = -32768; x <= 32767; ++x) {
                const int lane = x & (trivit::kWidth - 1);
                if (lane == 0) {
                    for (int i = 0; i < trivit::kWidth; ++i)
                        lanes[i] = int16_t(x + i);
                    bits = trivit::requantize(trivit::gelu(trivit::load(lanes), format),
                                              format.rounding, lanes);
                }
                uint64_t saturated = 0;
                const int16_t expected = direct::gelu(int16_t(x), f, g, saturated);
                checker.equal(lanes[lane], expected, "gelu", x);
                checker.equal((bits >> lane) & 1, int64_t(saturated), "saturated", x);
                if (saturated || x % 7 != 0) continue;
                const long double real = std::ldexp(static_cast<long double>(x), -f);
                const long double exact = real * 0.5L * std::erfc(-real / std::sqrt(2.0L));
                const long double error =
                    std::ldexp(static_cast<long double>(lanes[lane]), -g) - exact;
                checker.holds(std::fabs(error) <= std::ldexp(1.0L, -17) + std::ldexp(0.5L, -g),
                              "error bound against erf", x);
            }
        }
    }
    return checker.finish();
}
