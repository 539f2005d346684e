// Softmax of row groups against the direct form, and against exp in long double.
#include <cmath>

#include "direct.hpp"
#include "trivit/softmax.hpp"

using namespace csim;

static trivit::SoftmaxMemory memory;
static trivit::ScoreMemory scores;
static trivit::ProbabilityMemory probability;

static void against_exp(const Row& s, const std::vector<bool>& open, const Row& p,
                        const direct::AttentionNumbers& n, Checker& checker) {
    const long double scale =
        std::ldexp(static_cast<long double>(n.exp_multiplier), -n.exp_shift - 20) * std::log(2.0L);
    int peak = -40000;
    for (size_t j = 0; j < s.size(); ++j) {
        if (open[j]) peak = std::max(peak, int(s[j]));
    }
    long double sum = 0;
    for (size_t j = 0; j < s.size(); ++j) {
        if (open[j]) sum += std::exp(scale * (s[j] - peak));
    }
    for (size_t j = 0; j < s.size(); ++j) {
        const long double exact = open[j] ? std::exp(scale * (s[j] - peak)) / sum : 0.0L;
        const long double error = std::ldexp(static_cast<long double>(p[j]), -n.prob_frac) - exact;
        const long double bound =
            std::ldexp(exact, -16) + std::ldexp(1.0L, -24) + std::ldexp(0.5L, -n.prob_frac);
        const bool top = p[j] == 32767 && n.prob_frac == 15;  // 1.0 does not fit 15 fraction bits
        checker.holds(top || std::fabs(error) <= bound, "error bound against exp", int64_t(j));
    }
}

static void one_group(Random& random, Checker& checker) {
    const uint32_t tokens = uint32_t(random.one_in(20)  ? random.between(250, trivit::kMaxTokens)
                                     : random.one_in(4) ? random.between(200, 208)
                                                        : random.between(1, 60));
    const uint32_t group = uint32_t(random.between(0, groups(tokens) - 1));
    const uint32_t rows = std::min(8u, tokens - group * 8);
    direct::AttentionNumbers n;
    n.exp_multiplier = uint32_t(random.between(1 << 23, (1 << 24) - 1));
    n.exp_shift = int(random.one_in(5) ? random.between(0, 40) : random.between(6, 18));
    n.prob_frac = int(random.one_in(3) ? random.between(0, 15) : 15);
    const int bits = int(random.between(3, 15));
    const int closing = int(random.between(1, 4));  // 1: all open; else one key in so many closed
    std::vector<Row> s(rows, Row(tokens));
    std::vector<std::vector<bool>> open(rows, std::vector<bool>(tokens));
    for (uint32_t r = 0; r < rows; ++r) {
        const bool none = random.one_in(20);
        for (uint32_t j = 0; j < tokens; ++j) {
            s[r][j] = random.value(bits);
            open[r][j] = !none && (closing == 1 || !random.one_in(closing));
        }
    }
    for (uint32_t r = 0; r < 8; ++r) {
        int16_t peak = -32768;
        for (uint32_t word = 0; word < groups(tokens); ++word) {
            unsigned bitmap = 0;
            for (uint32_t lane = 0; lane < 8; ++lane) {
                const uint32_t key = word * 8 + lane;
                const bool inside = r < rows && key < tokens;
                memory.score[r][word].lane[lane] = inside ? s[r][key] : random.value(15);
                if (inside && open[r][key]) {
                    bitmap |= 1u << lane;
                    peak = std::max(peak, s[r][key]);
                }
            }
            memory.open[r][word] = uint8_t(bitmap);
        }
        memory.peak[r] = peak;
    }

    trivit::SoftmaxFormat format;
    format.exp_multiplier = n.exp_multiplier;
    format.exp_shift = uint32_t(n.exp_shift);
    format.prob_frac = uint32_t(n.prob_frac);
    trivit::ScoreTarget target;
    target.enabled = random.one_in(2);
    target.only_cls = random.one_in(2) || tokens > uint32_t(trivit::kMaxConnectionTokens);
    target.first_head = random.one_in(2);
    target.group = group;
    target.tokens = tokens;
    for (auto& row : scores.sum) {
        for (int32_t& sum : row)
            sum = int32_t(random.between(0, 1000000));
    }
    static trivit::ScoreMemory expected_scores;
    expected_scores = scores;

    uint64_t saturated = 0;
    trivit::softmax_exponentials(format, groups(tokens), memory);
    trivit::softmax_probabilities(format, rows, groups(tokens), target, memory, probability, scores,
                                  saturated);
    uint64_t expected_saturated = 0;
    for (uint32_t r = 0; r < rows; ++r) {
        const Row p = direct::softmax_row(s[r], open[r], n, expected_saturated);
        const uint32_t query = group * 8 + r;
        for (uint32_t j = 0; j < groups(tokens) * 8; ++j) {
            checker.equal(probability.bank[r][j / 8].lane[j % 8], j < tokens ? p[j] : 0,
                          "probability", j);
            if (j >= tokens || !target.enabled || (target.only_cls && query != 0)) continue;
            int32_t& sum = expected_scores.sum[query][j];
            const int32_t before = open[r][j] ? 0 : trivit::kClosedSum;
            sum = (target.first_head ? before : sum) + p[j];
        }
        against_exp(s[r], open[r], p, n, checker);
    }
    checker.equal(int64_t(saturated), int64_t(expected_saturated), "saturated");
    checker.holds(std::memcmp(&scores, &expected_scores, sizeof(scores)) == 0, "head sums", group);
}

int main() {
    Checker checker("softmax");
    Random random(2);
    for (int i = 0; i < 600; ++i)
        one_group(random, checker);
    return checker.finish();
}
