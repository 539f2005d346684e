// Every check of docs/numerics.md from both sides, and the order in which they are made: a valid
// descriptor is bent in one field at a time. Expected codes are written out here by hand.
#include <algorithm>
#include <limits>

#include "bench.hpp"
#include "trivit/program.hpp"

using namespace csim;
using trivit::Error;

static trivit::KernelState state;

// Sizes of the DDR regions; every valid descriptor below ends exactly at their ends.
static const uint32_t kParams = 400;
static const uint32_t kInput = 30;
static const uint32_t kOutput = 50;

typedef std::vector<uint32_t> Descriptor;

static Descriptor make(uint32_t head, const std::vector<uint32_t>& fields) {
    Descriptor d(1, head);
    d.insert(d.end(), fields.begin(), fields.end());
    d.resize(32, 0);
    return d;
}

// Runs a program of one descriptor on guarded memory and returns its status register.
static uint32_t run(const Descriptor& d, Checker& checker) {
    Words program(8), params(kParams), input(kInput), output(kOutput), stats(1);
    for (int i = 0; i < 32; ++i) {
        program[size_t(i / 4)].lane[i % 4 * 2] = int16_t(uint16_t(d[size_t(i)]));
        program[size_t(i / 4)].lane[i % 4 * 2 + 1] = int16_t(uint16_t(d[size_t(i)] >> 16));
    }
    std::memset(params.data(), 0, params.size() * 16);
    std::memset(input.data(), 0, input.size() * 16);
    GuardedPort ports[] = {GuardedPort(program), GuardedPort(params), GuardedPort(input),
                           GuardedPort(output), GuardedPort(stats)};
    trivit::Ports<GuardedPort, GuardedPort> all = {ports[0], four(ports[1]), four(ports[2]),
                                                   ports[3], ports[4]};
    const trivit::Arguments arguments = {1, 1, kParams, kInput, kOutput};
    const uint32_t status = trivit::execute_program(all, arguments, state);
    for (const GuardedPort& port : ports)
        checker.equal(int64_t(port.violations()), 0, "violations");
    return status;
}

static void expect(Descriptor d, size_t word, uint32_t value, Error error, const char* what,
                   Checker& checker) {
    d[word] = value;
    Untouched untouched(state.activation);
    checker.equal(run(d, checker), int64_t(uint32_t(error) << 24), what, int64_t(word));
    if (error != Error::ok) untouched.check(state.activation, 0, 0, 1, checker);  // 0 rows: nothing
}

static void shift(const Descriptor& d, size_t word, const char* what, Checker& checker) {
    expect(d, word, uint32_t(-16), Error::ok, what, checker);
    expect(d, word, uint32_t(-17), Error::shift_range, what, checker);
    expect(d, word, 60, Error::ok, what, checker);
    expect(d, word, 61, Error::shift_range, what, checker);
    expect(d, word, 0x80000000u, Error::shift_range, what, checker);
}

static void upper(const Descriptor& d, size_t word, uint32_t last, Error error, const char* what,
                  Checker& checker) {
    expect(d, word, last, Error::ok, what, checker);
    expect(d, word, last + 1, error, what, checker);
    expect(d, word, 0xffffffffu, error, what, checker);
}

// A size: zero and one over the limit are refused.
static void size(const Descriptor& d, size_t word, uint32_t limit, const char* what,
                 Checker& checker) {
    expect(d, word, 0, Error::size_limit, what, checker);
    expect(d, word, limit + 1, Error::size_limit, what, checker);
    expect(d, word, 0xffffffffu, Error::size_limit, what, checker);
}

static void flags(const Descriptor& d, uint32_t known, Checker& checker) {
    for (uint32_t bit = 8; bit < 32; ++bit) {
        if (known >> (bit - 8) & 1) continue;
        expect(d, 0, d[0] | 1u << bit, Error::unknown_opcode, "unknown flag", checker);
    }
    // A bad flag is reported before a bad size.
    Descriptor both = d;
    for (size_t word = 1; word < 32; ++word)
        both[word] = 0xffffffffu;
    expect(both, 0, d[0] | 1u << 31, Error::unknown_opcode, "flag before size", checker);
    expect(both, 0, d[0], Error::size_limit, "size before address", checker);
}

int main() {
    Checker checker("checks");
    const Error act = Error::activation_address;
    const Error mem = Error::memory_address;
    const uint32_t depth = trivit::kProgramDepth;

    for (uint32_t opcode = 0; opcode < 256; ++opcode) {
        if (opcode >= 1 && opcode <= 7) continue;
        expect(make(opcode, {}), 0, opcode, Error::unknown_opcode, "opcode", checker);
    }

    // load: dst source rows words. 9 rows: two groups.
    Descriptor d = make(1, {5, 31, 9, 41});
    flags(d, 1, checker);
    upper(d, 1, depth - 2 * 41, act, "load dst", checker);
    upper(d, 2, kParams - 9 * 41, mem, "load source", checker);
    size(d, 3, trivit::kMaxTokens, "load rows", checker);
    size(d, 4, 384, "load words", checker);
    d[1] = 0xffffffffu;
    expect(d, 2, 0xffffffffu, act, "address before memory", checker);
    d = make(1 | 1 << 8, {5, 31, 1, 41});
    flags(d, 1, checker);
    expect(d, 3, 1, Error::ok, "statistics of a row", checker);
    expect(d, 3, 2, Error::size_limit, "statistics of two rows", checker);

    // store: src target rows words.
    d = make(2, {5, 5, 9, 5});
    flags(d, 0, checker);
    upper(d, 1, depth - 2 * 5, act, "store src", checker);
    upper(d, 2, kOutput - 9 * 5, mem, "store target", checker);
    size(d, 3, trivit::kMaxTokens, "store rows", checker);
    size(d, 4, 384, "store words", checker);

    // patchify: dst source channels height width patch. 3 x 6 x 4 in patches of 2: 7 rows of 2
    // words.
    d = make(3, {5, 21, 3, 6, 4, 2});
    flags(d, 0, checker);
    upper(d, 1, depth - 2, act, "patchify dst", checker);
    upper(d, 2, kInput - 9, mem, "patchify source", checker);
    for (size_t word = 3; word <= 6; ++word)
        size(d, word, 4096, "patchify side", checker);
    expect(d, 6, 3, Error::size_limit, "patch divides the width", checker);
    expect(d, 4, 5, Error::size_limit, "patch divides the height", checker);
    expect(make(3, {0, 0, 1, 4096, 4096, 1}), 1, 0, Error::size_limit, "too many patches", checker);
    expect(make(3, {0, 0, 1, 4096, 4096, 4096}), 1, 0, Error::size_limit, "row too wide", checker);
    expect(make(3, {0, 0, 4096, 4096, 4096, 4096}), 1, 0, Error::size_limit, "pixels", checker);

    // matmul: dst src residual index weight gamma beta rows depth out kept bias_shift
    // residual_shift out_shift in out inv sqrt epsilon(2) beta_shift norm_shift. 9 rows, 2 words
    // deep, 5 words out, 7 rows kept; a tile has two depth words and a bias for each output.
    const uint32_t matrix =
        trivit::ceil_div(5, trivit::kWordsPerTile) * (2 * trivit::kOutputs + trivit::kWordsPerTile);
    const Descriptor product =
        make(4, {50, 10, 70, 30, kParams - matrix, kParams - 2, kParams - 2, 9, 2,  5, 7, 3,
                 4,  5,  6,  7,  268435456,        262144,      7,           1, 20, 21});
    for (uint32_t flag = 0; flag < 32; ++flag) {
        d = product;
        d[0] |= flag << 8;
        flags(d, 31, checker);
        for (int16_t lane = 0; lane < 8; ++lane)
            state.activation.bank[0][30].lane[lane] = lane;
        const uint32_t written = flag & 16 ? 1 : 2;  // row groups of dst
        upper(d, 1, depth - written * 5, act, "matmul dst", checker);
        // The product above went anywhere, so the index tensor is written again.
        for (int16_t lane = 0; lane < 8; ++lane)
            state.activation.bank[0][30].lane[lane] = lane;
        upper(d, 2, depth - 4, act, "matmul src", checker);
        if (flag & 2) {
            upper(d, 3, depth - 10, act, "matmul residual", checker);
        } else {
            expect(d, 3, 0xffffffffu, Error::ok, "unused residual", checker);
        }
        if (flag & 16) {
            for (int16_t lane = 0; lane < 8; ++lane)
                state.activation.bank[0][depth - 1].lane[lane] = lane;
            upper(d, 4, depth - 1, act, "matmul index", checker);
            size(d, 11, 9, "matmul kept", checker);
        } else {
            expect(d, 4, 0xffffffffu, Error::ok, "unused index", checker);
            expect(d, 11, 0, Error::ok, "unused kept", checker);
        }
        upper(d, 5, kParams - matrix, mem, "matmul weight", checker);
        for (size_t word = 6; word <= 7; ++word) {
            if (flag & 4) {
                upper(d, word, kParams - 2, mem, "matmul gamma, beta", checker);
            } else {
                expect(d, word, 0xffffffffu, Error::ok, "unused vector", checker);
            }
        }
        size(d, 8, trivit::kMaxTokens, "matmul rows", checker);
        size(d, 9, 384, "matmul depth", checker);
        size(d, 10, 384, "matmul out", checker);
        upper(d, 12, 30, Error::shift_range, "bias_shift", checker);
        upper(d, 13, 30, Error::shift_range, "residual_shift", checker);
        shift(d, 14, "matmul out_shift", checker);
        upper(d, 15, 15, Error::shift_range, "gelu_in_frac", checker);
        upper(d, 16, 24, Error::shift_range, "gelu_out_frac", checker);
        // (2^32 + 16) / 16
        upper(d, 17, 268435457, Error::shift_range, "inv_width", checker);
        upper(d, 18, 1u << 22, Error::shift_range, "sqrt_width", checker);
        d[19] = 0;
        upper(d, 20, 1u << 24, Error::shift_range, "epsilon", checker);
        d[20] = 1u << 24;
        expect(d, 19, 1, Error::shift_range, "epsilon low word", checker);
        d[20] = 0;
        upper(d, 21, 30, Error::shift_range, "beta_shift", checker);
        shift(d, 22, "norm_shift", checker);
        d[14] = 61;
        expect(d, 5, 0xffffffffu, mem, "memory before shifts", checker);
    }

    // The index tensor of a compacting product: ascending, below rows.
    d = product;
    d[0] |= 16u << 8;
    trivit::word_t& index = state.activation.bank[0][30];
    const int16_t lists[][7] = {
        {0, 1, 2, 3, 4, 5, 8}, {2, 3, 4, 5, 6, 7, 8},  {0, 1, 2, 3, 4, 5, 9}, {0, 1, 2, 2, 4, 5, 8},
        {0, 1, 3, 2, 4, 5, 8}, {-1, 1, 2, 3, 4, 5, 8}, {0, 1, 2, 3, 4, 5, -1}};
    for (size_t i = 0; i < 7; ++i) {
        std::memcpy(index.lane, lists[i], sizeof(lists[i]));
        expect(d, 11, 7, i < 2 ? Error::ok : Error::index_range, "matmul indices", checker);
        // The last index does not count when one row fewer is kept.
        const bool six = i < 3 || i == 6;
        std::memcpy(index.lane, lists[i], sizeof(lists[i]));
        expect(d, 11, 6, six ? Error::ok : Error::index_range, "fewer indices", checker);
    }

    // attention: dst src mask tokens heads head_words score_shift multiplier exp_shift frac
    // out_shift bias bias_shift.
    for (uint32_t flag = 0; flag < 16; ++flag) {
        d = make(5 | flag << 8, {100, 10, 200, 9, 2, 3, 4, 1u << 23, 5, 6, 7, 8, 9});
        flags(d, 15, checker);
        if (flag & 8) {
            upper(d, 12, kParams - 2 * 9 * 2, mem, "attention bias", checker);
        } else {
            expect(d, 12, 0xffffffffu, Error::ok, "unused bias", checker);
        }
        upper(d, 13, 30, Error::shift_range, "attention bias_shift", checker);
        upper(d, 1, depth - 12, act, "attention dst", checker);
        upper(d, 2, depth - 36, act, "attention src", checker);
        if (flag & 1) {
            upper(d, 3, depth - 2, act, "attention mask", checker);
        } else {
            expect(d, 3, 0xffffffffu, Error::ok, "unused mask", checker);
        }
        size(d, 4, flag & 5 ? trivit::kMaxConnectionTokens : trivit::kMaxTokens, "tokens", checker);
        size(d, 5, 16, "heads", checker);
        size(d, 6, 16, "head_words", checker);
        shift(d, 7, "score_shift", checker);
        expect(d, 8, (1u << 23) - 1, Error::shift_range, "exp_multiplier", checker);
        upper(d, 8, (1u << 24) - 1, Error::shift_range, "exp_multiplier", checker);
        upper(d, 9, 40, Error::shift_range, "exp_shift", checker);
        upper(d, 10, 15, Error::shift_range, "prob_frac", checker);
        shift(d, 11, "attention out_shift", checker);
    }
    d = make(5, {0, 100, 0, 1, 8, 16, 4, 1u << 23, 5, 6, 7});  // 3 x 8 x 16 = 384 words
    expect(d, 5, 8, Error::ok, "widest heads", checker);
    expect(d, 5, 9, Error::size_limit, "wider heads", checker);

    // select_tokens: dst tokens keep.
    d = make(6, {5, 20, 8});
    flags(d, 0, checker);
    upper(d, 1, depth - 2, act, "select_tokens dst", checker);
    size(d, 2, trivit::kMaxTokens, "select_tokens tokens", checker);
    expect(d, 2, 1, Error::size_limit, "select_tokens one token", checker);
    expect(d, 3, 0, Error::size_limit, "select_tokens keep", checker);
    upper(d, 3, 19, Error::size_limit, "select_tokens keep", checker);

    // select_connections: dst index tokens rows keep. A list of 0..15 where it reads indices.
    const auto list = [](uint32_t address) {
        for (int16_t i = 0; i < 16; ++i) {
            const size_t word = std::min<size_t>(address + size_t(i / 8), trivit::kProgramDepth);
            if (word < size_t(trivit::kProgramDepth))
                state.activation.bank[0][word].lane[i % 8] = i;
        }
    };
    list(50);
    d = make(7, {100, 50, 20, 9, 3});
    flags(d, 0, checker);
    upper(d, 1, depth - 2, act, "select_connections dst", checker);
    list(depth - 2);
    expect(d, 2, depth - 2, Error::ok, "select_connections index", checker);
    expect(d, 2, depth - 1, act, "select_connections index", checker);
    size(d, 3, trivit::kMaxConnectionTokens, "select_connections tokens", checker);
    size(d, 4, 20, "select_connections rows", checker);
    expect(d, 4, 1, Error::size_limit, "select_connections one row", checker);
    size(d, 5, 8, "select_connections keep", checker);
    list(50);
    state.activation.bank[0][51].lane[0] = 19;
    expect(d, 3, 19, Error::index_range, "select_connections index range", checker);
    expect(d, 3, 20, Error::ok, "select_connections index range", checker);
    state.activation.bank[0][51].lane[0] = 7;
    expect(d, 3, 20, Error::index_range, "select_connections order", checker);

    // The length of the program, and regions whose ends do not fit 32 bits.
    Words none;
    GuardedPort empty(none);
    trivit::Ports<GuardedPort, GuardedPort> all = {empty, four(empty), four(empty), empty, empty};
    const uint32_t lengths[] = {0, 1025, std::numeric_limits<uint32_t>::max()};
    for (uint32_t length : lengths) {
        const trivit::Arguments arguments = {length, 1, 0, 0, 0};
        checker.equal(trivit::execute_program(all, arguments, state),
                      int64_t(uint32_t(Error::program_length) << 24), "program length", length);
    }
    checker.equal(int64_t(empty.violations()), 0, "accesses without a program");
    return checker.finish();
}
