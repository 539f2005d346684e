// Matrix product with every combination of flags, odd sizes, saturating values and extremes.
#include <cmath>

#include "direct.hpp"
#include "trivit/program.hpp"

using namespace csim;

static trivit::KernelState state;

static std::vector<uint32_t> all_rows(uint32_t rows) {
    std::vector<uint32_t> list;
    for (uint32_t r = 0; r < rows; ++r)
        list.push_back(r);
    return list;
}

// An ascending selection, dense or sparse, of one row at least.
static std::vector<uint32_t> some_rows(Random& random, uint32_t rows) {
    std::vector<uint32_t> list;
    const int64_t every = random.between(1, random.one_in(3) ? 20 : 2);
    for (uint32_t r = 0; r < rows; ++r) {
        if (random.one_in(every)) list.push_back(r);
    }
    if (list.empty()) list.push_back(uint32_t(random.between(0, rows - 1)));
    return list;
}

static void one_product(Random& random, Checker& checker, bool extreme) {
    const uint32_t rows =
        uint32_t(random.one_in(10) ? random.between(100, 208) : random.between(1, 30));
    const uint32_t depth =
        uint32_t(random.one_in(10) ? random.between(60, 384) : random.between(1, 12));
    const uint32_t out = uint32_t(random.between(1, random.one_in(10) ? 30 : 13));
    const uint32_t outputs = trivit::ceil_div(out * 8, trivit::kOutputs) * trivit::kOutputs;
    const uint32_t src_size = groups(rows) * depth;
    const uint32_t dst_size = groups(rows) * out;
    if (src_size + 2 * dst_size + 26 > uint32_t(trivit::kProgramDepth)) return;

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
    direct::NormaliseNumbers norm;
    norm.inv_width = uint32_t(0x100000000ull / (depth * 8));
    norm.sqrt_width = uint32_t(std::llround(std::sqrt(depth * 8.0) * 65536));
    norm.epsilon = uint64_t(random.between(0, 1 << 20));
    norm.beta_shift = int(random.between(14, 24));
    norm.norm_shift = int(random.between(18, 26));
    const Row gamma = random.tensor(1, depth, 15)[0];
    const Row beta = random.tensor(1, depth, 13)[0];

    Words params(5);
    trivit::MatmulFields f = trivit::MatmulFields();
    f.has_gelu = n.gelu;
    f.has_residual = random.one_in(2);
    f.has_normalise = random.one_in(2);
    f.has_statistics = random.one_in(2);
    f.has_compact = random.one_in(2);
    const std::vector<uint32_t> kept = f.has_compact ? some_rows(random, rows) : all_rows(rows);
    const uint32_t written = uint32_t(kept.size());
    f.weight = append_matrix(params, weight, bias);
    f.gamma = append(params, Tensor(1, gamma));
    f.beta = append(params, Tensor(1, beta));
    f.src =
        uint32_t(random.between(0, trivit::kProgramDepth - int64_t(src_size + 2 * dst_size + 26)));
    f.dst = f.src + src_size;
    f.residual = random.one_in(2) ? f.dst : f.dst + dst_size;
    f.index = f.dst + 2 * dst_size;
    f.rows = rows;
    f.kept = written;
    f.depth_words = depth;
    f.out_words = out;
    f.bias_shift = uint32_t(n.bias_shift);
    f.residual_shift = uint32_t(n.residual_shift);
    f.out_shift = n.out_shift;
    f.gelu_in_frac = uint32_t(n.gelu_in_frac);
    f.gelu_out_frac = uint32_t(n.gelu_out_frac);
    f.inv_width = norm.inv_width;
    f.sqrt_width = norm.sqrt_width;
    f.epsilon = norm.epsilon;
    f.beta_shift = uint32_t(norm.beta_shift);
    f.norm_shift = norm.norm_shift;
    const trivit::Regions regions = {uint32_t(params.size()), 0, 0};
    checker.equal(int64_t(trivit::check(f, regions)), 0, "accepted");

    scramble(state.activation, random);
    put(state.activation, f.src, x);
    put(state.activation, f.residual, residual);
    for (uint32_t r = 0; r < uint32_t(trivit::kMaxTokens); ++r) {
        const direct::RowSums sums = r < rows ? direct::row_sums(x[r]) : direct::RowSums{7, 99};
        state.row_statistics.sum[r % 8][r / 8] = int32_t(sums.sum);
        state.row_statistics.squares[r % 8][r / 8] = sums.squares;
    }
    const trivit::RowStatistics before = state.row_statistics;
    if (f.has_compact) {
        Row list((written + 7) / 8 * 8, -1);  // lanes beyond the indices are not read
        for (uint32_t i = 0; i < written; ++i)
            list[i] = int16_t(kept[i]);
        put(state.activation, f.index, Tensor(1, list));
        trivit::NoRowNumbers ignored;
        checker.equal(int64_t(trivit::read_indices(f.index, f.kept, f.rows, state.activation,
                                                   state.compaction, ignored)),
                      0, "indices accepted");
    }
    Untouched untouched(state.activation);
    GuardedPort port(params);
    uint64_t saturated = 0;
    trivit::QuadPort<GuardedPort> ports = four(port);
    trivit::matmul(f, state.compaction, ports, state.probability, state.weights, state.normalise,
                   state.row_statistics, state.activation, state.sums, saturated);

    weight.resize(out * 8);
    uint64_t expected_saturated = 0;
    if (f.has_normalise) x = direct::normalise(x, gamma, beta, norm, expected_saturated);
    Tensor kept_x, kept_residual;
    for (uint32_t r : kept) {
        kept_x.push_back(x[r]);
        kept_residual.push_back(residual[r]);
    }
    const Tensor expected = direct::matmul(
        kept_x, weight, bias, f.has_residual ? &kept_residual : nullptr, n, expected_saturated);
    checker.equal(get(state.activation, f.dst, written, out), expected, "matmul");
    checker.equal(int64_t(saturated), int64_t(expected_saturated), "saturated");
    checker.equal(int64_t(port.violations()), 0, "accesses outside params");
    untouched.check(state.activation, f.dst, written, out, checker);
    for (uint32_t r = 0; r < uint32_t(trivit::kMaxTokens); ++r) {
        const bool noted = f.has_statistics && r < written;
        const direct::RowSums sums =
            noted ? direct::row_sums(expected[r])
                  : direct::RowSums{before.sum[r % 8][r / 8], before.squares[r % 8][r / 8]};
        checker.equal(state.row_statistics.sum[r % 8][r / 8], sums.sum, "sum", r);
        checker.equal(state.row_statistics.squares[r % 8][r / 8], sums.squares, "squares", r);
    }
}

int main() {
    Checker checker("matmul");
    Random random(4);
    for (int i = 0; i < 150; ++i)
        one_product(random, checker, i % 9 == 0);
    return checker.finish();
}
