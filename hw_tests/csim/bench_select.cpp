// Token and connection selection: many ties, all or one kept, dense and sparse indices, few live
// keys.
#include "direct.hpp"
#include "trivit/program.hpp"

using namespace csim;

static trivit::KernelState state;

static void fill_scores(Random& random) {
    // Few distinct values make ties common; the largest sum of heads appears too.
    const int64_t top = random.one_in(2) ? random.between(0, 5) : random.between(0, 16 * 32767);
    for (auto& row : state.scores.sum) {
        // One key in so many is live; 0: all, as without a mask.
        const int live = int(random.one_in(2) ? 0 : random.between(1, 30));
        for (int32_t& sum : row) {
            if (live != 0 && !random.one_in(live)) {
                sum = trivit::kClosedSum;
                continue;
            }
            sum = int32_t(random.one_in(30) ? 16 * 32767 : random.between(0, top));
        }
    }
}

static void tokens(Random& random, Checker& checker) {
    trivit::SelectTokensFields f;
    f.tokens = uint32_t(random.between(2, random.one_in(3) ? trivit::kMaxTokens : 50));
    f.keep = uint32_t(random.one_in(4) ? f.tokens - 1 : random.between(1, f.tokens - 1));
    f.dst = uint32_t(random.between(0, 1000));
    checker.equal(int64_t(trivit::check(f, trivit::Regions())), 0, "accepted");
    const uint32_t words = (1 + f.keep + 7) / 8;
    scramble(state.activation, random);
    Untouched untouched(state.activation);
    trivit::select_tokens(f, state.scores, state.select, state.activation);
    const std::vector<int64_t> cls(state.scores.sum[0], state.scores.sum[0] + f.tokens);
    checker.equal(get(state.activation, f.dst, 1, words), direct::select_tokens(cls, f.keep),
                  "tokens");
    untouched.check(state.activation, f.dst, 1, words, checker);
}

static void connections(Random& random, Checker& checker) {
    trivit::SelectConnectionsFields f;
    f.tokens = uint32_t(random.between(2, random.one_in(3) ? trivit::kMaxConnectionTokens : 50));
    f.rows = uint32_t(random.between(2, f.tokens));
    f.keep = uint32_t(random.one_in(4) ? f.rows - 1 : random.between(1, f.rows - 1));
    f.index = 3;
    f.dst = 100;
    checker.equal(int64_t(trivit::check(f, trivit::Regions())), 0, "accepted");
    std::vector<uint32_t> index;
    Tensor row(1, Row((f.rows + 7) / 8 * 8, -1));  // lanes beyond the indices are not read
    const bool first = random.one_in(2);           // [CLS] is kept, as programs do
    for (uint32_t token = 0; token < f.tokens; ++token) {
        // As many of the remaining tokens as are still wanted.
        const uint32_t wanted = f.rows - uint32_t(index.size());
        if ((first && token == 0) || random.between(0, f.tokens - token - 1) < int64_t(wanted)) {
            row[0][index.size()] = int16_t(token);
            index.push_back(token);
        }
    }
    const uint32_t words = ((f.rows + 15) / 16 + 7) / 8;
    scramble(state.activation, random);
    put(state.activation, f.index, row);
    Untouched untouched(state.activation);
    const trivit::Error error = trivit::read_indices(f.index, f.rows, f.tokens, state.activation,
                                                     state.select.plan, state.select.index);
    checker.equal(int64_t(error), 0, "indices accepted");
    trivit::search_connections(f, state.scores, state.select);
    untouched.check(state.activation, 0, 0, 1, checker);  // the search keeps to its own memories
    trivit::write_mask(f, state.select, state.activation);
    direct::Scores all;
    for (uint32_t i = 0; i < f.tokens; ++i) {
        all.push_back(std::vector<int64_t>(state.scores.sum[i], state.scores.sum[i] + f.tokens));
    }
    checker.equal(get(state.activation, f.dst, f.rows, words),
                  direct::pack_mask(direct::select_connections(all, index, f.keep)), "connections");
    untouched.check(state.activation, f.dst, f.rows, words, checker);
}

int main() {
    Checker checker("select");
    Random random(6);
    for (int i = 0; i < 100; ++i) {
        fill_scores(random);
        tokens(random, checker);
        connections(random, checker);
    }
    return checker.finish();
}
