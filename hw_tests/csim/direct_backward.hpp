// The gradients of docs/on-device-training.md written down a second time, one scalar at a time, in
// 128-bit integers (direct.hpp).
#ifndef TRIVIT_CSIM_DIRECT_BACKWARD_HPP
#define TRIVIT_CSIM_DIRECT_BACKWARD_HPP

#include "direct.hpp"

namespace direct {

inline int16_t gelu_backward(int16_t dy, int16_t x, int f, int shift, uint64_t& saturated) {
    const wide u = wide(std::abs(int(x))) * power2(15 - f);
    wide slope = 0;
    if (u < 8 * power2(15)) {
        const int i = int(u / 256);
        const int r = int(u % 256);
        slope = wide(trivit::kGeluSlopeTable[i]) * 256 +
                wide(trivit::kGeluSlopeTable[i + 1] - trivit::kGeluSlopeTable[i]) * r;
    }
    const wide g = rhe(x >= 0 ? power2(28) - slope : slope, 12);
    return requantize(wide(dy) * g, shift, saturated);
}

inline Row score_gradient(const Row& p, const Row& dp, int prob_frac, uint32_t scale, int shift,
                          uint64_t& saturated) {
    wide sum = 0;
    for (size_t j = 0; j < p.size(); ++j)
        sum += wide(p[j]) * dp[j];
    Row ds(p.size());
    for (size_t j = 0; j < p.size(); ++j)
        ds[j] = requantize(wide(p[j]) * (wide(dp[j]) * power2(prob_frac) - sum) * scale, shift,
                           saturated);
    return ds;
}

struct NormaliseBackwardNumbers {
    NormaliseNumbers forward;
    int shift;
    int addend_shift;
    int gamma_shift;
};

inline Row normalise_backward_row(const Row& dy, const Row& x, const Row& gamma,
                                  const NormaliseBackwardNumbers& n, const Row* addend,
                                  bool normalised, uint64_t& saturated) {
    const Scale scale = row_scale(x.size(), row_sums(x), n.forward);
    std::vector<wide> m(x.size());
    wide sum = 0;
    wide weighted = 0;
    for (size_t c = 0; c < x.size(); ++c) {
        m[c] = rhe(normal_value(x[c], scale), 8);
        sum += wide(dy[c]) * gamma[c];
        weighted += wide(dy[c]) * gamma[c] * m[c];
    }
    const wide mean_a = rhe(sum * n.forward.inv_width, 24);
    const wide mean_b = rhe(rhe(weighted, 12) * n.forward.inv_width, 24);
    Row dx(x.size());
    for (size_t c = 0; c < x.size(); ++c) {
        wide total = 0;
        if (normalised) {
            const wide t = wide(dy[c]) * gamma[c] * 256 - mean_a - rhe(m[c] * mean_b, 12);
            total = clamp(rhe(t * rhe(scale.gain, 10), n.shift + scale.halvings), -power2(40),
                          power2(40));
        }
        if (addend) total += rhe((*addend)[c], -n.addend_shift);
        dx[c] = requantize(total, 8, saturated);
    }
    return dx;
}

// dy and x: the rows that were normalised.
inline Row normalise_gamma(const Tensor& dy, const Tensor& x, const NormaliseBackwardNumbers& n,
                           std::size_t width, uint64_t& saturated) {
    std::vector<wide> sum(width, 0);
    for (size_t r = 0; r < dy.size(); ++r) {
        const Scale scale = row_scale(width, row_sums(x[r]), n.forward);
        for (size_t c = 0; c < width; ++c)
            sum[c] += dy[r][c] * rhe(normal_value(x[r][c], scale), 8);
    }
    Row gradient(width);
    for (size_t c = 0; c < width; ++c)
        gradient[c] = requantize(sum[c], n.gamma_shift, saturated);
    return gradient;
}

}  // namespace direct

#endif
