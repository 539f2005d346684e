// Load, store, and reading index tensors.
#include "direct.hpp"
#include "trivit/program.hpp"

using namespace csim;

static trivit::KernelState state;

static void load_and_store(Random& random, Checker& checker) {
    const bool noted = random.one_in(4);  // the row's statistics
    const uint32_t rows =
        noted ? 1 : uint32_t(random.between(1, random.one_in(5) ? trivit::kMaxTokens : 40));
    const uint32_t words = uint32_t(random.between(1, random.one_in(5) ? 384 : 20));
    const Tensor t = random.tensor(rows, words, 15);
    Words params(uint32_t(random.between(0, 20)));
    trivit::LoadFields load;
    load.source = append(params, t);
    load.dst = uint32_t(random.between(0, trivit::kProgramDepth - int64_t(groups(rows) * words)));
    load.rows = rows;
    load.words = words;
    load.has_statistics = noted;
    const trivit::Regions regions = {uint32_t(params.size()), 0, 7 + rows * words};
    checker.equal(int64_t(trivit::check(load, regions)), 0, "load accepted");
    scramble(state.activation, random);
    Untouched untouched(state.activation);
    GuardedPort source(params);
    trivit::QuadPort<GuardedPort> sources = four(source);
    const trivit::RowStatistics before = state.row_statistics;
    trivit::load_rows(load, sources, state.activation, state.row_statistics);
    if (noted) {
        const direct::RowSums sums = direct::row_sums(t[0]);
        checker.equal(state.row_statistics.sum[0][0], sums.sum, "sum");
        checker.equal(state.row_statistics.squares[0][0], sums.squares, "sum of squares");
        state.row_statistics.sum[0][0] = before.sum[0][0];
        state.row_statistics.squares[0][0] = before.squares[0][0];
    }
    checker.holds(std::memcmp(&before, &state.row_statistics, sizeof(before)) == 0,
                  "other statistics are unchanged");
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

// The plan of an ascending list, and what is refused: an index outside, or out of order.
static void indices(Random& random, Checker& checker) {
    const uint32_t bound = uint32_t(random.between(1, random.one_in(5) ? trivit::kMaxTokens : 40));
    const int64_t every = random.between(1, 6);
    std::vector<uint32_t> list;
    for (uint32_t r = 0; r < bound; ++r) {
        if (random.one_in(every)) list.push_back(r);
    }
    if (list.empty()) list.push_back(bound - 1);
    const uint32_t count = uint32_t(list.size());
    const uint32_t address = uint32_t(random.between(0, 50));
    Tensor row(1, Row((count + 7) / 8 * 8, -1));  // lanes beyond the indices are not read
    for (uint32_t i = 0; i < count; ++i)
        row[0][i] = int16_t(list[i]);
    scramble(state.activation, random);
    put(state.activation, address, row);
    static trivit::CompactionPlan plan;
    static trivit::RowNumbers numbers;
    checker.equal(
        int64_t(trivit::read_indices(address, count, bound, state.activation, plan, numbers)), 0,
        "indices accepted");
    uint32_t place = 0;
    for (uint32_t group = 0; group < uint32_t(trivit::kMaxGroups); ++group) {
        uint32_t kept = 0;
        const uint32_t first = place;
        for (; place < count && list[place] / 8 == group; ++place)
            kept |= 1u << list[place] % 8;
        checker.equal(plan.kept[group], kept, "kept rows", group);
        if (kept != 0) checker.equal(plan.first[group], first, "first place", group);
    }
    for (uint32_t i = 0; i < count; ++i)
        checker.equal(numbers.row[i], list[i], "row number", i);

    // One bad index, anywhere, is found.
    const uint32_t at = uint32_t(random.between(0, count - 1));
    const int16_t before = at == 0 ? int16_t(-1) : row[0][at - 1];
    const int16_t bad[] = {-1, int16_t(bound), 32767, -32768, before, int16_t(before - 1)};
    row[0][at] = bad[random.between(0, 5)];
    put(state.activation, address, row);
    checker.equal(
        int64_t(trivit::read_indices(address, count, bound, state.activation, plan, numbers)),
        int64_t(trivit::Error::index_range), "indices refused");
}

int main() {
    Checker checker("move");
    Random random(8);
    for (int i = 0; i < 80; ++i) {
        load_and_store(random, checker);
        indices(random, checker);
    }
    return checker.finish();
}
