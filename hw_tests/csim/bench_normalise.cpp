// Layer normalisation against the direct form and against long double: extremes, constant rows,
// and statistics of another row, which the clamps must bound.
#include <cmath>

#include "direct.hpp"
#include "trivit/normalise.hpp"

using namespace csim;

static void against_float(const Row& x, const Row& gamma, const Row& beta, const Row& y,
                          int f_gamma, const direct::NormaliseNumbers& n, Checker& checker) {
    const size_t width = x.size();
    const int f_beta = 20 + f_gamma - n.beta_shift;
    const int f_y = 20 + f_gamma - n.norm_shift;
    long double mean = 0;
    for (int16_t v : x)
        mean += v;
    mean /= static_cast<long double>(width);
    long double power = 0;
    for (int16_t v : x)
        power += (v - mean) * (v - mean);
    const long double sigma2 = power / static_cast<long double>(width);
    const long double epsilon =
        std::ldexp(static_cast<long double>(n.epsilon), -16) / static_cast<long double>(width);
    const long double sigma = std::sqrt(sigma2 + epsilon);
    if (sigma2 < 1) return;  // the bound is stated for rows that vary
    for (size_t c = 0; c < width; ++c) {
        const long double normal = (x[c] - mean) / sigma;
        const long double scale = std::ldexp(static_cast<long double>(gamma[c]), -f_gamma);
        const long double exact =
            normal * scale + std::ldexp(static_cast<long double>(beta[c]), -f_beta);
        const long double value = std::ldexp(static_cast<long double>(y[c]), -f_y);
        if (y[c] == 32767 || y[c] == -32768) continue;
        const long double bound =
            std::fabs(scale) * (std::fabs(normal) * std::ldexp(1.0L, -19) +
                                std::ldexp(1.0L, -9) / std::sqrt(sigma2) + std::ldexp(1.0L, -20)) +
            std::ldexp(0.5L, -f_y);
        checker.holds(std::fabs(value - exact) <= bound * 1.0000001L, "error bound", int64_t(c));
    }
}

static void one_row(Random& random, Checker& checker) {
    const uint32_t words =
        uint32_t(random.one_in(8) ? random.between(100, 384) : random.between(1, 24));
    const uint32_t width = words * 8;
    Row x = random.tensor(1, words, int(random.between(1, 15)))[0];
    if (random.one_in(6)) x.assign(width, random.value(15));  // no variance
    if (random.one_in(6)) {
        for (uint32_t c = 0; c < width; ++c)
            x[c] = c % 2 ? 32767 : -32768;
    }
    if (random.one_in(12)) x.assign(width, -32768);
    const Row gamma = random.tensor(1, words, 15)[0];
    const Row beta = random.tensor(1, words, int(random.between(4, 15)))[0];
    const int f_gamma = int(random.between(8, 15));
    direct::NormaliseNumbers n;
    n.inv_width = uint32_t((0x100000000ull + width / 2) / width);
    n.sqrt_width = uint32_t(std::llround(std::sqrt(double(width)) * 65536));
    const double step = 1e-6 * width * std::ldexp(1.0, int(2 * (random.between(0, 24) + 8)));
    n.epsilon = random.one_in(4) ? 0 : uint64_t(step);
    n.beta_shift = int(random.one_in(4) ? random.between(0, 30) : random.between(14, 24));
    n.norm_shift = int(random.one_in(4) ? random.between(-16, 60) : random.between(18, 26));

    // Memory may hold the statistics of a wider or narrower row.
    const bool foreign = random.one_in(4);
    if (foreign) {
        n.inv_width = uint32_t(random.between(0, n.inv_width));
        n.sqrt_width = uint32_t(random.between(0, 1 << 22));
        n.epsilon = uint64_t(random.between(0, int64_t(1) << 56));
    }
    const Row other = random.tensor(1, uint32_t(random.between(1, 384)), 15)[0];
    const direct::RowSums sums = direct::row_sums(foreign ? other : x);

    trivit::MatmulFields f = trivit::MatmulFields();
    f.rows = uint32_t(random.between(1, trivit::kMaxTokens));
    f.depth_words = words;
    f.inv_width = n.inv_width;
    f.sqrt_width = n.sqrt_width;
    f.epsilon = n.epsilon;
    const uint32_t bank = (f.rows - 1) % 8;
    const uint32_t group = (f.rows - 1) / 8;
    static trivit::RowStatistics statistics;
    static trivit::NormaliseMemory memory;
    statistics.sum[bank][group] = int32_t(sums.sum);
    statistics.squares[bank][group] = sums.squares;
    trivit::scale_rows(f, statistics, memory);
    const trivit::RowScale scale = memory.scale[bank][group];

    const trivit::NormaliseFormat format = {trivit::make_alignment(uint32_t(n.beta_shift)),
                                            trivit::make_rounding(n.norm_shift)};
    Words packed;
    append(packed, {x, gamma, beta});
    uint32_t changed = 0;
    Row result;
    for (uint32_t k = 0; k < words; ++k) {
        const trivit::word_t y = trivit::normalise_word(packed[k], scale, packed[words + k],
                                                        packed[2 * words + k], format, changed);
        result.insert(result.end(), y.lane, y.lane + 8);
    }
    uint64_t saturated = 0;
    const Row expected = direct::normalise_row(x, sums, gamma, beta, n, saturated);
    checker.equal(Tensor(1, result), Tensor(1, expected), "normalised");
    checker.equal(int64_t(changed), int64_t(saturated), "saturated");
    if (foreign) return;
    against_float(x, gamma, beta, result, f_gamma, n, checker);
    // The sum of centred squares without centring.
    const direct::wide mean = scale.mean;
    const direct::wide power = direct::power2(16) * sums.squares - 512 * mean * sums.sum +
                               direct::wide(width) * mean * mean;
    checker.holds(power == direct::centred_power(x, mean), "nothing cancels");
}

int main() {
    Checker checker("normalise");
    Random random(3);
    for (int i = 0; i < 1500; ++i)
        one_row(random, checker);
    return checker.finish();
}
