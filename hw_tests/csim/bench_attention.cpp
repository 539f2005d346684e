// Attention of one to sixteen heads, masked and open, with bias and without, with the head sums
// that selection reads.
#include "direct.hpp"
#include "trivit/program.hpp"

using namespace csim;

static trivit::KernelState state;

static void one_attention(Random& random, Checker& checker, bool extreme, uint32_t most) {
    const bool large = random.one_in(12);
    const uint32_t tokens = most    ? uint32_t(random.between(577, most))
                            : large ? uint32_t(random.between(150, 208))
                                    : uint32_t(random.between(1, 45));
    const uint32_t heads = most    ? 1
                           : large ? uint32_t(random.between(1, 2))
                                   : uint32_t(random.between(1, random.one_in(9) ? 16 : 4));
    const uint32_t words = uint32_t(random.between(1, most || large || heads > 4 ? 4 : 16));
    const uint32_t width = heads * words;
    const uint32_t src_size = groups(tokens) * 3 * width;
    const uint32_t dst_size = groups(tokens) * width;
    const uint32_t mask_words = ((tokens + 15) / 16 + 7) / 8;

    Tensor qkv = random.tensor(tokens, 3 * width, int(random.between(8, 15)));
    if (extreme) {
        for (Row& row : qkv)
            row.assign(3 * width * 8, -32768);
    }
    direct::AttentionNumbers n;
    n.score_shift = int(random.one_in(6) ? random.between(-16, 60) : random.between(10, 20));
    n.exp_multiplier = uint32_t(random.between(1 << 23, (1 << 24) - 1));
    n.exp_shift = int(random.one_in(6) ? random.between(0, 40) : random.between(8, 18));
    n.prob_frac = int(random.one_in(3) ? random.between(0, 15) : 15);
    n.out_shift = int(random.one_in(6) ? random.between(-16, 60) : random.between(10, 18));
    std::vector<std::vector<bool>> open;
    const bool masked = !most && random.one_in(2);
    if (masked) {
        open.assign(tokens, std::vector<bool>(tokens));
        for (auto& row : open) {
            const bool none = random.one_in(15);
            for (size_t j = 0; j < tokens; ++j)
                row[j] = !none && random.one_in(2);
        }
    }

    trivit::AttentionFields f;
    f.src = uint32_t(random.between(0, 1000));
    f.dst = f.src + src_size;
    f.mask = f.dst + dst_size;
    f.tokens = tokens;
    f.heads = heads;
    f.head_words = words;
    f.score_shift = n.score_shift;
    f.exp_multiplier = n.exp_multiplier;
    f.exp_shift = uint32_t(n.exp_shift);
    f.prob_frac = uint32_t(n.prob_frac);
    f.out_shift = n.out_shift;
    f.has_mask = masked;
    f.has_score_cls = random.one_in(2);
    f.has_score_all = !most && random.one_in(2);
    f.has_bias = random.one_in(2);
    f.bias = f.has_bias ? uint32_t(random.between(0, 9)) : 0xffffffffu;
    f.bias_shift = uint32_t(random.one_in(4) ? random.between(0, 30) : random.between(8, 18));
    const uint32_t key_words = (tokens + 7) / 8;
    // What lies beyond the keys is read and not used.
    Tensor bias;
    if (f.has_bias) bias = random.tensor(heads * tokens, key_words, extreme ? 16 : 15);
    Words params(f.has_bias ? f.bias : 0);
    if (f.has_bias) append(params, bias);
    const trivit::Regions regions = {uint32_t(params.size()), 0, 0};
    checker.equal(int64_t(trivit::check(f, regions)), 0, "accepted");

    scramble(state.activation, random);
    put(state.activation, f.src, qkv);
    if (masked) {
        Tensor mask = direct::pack_mask(open);
        // Bits beyond the tokens mean nothing.
        for (Row& row : mask) {
            for (uint32_t key = tokens; key < mask_words * 128; ++key) {
                if (random.one_in(2))
                    row[key / 16] = int16_t(row[key / 16] | int16_t(1u << key % 16));
            }
        }
        put(state.activation, f.mask, mask);
    }
    static trivit::ScoreMemory before;
    before = state.scores;
    Untouched untouched(state.activation);
    uint64_t saturated = 0;
    GuardedPort port(params);
    trivit::QuadPort<GuardedPort> ports = four(port);
    trivit::attention(f, ports, state.activation, state.normalise, state.weights, state.probability,
                      state.softmax, state.attention, state.scores, saturated);
    checker.equal(int64_t(port.violations()), 0, "reads within params");

    const direct::Attended expected =
        direct::attention(qkv, heads, n, open, bias, int(f.bias_shift));
    checker.equal(get(state.activation, f.dst, tokens, width), expected.context, "context");
    checker.equal(int64_t(saturated), int64_t(expected.saturated), "saturated");
    for (uint32_t i = 0; i < uint32_t(trivit::kMaxConnectionTokens); ++i) {
        for (uint32_t j = 0; j < uint32_t(trivit::kMaxTokens); ++j) {
            const bool written =
                i < tokens && j < tokens && (f.has_score_all || (f.has_score_cls && i == 0));
            checker.equal(state.scores.sum[i][j],
                          written ? expected.head_sum[i][j] : before.sum[i][j], "head sum",
                          i * 1000 + j);
        }
    }
    untouched.check(state.activation, f.dst, tokens, width, checker);
}

int main() {
    Checker checker("attention");
    Random random(5);
    for (int i = 0; i < 90; ++i)
        one_attention(random, checker, i % 30 == 7, 0);
    one_attention(random, checker, true, trivit::kMaxTokens);
    one_attention(random, checker, false, trivit::kMaxTokens);
    return checker.finish();
}
