// Valid programs with flipped bits: the kernel ends with a status, and reads and writes nothing
// outside the regions it was given. DDR regions know their bounds; on-chip memory lies between
// guards.
#include "bench.hpp"
#include "trivit/program.hpp"

using namespace csim;

static struct {
    uint64_t before[4096];
    trivit::KernelState state;
    uint64_t after[4096];
} chip;

static const uint32_t kParams = 1500;
static const uint32_t kInput = 40;
static const uint32_t kOutput = 60;

// One instruction of each opcode that fits the regions above.
static const size_t kWords = 23;  // of the longest descriptor
static const uint32_t kValid[8][kWords] = {
    {1, 5, 31, 9, 41},
    {1 | 1 << 8, 5, 31, 1, 41},
    {2, 5, 5, 9, 5},
    {3, 5, 21, 3, 6, 4, 2},
    {4 | 31 << 8, 50, 10, 70, 30, 264,       398,    396, 9, 2,  5, 7,
     3,           4,  5,  6,  7,  268435456, 262144, 7,   1, 20, 21},
    {5 | 7 << 8, 100, 10, 200, 9, 2, 3, 4, 1u << 23, 5, 6, 7},
    {6, 5, 20, 8},
    {7, 100, 50, 20, 9, 3},
};

// An ascending list where the index tensors lie, so that the ops that read one get further.
static void write_indices() {
    const uint32_t addresses[] = {30, 50};
    for (uint32_t address : addresses) {
        for (int16_t i = 0; i < 16; ++i)
            chip.state.activation.bank[0][address + uint32_t(i / 8)].lane[i % 8] = i;
    }
}

int main() {
    Checker checker("fuzz");
    Random random(10);
    for (uint64_t& guard : chip.before)
        guard = 0xfeedfacefeedfaceull;
    for (uint64_t& guard : chip.after)
        guard = 0xfeedfacefeedfaceull;
    uint64_t accepted = 0;
    uint64_t refused[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    for (int round = 0; round < 6000; ++round) {
        const uint32_t length = uint32_t(random.between(1, 4));
        Words program(length * 8);
        for (uint32_t i = 0; i < length; ++i) {
            uint32_t d[32] = {0};
            std::memcpy(d, kValid[random.between(0, 7)], sizeof(kValid[0]));
            for (int64_t flips = random.between(0, 2); flips > 0; --flips) {
                d[random.between(0, kWords - 1)] ^= 1u << random.between(0, 31);
            }
            if (random.one_in(10)) d[random.between(1, kWords - 1)] = uint32_t(random.next());
            if (random.one_in(10))
                d[random.between(1, kWords - 1)] = uint32_t(0xffffffffu - random.between(0, 40));
            std::memcpy(&program[i * 8], d, sizeof(d));
        }
        Words params(kParams), input(2 * kInput), output(2 * kOutput), stats(length);
        for (trivit::word_t& word : params) {
            for (int16_t& lane : word.lane)
                lane = int16_t(uint16_t(random.next()));
        }
        if (round % 50 == 0) scramble(chip.state.activation, random);
        if (random.one_in(2)) write_indices();
        GuardedPort ports[] = {GuardedPort(program), GuardedPort(params), GuardedPort(input),
                               GuardedPort(output), GuardedPort(stats)};
        trivit::Ports<GuardedPort, GuardedPort> all = {ports[0], four(ports[1]), four(ports[2]),
                                                       ports[3], ports[4]};
        const trivit::Arguments arguments = {length, 2, kParams, kInput, kOutput};
        const uint32_t status = trivit::execute_program(all, arguments, chip.state);
        for (const GuardedPort& port : ports) {
            checker.equal(int64_t(port.violations()), 0, "accesses outside a region", round);
        }
        checker.holds(status >> 24 <= 7 && (status & 0xffffff) < length, "status", round);
        if (status == 0) {
            ++accepted;
        } else {
            ++refused[status >> 24 & 7];
        }
    }
    for (uint64_t guard : chip.before)
        checker.equal(guard == 0xfeedfacefeedfaceull, 1, "guard before");
    for (uint64_t guard : chip.after)
        checker.equal(guard == 0xfeedfacefeedfaceull, 1, "guard after");
    // The bench must reach both sides of the checks, or it shows nothing.
    checker.holds(accepted > 500, "programs that ran");
    for (int error = 1; error <= 7; ++error) {
        if (error != 6) checker.holds(refused[error] > 20, "programs that were refused", error);
    }
    return checker.finish();
}
