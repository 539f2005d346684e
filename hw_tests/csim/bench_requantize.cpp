// Rounding and saturation against 128-bit arithmetic: every shift, ties, extremes.
#include "direct.hpp"
#include "trivit/lanes.hpp"

using namespace csim;

// A word of the value and its neighbours, in the lanes in which epilogues round.
static void compare_lanes(int64_t value, const trivit::Rounding& rounding, int shift,
                          Checker& checker) {
    trivit::acc_t sums[trivit::kLanes];
    for (int lane = 0; lane < trivit::kLanes; ++lane)
        sums[lane] = trivit::acc_t(value + lane - 3);
    int16_t result[trivit::kLanes];
    uint32_t saturated = 0;
    for (int lane = 0; lane < trivit::kLanes; lane += trivit::kWidth) {
        saturated |= trivit::requantize(trivit::load(&sums[lane]), rounding, &result[lane]) << lane;
    }
    for (int lane = 0; lane < trivit::kLanes; ++lane) {
        uint64_t expected_saturated = 0;
        const int16_t expected = direct::requantize(value + lane - 3, shift, expected_saturated);
        checker.equal(result[lane], expected, "lanes", shift);
        checker.equal((saturated >> lane) & 1, int64_t(expected_saturated), "lane saturated",
                      shift);
    }
}

static void compare(int64_t value, int shift, Checker& checker) {
    const trivit::Rounding rounding = trivit::make_rounding(shift);
    checker.equal(trivit::round_half_even(value, rounding), int64_t(direct::rhe(value, shift)),
                  "rhe", shift);
    uint64_t saturated = 0;
    const int16_t expected = direct::requantize(value, shift, saturated);
    const trivit::Quantized actual = trivit::requantize(value, rounding);
    checker.equal(actual.value, expected, "requantize", shift);
    checker.equal(actual.saturated, int64_t(saturated), "saturated", shift);
    const int64_t largest = (int64_t(1) << 47) - trivit::kLanes;  // of 48-bit sums
    if (value >= -largest && value <= largest) compare_lanes(value, rounding, shift, checker);
}

int main() {
    Checker checker("requantize");
    Random random(1);
    for (int shift = -16; shift <= 60; ++shift) {
        const int64_t limit = (int64_t(1) << 47) - 1;  // what 48-bit sums hold
        for (int i = 0; i < 2000; ++i) {
            compare(random.between(-limit - 1, limit) >> random.between(0, 46), shift, checker);
        }
        for (int64_t value = -70000; value <= 70000; value += 97)
            compare(value, shift, checker);
        compare(limit, shift, checker);
        compare(-limit - 1, shift, checker);
        if (shift < 1) continue;
        // Ties and their neighbours around every kind of quotient, also at the saturation limits.
        const int64_t half = int64_t(1) << (shift - 1);
        const int64_t quotients[] = {-32769, -32768, -3, -2, -1, 0, 1, 2, 3, 32766, 32767, 32768};
        for (int64_t quotient : quotients) {
            const direct::wide centre = direct::wide(quotient) * 2 * half + half;
            if (centre > (int64_t(1) << 61) || centre < -(int64_t(1) << 61)) continue;
            for (int64_t near = -1; near <= 1; ++near) {
                compare(int64_t(centre) + near, shift, checker);
            }
        }
    }
    return checker.finish();
}
