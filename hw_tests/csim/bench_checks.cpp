// Every check of docs/numerics.md from both sides, and the order in which they are made: a valid
// descriptor is bent in one field at a time. Expected codes are written out here by hand.
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
    const uint32_t depth = trivit::kActivationDepth;

    for (uint32_t opcode = 0; opcode < 256; ++opcode) {
        if (opcode >= 1 && opcode <= 9) continue;
        expect(make(opcode, {}), 0, opcode, Error::unknown_opcode, "opcode", checker);
    }

    // load: dst source rows words. 9 rows: two groups.
    Descriptor d = make(1, {5, 31, 9, 41});
    flags(d, 0, checker);
    upper(d, 1, depth - 2 * 41, act, "load dst", checker);
    upper(d, 2, kParams - 9 * 41, mem, "load source", checker);
    size(d, 3, 208, "load rows", checker);
    size(d, 4, 384, "load words", checker);
    d[1] = 0xffffffffu;
    expect(d, 2, 0xffffffffu, act, "address before memory", checker);

    // store: src target rows words.
    d = make(2, {5, 5, 9, 5});
    flags(d, 0, checker);
    upper(d, 1, depth - 2 * 5, act, "store src", checker);
    upper(d, 2, kOutput - 9 * 5, mem, "store target", checker);
    size(d, 3, 208, "store rows", checker);
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

    // matmul: dst src residual weight rows depth out bias_shift residual_shift out_shift in out.
    // 9 rows, 2 words deep, 5 words out; a tile has two depth words and a bias for each output.
    const uint32_t matrix =
        trivit::ceil_div(5, trivit::kWordsPerTile) * (2 * trivit::kOutputs + trivit::kWordsPerTile);
    for (uint32_t flag = 0; flag < 4; ++flag) {
        d = make(4 | flag << 8, {50, 10, 70, 264, 9, 2, 5, 3, 4, 5, 6, 7});
        flags(d, 3, checker);
        upper(d, 1, depth - 10, act, "matmul dst", checker);
        upper(d, 2, depth - 4, act, "matmul src", checker);
        if (flag & 2) {
            upper(d, 3, depth - 10, act, "matmul residual", checker);
        } else {
            expect(d, 3, 0xffffffffu, Error::ok, "unused residual", checker);
        }
        upper(d, 4, kParams - matrix, mem, "matmul weight", checker);
        size(d, 5, 208, "matmul rows", checker);
        size(d, 6, 384, "matmul depth", checker);
        size(d, 7, 384, "matmul out", checker);
        upper(d, 8, 30, Error::shift_range, "bias_shift", checker);
        upper(d, 9, 30, Error::shift_range, "residual_shift", checker);
        shift(d, 10, "matmul out_shift", checker);
        upper(d, 11, 15, Error::shift_range, "gelu_in_frac", checker);
        upper(d, 12, 24, Error::shift_range, "gelu_out_frac", checker);
        d[10] = 61;
        expect(d, 4, 0xffffffffu, mem, "memory before shifts", checker);
    }

    // layernorm: dst src gamma beta rows words inv sqrt epsilon(2) beta_shift out_shift.
    d = make(5, {50, 10, 398, 396, 9, 2, 268435456, 262144, 7, 1, 20, 21});
    flags(d, 0, checker);
    upper(d, 1, depth - 4, act, "layernorm dst", checker);
    upper(d, 2, depth - 4, act, "layernorm src", checker);
    upper(d, 3, kParams - 2, mem, "gamma", checker);
    upper(d, 4, kParams - 2, mem, "beta", checker);
    size(d, 5, 208, "layernorm rows", checker);
    size(d, 6, 384, "layernorm words", checker);
    upper(d, 7, 268435457, Error::shift_range, "inv_width", checker);  // (2^32 + 16) / 16
    upper(d, 8, 1u << 22, Error::shift_range, "sqrt_width", checker);
    d[9] = 0;
    upper(d, 10, 1u << 24, Error::shift_range, "epsilon", checker);
    d[10] = 1u << 24;
    expect(d, 9, 1, Error::shift_range, "epsilon low word", checker);
    d[10] = 0;
    upper(d, 11, 30, Error::shift_range, "beta_shift", checker);
    shift(d, 12, "layernorm out_shift", checker);

    // attention: dst src mask tokens heads head_words score_shift multiplier exp_shift frac
    // out_shift.
    for (uint32_t flag = 0; flag < 8; ++flag) {
        d = make(6 | flag << 8, {100, 10, 200, 9, 2, 3, 4, 1u << 23, 5, 6, 7});
        flags(d, 7, checker);
        upper(d, 1, depth - 12, act, "attention dst", checker);
        upper(d, 2, depth - 36, act, "attention src", checker);
        if (flag & 1) {
            upper(d, 3, depth - 2, act, "attention mask", checker);
        } else {
            expect(d, 3, 0xffffffffu, Error::ok, "unused mask", checker);
        }
        size(d, 4, 208, "tokens", checker);
        size(d, 5, 16, "heads", checker);
        size(d, 6, 16, "head_words", checker);
        shift(d, 7, "score_shift", checker);
        expect(d, 8, (1u << 23) - 1, Error::shift_range, "exp_multiplier", checker);
        upper(d, 8, (1u << 24) - 1, Error::shift_range, "exp_multiplier", checker);
        upper(d, 9, 40, Error::shift_range, "exp_shift", checker);
        upper(d, 10, 15, Error::shift_range, "prob_frac", checker);
        shift(d, 11, "attention out_shift", checker);
    }
    d = make(6, {0, 100, 0, 1, 8, 16, 4, 1u << 23, 5, 6, 7});  // 3 x 8 x 16 = 384 words
    expect(d, 5, 8, Error::ok, "widest heads", checker);
    expect(d, 5, 9, Error::size_limit, "wider heads", checker);

    // select_tokens: dst tokens keep.
    d = make(7, {5, 20, 8});
    flags(d, 0, checker);
    upper(d, 1, depth - 2, act, "select_tokens dst", checker);
    size(d, 2, 208, "select_tokens tokens", checker);
    expect(d, 2, 1, Error::size_limit, "select_tokens one token", checker);
    expect(d, 3, 0, Error::size_limit, "select_tokens keep", checker);
    upper(d, 3, 19, Error::size_limit, "select_tokens keep", checker);

    // gather: dst src index src_rows rows words. The index tensor is cleared first.
    std::memset(&state.activation, 0, sizeof(state.activation));
    d = make(8, {100, 10, 50, 9, 17, 2});
    flags(d, 0, checker);
    upper(d, 1, depth - 6, act, "gather dst", checker);
    upper(d, 2, depth - 4, act, "gather src", checker);
    std::memset(&state.activation, 0, sizeof(state.activation));
    expect(d, 3, depth - 3, Error::ok, "gather index", checker);
    expect(d, 3, depth - 2, act, "gather index", checker);
    size(d, 4, 208, "gather src_rows", checker);
    size(d, 5, 208, "gather rows", checker);
    size(d, 6, 384, "gather words", checker);
    std::memset(&state.activation, 0, sizeof(state.activation));
    state.activation.bank[0][51].lane[3] = 9;
    expect(d, 4, 9, Error::index_range, "gather index range", checker);
    expect(d, 4, 10, Error::ok, "gather index range", checker);
    state.activation.bank[0][51].lane[3] = -1;
    expect(d, 4, 10, Error::index_range, "gather negative index", checker);

    // select_connections: dst index tokens rows keep.
    std::memset(&state.activation, 0, sizeof(state.activation));
    d = make(9, {100, 50, 20, 9, 3});
    flags(d, 0, checker);
    upper(d, 1, depth - 2, act, "select_connections dst", checker);
    std::memset(&state.activation, 0, sizeof(state.activation));
    expect(d, 2, depth - 2, Error::ok, "select_connections index", checker);
    expect(d, 2, depth - 1, act, "select_connections index", checker);
    size(d, 3, 208, "select_connections tokens", checker);
    size(d, 4, 20, "select_connections rows", checker);
    expect(d, 4, 1, Error::size_limit, "select_connections one row", checker);
    size(d, 5, 8, "select_connections keep", checker);
    std::memset(&state.activation, 0, sizeof(state.activation));
    state.activation.bank[0][51].lane[0] = 20;
    expect(d, 3, 20, Error::index_range, "select_connections index range", checker);
    expect(d, 3, 21, Error::ok, "select_connections index range", checker);

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
