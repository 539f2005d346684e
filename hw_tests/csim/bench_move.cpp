// Load, store, gather and the check of indices.
#include "direct.hpp"
#include "trivit/program.hpp"

using namespace csim;

static trivit::KernelState state;

static void load_and_store(Random& random, Checker& checker) {
    const uint32_t rows = uint32_t(random.between(1, random.one_in(5) ? 208 : 40));
    const uint32_t words = uint32_t(random.between(1, random.one_in(5) ? 384 : 20));
    const Tensor t = random.tensor(rows, words, 15);
    Words params(uint32_t(random.between(0, 20)));
    trivit::LoadFields load;
    load.source = append(params, t);
    load.dst =
        uint32_t(random.between(0, trivit::kActivationDepth - int64_t(groups(rows) * words)));
    load.rows = rows;
    load.words = words;
    const trivit::Regions regions = {uint32_t(params.size()), 0, 7 + rows * words};
    checker.equal(int64_t(trivit::check(load, regions)), 0, "load accepted");
    scramble(state.activation, random);
    Untouched untouched(state.activation);
    GuardedPort source(params);
    trivit::QuadPort<GuardedPort> sources = four(source);
    trivit::load_rows(load, sources, state.activation, state.timeline);
    checker.equal(get(state.activation, load.dst, rows, words), t, "loaded");
    untouched.check(state.activation, load.dst, rows, words, checker);

    const uint32_t image = uint32_t(random.between(0, 2));
    trivit::StoreFields store;
    store.src = load.dst;
    store.target = 7;
    store.rows = rows;
    store.words = words;
    checker.equal(int64_t(trivit::check(store, regions)), 0, "store accepted");
    trivit::word_t mark;
    for (int16_t& lane : mark.lane)
        lane = 1234;
    Words output(3 * regions.output, mark);
    Words expected(output.begin(), output.begin() + image * regions.output + 7);
    append(expected, t);
    expected.resize(output.size(), mark);
    GuardedPort target(output);
    trivit::store_rows(store, uint64_t(image) * regions.output, target, state.activation);
    checker.holds(std::memcmp(output.data(), expected.data(), output.size() * 16) == 0, "stored");
    checker.equal(int64_t(source.violations() + target.violations()), 0, "accesses outside");
}

static void gather(Random& random, Checker& checker) {
    trivit::GatherFields f;
    f.src_rows = uint32_t(random.between(1, random.one_in(5) ? 208 : 40));
    f.rows = uint32_t(random.between(1, random.one_in(5) ? 208 : 40));
    f.words = uint32_t(random.between(1, 20));
    f.src = uint32_t(random.between(0, 50));
    f.dst = f.src + groups(f.src_rows) * f.words;
    f.index = f.dst + groups(f.rows) * f.words;
    checker.equal(int64_t(trivit::check(f, trivit::Regions())), 0, "accepted");
    const Tensor source = random.tensor(f.src_rows, f.words, 15);
    Tensor index(1, Row((f.rows + 7) / 8 * 8, -1));
    Tensor expected;
    for (uint32_t i = 0; i < f.rows; ++i) {
        index[0][i] = int16_t(random.between(0, f.src_rows - 1));
        expected.push_back(source[size_t(index[0][i])]);
    }
    scramble(state.activation, random);
    put(state.activation, f.src, source);
    put(state.activation, f.index, index);
    trivit::Cycles cycles;
    Untouched untouched(state.activation);
    checker.equal(int64_t(trivit::read_indices(f.index, f.rows, f.src_rows, state.activation,
                                               state.index, cycles)),
                  0, "indices accepted");
    trivit::plan_gather(f, state.index, state.plan);
    trivit::gather_rows(f, state.index, state.plan, state.activation);
    checker.equal(get(state.activation, f.dst, f.rows, f.words), expected, "gathered");
    untouched.check(state.activation, f.dst, f.rows, f.words, checker);

    // One index outside, anywhere, is found.
    const int16_t outside[] = {-1, int16_t(f.src_rows), 32767, -32768};
    index[0][size_t(random.between(0, f.rows - 1))] = outside[random.between(0, 3)];
    put(state.activation, f.index, index);
    checker.equal(int64_t(trivit::read_indices(f.index, f.rows, f.src_rows, state.activation,
                                               state.index, cycles)),
                  int64_t(trivit::Error::index_range), "indices refused");
}

int main() {
    Checker checker("move");
    Random random(8);
    for (int i = 0; i < 60; ++i) {
        load_and_store(random, checker);
        gather(random, checker);
    }
    return checker.finish();
}
