// The numeric contract written down a second time: docs/numerics.md, one scalar at a time, in
// 128-bit integers, sharing with the kernel nothing but the generated tables.
#ifndef TRIVIT_CSIM_DIRECT_HPP
#define TRIVIT_CSIM_DIRECT_HPP

#include <algorithm>
#include <cstdlib>

#include "bench.hpp"
#include "../../hls/generated/tables.hpp"

namespace direct {

using csim::Row;
using csim::Tensor;
typedef __int128 wide;

inline wide power2(int exponent) {
    wide p = 1;
    for (int i = 0; i < exponent; ++i)
        p *= 2;
    return p;
}

inline wide floor_divide(wide a, wide b) {
    const wide q = a / b;
    return a % b != 0 && a < 0 ? q - 1 : q;
}

inline wide rhe(wide v, int s) {
    if (s <= 0) return v * power2(-s);
    const wide step = power2(s);
    const wide low = floor_divide(v, step);
    const wide twice = 2 * (v - low * step);
    if (twice > step) return low + 1;
    if (twice < step) return low;
    return low % 2 == 0 ? low : low + 1;
}

inline int16_t saturate(wide v, uint64_t& saturated) {
    if (v > 32767) {
        ++saturated;
        return 32767;
    }
    if (v < -32768) {
        ++saturated;
        return -32768;
    }
    return int16_t(v);
}

inline int16_t requantize(wide v, int s, uint64_t& saturated) {
    return saturate(rhe(v, s), saturated);
}

inline int16_t gelu(int16_t x, int f, int g, uint64_t& saturated) {
    const wide u = wide(std::abs(int(x))) * power2(15 - f);
    wide delta = 0;
    if (u < 8 * power2(15)) {
        const int i = int(u / 256);
        const int r = int(u % 256);
        delta = wide(trivit::kGeluTable[i]) * 256 +
                wide(trivit::kGeluTable[i + 1] - trivit::kGeluTable[i]) * r;
    }
    return requantize(wide(std::max(int(x), 0)) * power2(28 - f) - delta, 28 - g, saturated);
}

struct MatmulNumbers {
    int bias_shift;
    int residual_shift;
    int out_shift;
    bool gelu;
    int gelu_in_frac;
    int gelu_out_frac;
};

// weight: outputs x inputs; residual may be null.
inline Tensor matmul(const Tensor& src, const Tensor& weight, const Row& bias,
                     const Tensor* residual, const MatmulNumbers& n, uint64_t& saturated) {
    Tensor out(src.size(), Row(weight.size()));
    for (size_t m = 0; m < src.size(); ++m) {
        for (size_t j = 0; j < weight.size(); ++j) {
            wide acc = wide(bias[j]) * power2(n.bias_shift);
            for (size_t k = 0; k < src[m].size(); ++k)
                acc += wide(src[m][k]) * weight[j][k];
            if (residual) acc += wide((*residual)[m][j]) * power2(n.residual_shift);
            out[m][j] = requantize(acc, n.out_shift, saturated);
            if (n.gelu) out[m][j] = gelu(out[m][j], n.gelu_in_frac, n.gelu_out_frac, saturated);
        }
    }
    return out;
}

inline int floor_log2(wide v) {
    int log2 = 0;
    while (v >= 2) {
        v /= 2;
        ++log2;
    }
    return log2;
}

struct NormaliseNumbers {
    uint32_t inv_width;
    uint32_t sqrt_width;
    uint64_t epsilon;
    int beta_shift;
    int norm_shift;
};

// Sum and sum of squares of a row.
struct RowSums {
    int64_t sum;
    int64_t squares;
};

inline RowSums row_sums(const Row& x) {
    RowSums sums = {0, 0};
    for (int16_t v : x) {
        sums.sum += v;
        sums.squares += int64_t(v) * v;
    }
    return sums;
}

inline wide clamp(wide v, wide low, wide high) { return std::min(std::max(v, low), high); }

// What a row's elements are normalised with.
struct Scale {
    wide mean;
    wide gain;
    int halvings;
};

inline Scale row_scale(std::size_t width, const RowSums& sums, const NormaliseNumbers& n) {
    Scale scale;
    scale.mean = clamp(floor_divide(wide(sums.sum) * n.inv_width + power2(23), power2(24)),
                       -power2(23), power2(23));
    const wide power =
        std::max(wide(1), power2(16) * sums.squares - power2(9) * scale.mean * sums.sum +
                              wide(width) * scale.mean * scale.mean + wide(n.epsilon));
    scale.halvings = floor_log2(power) / 2;
    const wide u = floor_divide(power * power2(62 - 2 * scale.halvings), power2(40));
    const int i = int((u - power2(22)) / 4096);
    const int r = int((u - power2(22)) % 4096);
    const wide here = trivit::kRsqrtTable[i];
    const wide next = trivit::kRsqrtTable[i + 1];
    const wide root = floor_divide(here * 4096 - (here - next) * r, 4096);
    scale.gain = rhe(root * n.sqrt_width, 18);
    return scale;
}

inline wide normal_value(int16_t x, const Scale& scale) {
    return clamp(rhe((wide(x) * 256 - scale.mean) * scale.gain, scale.halvings + 2), -power2(26),
                 power2(26) - 1);
}

// A row by the sums that are given, which need not be its own.
inline Row normalise_row(const Row& x, const RowSums& sums, const Row& gamma, const Row& beta,
                         const NormaliseNumbers& n, uint64_t& saturated) {
    const Scale scale = row_scale(x.size(), sums, n);
    Row out(x.size());
    for (size_t c = 0; c < x.size(); ++c) {
        const wide y = normal_value(x[c], scale) * gamma[c] + wide(beta[c]) * power2(n.beta_shift);
        out[c] = requantize(y, n.norm_shift, saturated);
    }
    return out;
}

inline Tensor normalise(const Tensor& src, const Row& gamma, const Row& beta,
                        const NormaliseNumbers& n, uint64_t& saturated) {
    Tensor out;
    for (const Row& row : src)
        out.push_back(normalise_row(row, row_sums(row), gamma, beta, n, saturated));
    return out;
}

// Sums of squares of the centred row: what the formula with row_sums must equal.
inline wide centred_power(const Row& x, wide mean) {
    wide power = 0;
    for (int16_t v : x)
        power += (wide(v) * 256 - mean) * (wide(v) * 256 - mean);
    return power;
}

struct AttentionNumbers {
    int score_shift;
    uint32_t exp_multiplier;
    int exp_shift;
    int prob_frac;
    int out_shift;
};

// Probabilities of one row; open[j] says whether key j may be seen.
inline Row softmax_row(const Row& s, const std::vector<bool>& open, const AttentionNumbers& n,
                       uint64_t& saturated) {
    int largest = -40000;
    for (size_t j = 0; j < s.size(); ++j) {
        if (open[j]) largest = std::max(largest, int(s[j]));
    }
    std::vector<wide> e(s.size(), 0);
    wide sum = 0;
    for (size_t j = 0; j < s.size(); ++j) {
        if (!open[j]) continue;
        const wide t = floor_divide(wide(largest - s[j]) * n.exp_multiplier, power2(n.exp_shift));
        const wide halvings = t / power2(20);
        if (halvings >= 25) continue;
        const int a = int(t / 4096 % 256);
        const int r = int(t % 4096);
        const wide here = trivit::kExp2Table[a];
        const wide next = trivit::kExp2Table[a + 1];
        e[j] = (here * 4096 - (here - next) * r) / 1024 / power2(int(halvings));
        sum += e[j];
    }
    Row p(s.size(), 0);
    if (sum == 0) return p;
    const int b = floor_log2(sum);
    const wide u = sum * power2(40 - b);
    const int a = int(u / power2(31) % 512);
    const int r = int(u / power2(16) % 32768);
    const wide here = trivit::kRecipTable[a];
    const wide next = trivit::kRecipTable[a + 1];
    const wide reciprocal = (here * 32768 - (here - next) * r) / 32768;
    for (size_t j = 0; j < s.size(); ++j) {
        p[j] = requantize(e[j] * reciprocal, 24 + b - n.prob_frac, saturated);
    }
    return p;
}

typedef std::vector<std::vector<int64_t>> Scores;

struct Attended {
    Tensor context;
    Scores head_sum;  // tokens x tokens
    uint64_t saturated;
};

// mask[i][j] empty: all open.
// `bias` has a row for each head and query, or none.
inline Attended attention(const Tensor& qkv, uint32_t heads, const AttentionNumbers& n,
                          const std::vector<std::vector<bool>>& mask, const Tensor& bias = {},
                          int bias_shift = 0) {
    const size_t tokens = qkv.size();
    const size_t width = qkv[0].size() / 3;
    const size_t size = width / heads;
    Attended result;
    result.saturated = 0;
    result.context.assign(tokens, Row(width));
    result.head_sum.assign(tokens, std::vector<int64_t>(tokens, 0));
    for (size_t h = 0; h < heads; ++h) {
        for (size_t i = 0; i < tokens; ++i) {
            Row s(tokens);
            for (size_t j = 0; j < tokens; ++j) {
                wide acc = bias.empty() ? 0 : bias[h * tokens + i][j] * (wide(1) << bias_shift);
                for (size_t d = 0; d < size; ++d) {
                    acc += wide(qkv[i][h * size + d]) * qkv[j][width + h * size + d];
                }
                s[j] = requantize(acc, n.score_shift, result.saturated);
            }
            const std::vector<bool> open = mask.empty() ? std::vector<bool>(tokens, true) : mask[i];
            const Row p = softmax_row(s, open, n, result.saturated);
            for (size_t d = 0; d < size; ++d) {
                wide acc = 0;
                for (size_t j = 0; j < tokens; ++j) {
                    acc += wide(p[j]) * qkv[j][2 * width + h * size + d];
                }
                result.context[i][h * size + d] = requantize(acc, n.out_shift, result.saturated);
            }
            for (size_t j = 0; j < tokens; ++j)
                result.head_sum[i][j] = open[j] ? result.head_sum[i][j] + p[j] : -1;
        }
    }
    return result;
}

// Indices of the `keep` largest values, ascending; ties to the lower index. By repeated search.
inline std::vector<uint32_t> largest(const std::vector<int64_t>& values, uint32_t keep) {
    std::vector<bool> taken(values.size(), false);
    for (uint32_t n = 0; n < keep; ++n) {
        size_t best = values.size();
        for (size_t i = 0; i < values.size(); ++i) {
            if (!taken[i] && (best == values.size() || values[i] > values[best])) best = i;
        }
        taken[best] = true;
    }
    std::vector<uint32_t> kept;
    for (uint32_t i = 0; i < values.size(); ++i) {
        if (taken[i]) kept.push_back(i);
    }
    return kept;
}

inline Tensor select_tokens(const std::vector<int64_t>& cls, uint32_t keep) {
    std::vector<int64_t> patches;
    for (size_t i = 1; i < cls.size(); ++i)
        patches.push_back(std::max<int64_t>(cls[i], 0));  // a closed key counts as 0
    Row row((1 + keep + 7) / 8 * 8, 0);
    const std::vector<uint32_t> kept = largest(patches, keep);
    for (size_t i = 0; i < kept.size(); ++i)
        row[1 + i] = int16_t(kept[i] + 1);
    return Tensor(1, row);
}

inline std::vector<std::vector<bool>> select_connections(const Scores& all,
                                                         const std::vector<uint32_t>& index,
                                                         uint32_t keep) {
    std::vector<std::vector<bool>> open(index.size(), std::vector<bool>(index.size(), false));
    for (size_t i = 0; i < index.size(); ++i) {
        open[i][0] = true;
        if (i == 0) {
            open[i].assign(index.size(), true);
            continue;
        }
        std::vector<int64_t> values;
        for (size_t j = 1; j < index.size(); ++j)
            values.push_back(all[index[i]][index[j]]);
        for (uint32_t j : largest(values, keep))
            open[i][j + 1] = values[j] >= 0;
    }
    return open;
}

inline Tensor pack_mask(const std::vector<std::vector<bool>>& open) {
    const size_t elements = ((open[0].size() + 15) / 16 + 7) / 8 * 8;
    Tensor t(open.size(), Row(elements, 0));
    for (size_t i = 0; i < open.size(); ++i) {
        for (size_t j = 0; j < open[i].size(); ++j) {
            if (open[i][j]) t[i][j / 16] = int16_t(uint16_t(t[i][j / 16]) | uint16_t(1u << j % 16));
        }
    }
    return t;
}

// image: channels x height x width, packed.
inline Tensor patchify(const Row& image, uint32_t channels, uint32_t height, uint32_t width,
                       uint32_t patch) {
    const uint32_t columns = width / patch;
    Tensor t(1 + height / patch * columns, Row((channels * patch * patch + 7) / 8 * 8, 0));
    for (uint32_t c = 0; c < channels; ++c) {
        for (uint32_t y = 0; y < height; ++y) {
            for (uint32_t x = 0; x < width; ++x) {
                t[1 + y / patch * columns + x / patch]
                 [(c * patch + y % patch) * patch + x % patch] =
                     image[(c * height + y) * width + x];
            }
        }
    }
    return t;
}

}  // namespace direct

#endif
