// LayerNorm against the direct form and against long double; in place; extremes; constant rows.
#include <cmath>

#include "direct.hpp"
#include "trivit/program.hpp"

using namespace csim;

static trivit::KernelState state;

static void against_float(const Row& x, const Row& gamma, const Row& beta, const Row& y,
                          int f_gamma, const direct::LayernormNumbers& n, Checker& checker) {
    const size_t width = x.size();
    const int f_beta = 20 + f_gamma - n.beta_shift;
    const int f_y = 20 + f_gamma - n.out_shift;
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

static void one_tensor(Random& random, Checker& checker) {
    const uint32_t rows =
        uint32_t(random.one_in(8) ? random.between(150, 208) : random.between(1, 30));
    const uint32_t words =
        uint32_t(random.one_in(8) ? random.between(100, 384) : random.between(1, 24));
    const uint32_t width = words * 8;
    const uint32_t size = groups(rows) * words;
    if (2 * size > uint32_t(trivit::kActivationDepth)) return;
    Tensor x = random.tensor(rows, words, int(random.between(1, 15)));
    if (random.one_in(4)) x[0].assign(width, random.value(15));  // no variance
    if (random.one_in(4)) {
        for (uint32_t c = 0; c < width; ++c)
            x[rows - 1][c] = c % 2 ? 32767 : -32768;
    }
    const Row gamma = random.tensor(1, words, 15)[0];
    const Row beta = random.tensor(1, words, int(random.between(4, 15)))[0];
    const int f_gamma = int(random.between(8, 15));
    direct::LayernormNumbers n;
    n.inv_width = uint32_t((0x100000000ull + width / 2) / width);
    n.sqrt_width = uint32_t(std::llround(std::sqrt(double(width)) * 65536));
    const double step = 1e-6 * width * std::ldexp(1.0, int(2 * (random.between(0, 24) + 8)));
    n.epsilon = random.one_in(4) ? 0 : uint64_t(step);
    n.beta_shift = int(random.one_in(4) ? random.between(0, 30) : random.between(14, 24));
    n.out_shift = int(random.one_in(4) ? random.between(-16, 60) : random.between(18, 26));

    Words params(3);
    trivit::LayernormFields f;
    f.gamma = append(params, Tensor(1, gamma));
    f.beta = append(params, Tensor(1, beta));
    f.src = uint32_t(random.between(0, int64_t(trivit::kActivationDepth) - 2 * size));
    f.dst = random.one_in(3) ? f.src : f.src + size;
    f.rows = rows;
    f.words = words;
    f.inv_width = n.inv_width;
    f.sqrt_width = n.sqrt_width;
    f.epsilon = n.epsilon;
    f.beta_shift = uint32_t(n.beta_shift);
    f.out_shift = n.out_shift;
    const trivit::Regions regions = {uint32_t(params.size()), 0, 0};
    checker.equal(int64_t(trivit::check(f, regions)), 0, "accepted");

    scramble(state.activation, random);
    put(state.activation, f.src, x);
    Untouched untouched(state.activation);
    GuardedPort port(params);
    uint64_t saturated = 0;
    trivit::QuadPort<GuardedPort> ports = four(port);
    trivit::layernorm(f, ports, state.vectors, state.layernorm, state.activation, state.timeline,
                      saturated);

    Tensor expected;
    uint64_t expected_saturated = 0;
    for (const Row& row : x) {
        expected.push_back(direct::layernorm_row(row, gamma, beta, n, expected_saturated));
        against_float(row, gamma, beta, expected.back(), f_gamma, n, checker);
    }
    checker.equal(get(state.activation, f.dst, rows, words), expected, "layernorm");
    checker.equal(int64_t(saturated), int64_t(expected_saturated), "saturated");
    checker.equal(int64_t(port.violations()), 0, "accesses outside params");
    untouched.check(state.activation, f.dst, rows, words, checker);
}

int main() {
    Checker checker("layernorm");
    Random random(3);
    for (int i = 0; i < 120; ++i)
        one_tensor(random, checker);
    return checker.finish();
}
