// Matrix product with every combination of flags, odd sizes, saturating values and extremes.
#include "direct.hpp"
#include "trivit/program.hpp"

using namespace csim;

static trivit::KernelState state;

static void one_product(Random& random, Checker& checker, bool extreme) {
    const uint32_t rows =
        uint32_t(random.one_in(10) ? random.between(100, 208) : random.between(1, 30));
    const uint32_t depth =
        uint32_t(random.one_in(10) ? random.between(60, 384) : random.between(1, 12));
    const uint32_t out = uint32_t(random.between(1, random.one_in(10) ? 30 : 13));
    const uint32_t outputs = trivit::ceil_div(out * 8, trivit::kOutputs) * trivit::kOutputs;
    const uint32_t src_size = groups(rows) * depth;
    const uint32_t dst_size = groups(rows) * out;
    if (src_size + 2 * dst_size > uint32_t(trivit::kActivationDepth)) return;

    Tensor x = random.tensor(rows, depth, int(random.between(6, 15)));
    Tensor weight = random.tensor(outputs, depth, int(random.between(6, 15)));
    Row bias = random.tensor(1, outputs / 8, 15)[0];
    Tensor residual = random.tensor(rows, out, 15);
    if (extreme) {
        for (Row& row : x)
            row.assign(depth * 8, -32768);
        for (Row& row : weight)
            row.assign(depth * 8, random.one_in(2) ? -32768 : 32767);
        bias.assign(outputs, -32768);
    }
    direct::MatmulNumbers n;
    n.bias_shift = int(random.between(0, 30));
    n.residual_shift = int(random.between(0, 30));
    n.out_shift = int(random.one_in(8) ? random.between(-16, 60) : random.between(8, 34));
    n.gelu = random.one_in(2);
    n.gelu_in_frac = int(random.between(0, 15));
    n.gelu_out_frac = int(random.between(0, 24));

    Words params(5);
    trivit::MatmulFields f;
    f.weight = append_matrix(params, weight, bias);
    f.src =
        uint32_t(random.between(0, trivit::kActivationDepth - int64_t(src_size + 2 * dst_size)));
    f.dst = f.src + src_size;
    f.residual = random.one_in(2) ? f.dst : f.dst + dst_size;
    f.rows = rows;
    f.depth_words = depth;
    f.out_words = out;
    f.bias_shift = uint32_t(n.bias_shift);
    f.residual_shift = uint32_t(n.residual_shift);
    f.out_shift = n.out_shift;
    f.gelu_in_frac = uint32_t(n.gelu_in_frac);
    f.gelu_out_frac = uint32_t(n.gelu_out_frac);
    f.has_gelu = n.gelu;
    f.has_residual = random.one_in(2);
    const trivit::Regions regions = {uint32_t(params.size()), 0, 0};
    checker.equal(int64_t(trivit::check(f, regions)), 0, "accepted");

    scramble(state.activation, random);
    put(state.activation, f.src, x);
    put(state.activation, f.residual, residual);
    Untouched untouched(state.activation);
    GuardedPort port(params);
    uint64_t saturated = 0;
    trivit::QuadPort<GuardedPort> ports = four(port);
    trivit::matmul(f, ports, state.probability, state.weights, state.activation, state.sums,
                   state.timeline, saturated);

    weight.resize(out * 8);
    uint64_t expected_saturated = 0;
    const Tensor expected = direct::matmul(x, weight, bias, f.has_residual ? &residual : nullptr, n,
                                           expected_saturated);
    checker.equal(get(state.activation, f.dst, rows, out), expected, "matmul");
    checker.equal(int64_t(saturated), int64_t(expected_saturated), "saturated");
    checker.equal(int64_t(port.violations()), 0, "accesses outside params");
    untouched.check(state.activation, f.dst, rows, out, checker);
}

int main() {
    Checker checker("matmul");
    Random random(4);
    for (int i = 0; i < 90; ++i)
        one_product(random, checker, i % 9 == 0);
    return checker.finish();
}
