// The sequencer: programs of random commands for all units, several jobs in a call, against routes,
// addresses and fences worked out here; in hostile worlds the same words; a command a clock.
#include "../csim/bench.hpp"
#include "harness.hpp"
#include "trivit/blocks/tops.hpp"

using namespace trivit::blocks;

namespace {

const int kFirstMover = kUnitMoveWeights;
const int kMovers = 3;
const int kPorts = 4;

const int kTraining = kUnitGeluBackward;  // the first that `training` takes; the last number too
const int kNumbers = 32;
const bool kEnds[kTraining + 1] = {false, false, true, true,  true,  true,  true, true, true,
                                   false, true,  true, false, false, false, true, true};

bool is_mover(int unit) { return unit >= kFirstMover && unit < kFirstMover + kMovers; }

ap_uint<256> random_bits(csim::Random& random) {
    ap_uint<256> bits = 0;
    for (int i = 0; i < 4; ++i)
        bits.range(64 * i + 63, 64 * i) = random.next();
    return bits;
}

template <class Word>
struct Out {
    Word word;
    std::size_t command;  // that it comes of, over all jobs
};

struct Program {
    std::vector<JobWord> jobs;
    std::vector<Command> descriptors;
    std::vector<Out<Command>> units[kTraining + 1];  // by number
    std::vector<Out<Move>> moves[kMovers][kPorts];
    std::vector<Out<ap_uint<24>>> ends;

    void begin_job(csim::Random& random) {
        for (uint64_t& base : bases)
            base = random.next() >> 28;
        JobWord job = random_bits(random);
        job.range(35, 0) = bases[0];
        job.range(71, 36) = bases[1];
        job.range(107, 72) = bases[2];
        job[108] = 0;
        jobs.push_back(job);
    }

    // A command with any bits in its fields and in what no field has.
    void add(csim::Random& random, int unit) {
        Command command = random_bits(random);
        command.range(16, 12) = unit;
        if (unit == kUnitSequencer) command[0] = 0;
        if (is_mover(unit)) {
            add_move(random, unit, command);
        } else if (unit != kUnitSequencer) {
            units[std::min(unit, kTraining)].push_back({command, descriptors.size()});
        }
        descriptors.push_back(command);
    }

    void end_job(csim::Random& random) {
        Command command = random_bits(random);
        command.range(16, 12) = int(kUnitSequencer);
        command[0] = 1;
        for (int unit = 0; unit <= kTraining; ++unit) {
            if (!kEnds[unit]) continue;
            Command end = 0;
            end[0] = 1;
            end.range(16, 12) = unit;
            units[unit].push_back({end, descriptors.size()});
        }
        ends.push_back({command.range(40, 17), descriptors.size()});
        descriptors.push_back(command);
    }

    void end() {
        JobWord job = 0;
        job[108] = 1;
        jobs.push_back(job);
    }

private:
    void add_move(csim::Random& random, int unit, Command& command) {
        const uint64_t base = uint64_t(random.between(0, 2));
        const uint64_t ports = uint64_t(random.between(0, 15));
        const uint64_t words = random.next() >> 40;
        // Of a matrix by columns; rows know none.
        const uint64_t drawn = random.one_in(2) ? random.next() >> 55 : random.between(0, 5);
        const uint64_t groups = unit == kUnitMoveRows ? 0 : drawn;
        const uint64_t address = random.next() >> 32;
        const uint64_t stride = random.one_in(3) ? 0 : random.next() >> 32;
        if (unit == kUnitMoveWeights)
            put<MoveWeightsFields>(command, base, ports, words, address, stride);
        if (unit == kUnitMoveWeights) MoveWeightsFields::Groups::put(command, groups);
        if (unit == kUnitMoveStore) MoveStoreFields::Groups::put(command, groups);
        if (unit == kUnitMoveRows)
            put<MoveRowsFields>(command, base, ports, words, address, stride);
        if (unit == kUnitMoveStore)
            put<MoveStoreFields>(command, base, ports, words, address, stride);
        const uint64_t planes = random.next() >> 61;
        const uint64_t update = random.next() >> 63;
        const uint64_t bias = random.next() >> 63;
        const uint64_t plane_stride = random.next() >> 32;
        if (unit == kUnitMoveRows)
            put_update<MoveRowsFields>(command, planes, update, plane_stride);
        if (unit == kUnitMoveStore) {
            put_update<MoveStoreFields>(command, planes, update, plane_stride);
            MoveStoreFields::Bias::put(command, bias);
        }
        const bool fenced = unit == kUnitMoveRows && random.one_in(2);
        if (unit == kUnitMoveRows) MoveRowsFields::Fenced::put(command, fenced);
        for (int port = 0; port < kPorts; ++port) {
            const bool moves_words = (ports >> port & 1) != 0;
            if (!moves_words && unit != kUnitMoveStore) continue;
            Move move = 0;
            move.range(35, 0) = (bases[base] + address + uint64_t(port) * stride) % (1ull << 36);
            const uint64_t tiles = groups / kPorts + (uint64_t(port) < groups % kPorts ? 1 : 0);
            const bool here = moves_words && (groups == 0 || tiles != 0);
            move.range(59, 36) = here ? words : 0;
            move.range(87, 80) = moves_words ? tiles : 0;
            if (unit != kUnitMoveWeights) {
                move.range(90, 88) = planes;
                move[91] = update;
                move[92] = unit == kUnitMoveStore && bias;
                move.range(127, 96) = plane_stride;
            }
            if (fenced) {
                move.range(75, 60) = stores;
                move.range(79, 76) = 15;
            }
            moves[unit - kFirstMover][port].push_back({move, descriptors.size()});
        }
        stores += unit == kUnitMoveStore;
    }

    template <class Fields>
    static void put(Command& command, uint64_t base, uint64_t ports, uint64_t words,
                    uint64_t address, uint64_t stride) {
        Fields::Base::put(command, base);
        Fields::Ports::put(command, ports);
        Fields::Words::put(command, words);
        Fields::Address::put(command, address);
        Fields::PortStride::put(command, stride);
    }

    template <class Fields>
    static void put_update(Command& command, uint64_t planes, uint64_t update, uint64_t stride) {
        Fields::Planes::put(command, planes);
        Fields::Update::put(command, update);
        Fields::PlaneStride::put(command, stride);
    }

    uint64_t bases[3];
    uint64_t stores = 0;  // handed out, of all jobs
};

using harness::Taken;

struct Network {
    Taken<Command> units[kTraining + 1];
    Taken<Move> moves[kMovers][kPorts];
    Taken<ap_uint<24>> ends;
};

// Nobody takes the commands of unit `stuck`.
Network build(harness::Run& run, const Program& program, int stuck = 0) {
    Network network;
    hls::stream<JobWord> jobs("jobs");
    hls::stream<Command> descriptors("descriptors");
    run.feed(jobs, program.jobs);
    run.feed(descriptors, program.descriptors);
    std::deque<hls::stream<Command>> u;
    for (int unit = 0; unit <= kTraining; ++unit) {
        u.emplace_back(("unit" + std::to_string(unit)).c_str());
        const bool stays = unit == kUnitSequencer || unit == stuck || is_mover(unit);
        network.units[unit] = stays ? nullptr : run.drain(u[unit]);
    }
    std::deque<hls::stream<Move>> m;
    for (int i = 0; i < kMovers * kPorts; ++i) {
        m.emplace_back(("move" + std::to_string(i)).c_str());
        network.moves[i / kPorts][i % kPorts] = run.drain(m[i]);
    }
    hls::stream<ap_uint<24>> program_end("program_end");
    network.ends = run.drain(program_end);
    trivit_sequencer(jobs, descriptors, u[kUnitEngine], u[kUnitGelu], u[kUnitSoftmax],
                     u[kUnitNormalise], u[kUnitSelect], u[kUnitRowWriter], u[kUnitSoftmaxWriter],
                     u[kUnitNormWriter], u[kUnitRowReader], u[kUnitLoad], u[kUnitStore],
                     u[kUnitConnections], u[kTraining], m[0], m[1], m[2], m[3], m[4], m[5], m[6],
                     m[7], m[8], m[9], m[10], m[11], program_end);
    run.collect();
    return network;
}

// The word of command i is taken i clocks behind clock `first`; 0: at any time.
template <class Word>
void compare(const std::vector<simulation::Timed<Word>>& got, const std::vector<Out<Word>>& wanted,
             uint64_t first, const char* what, int number, csim::Checker& checker) {
    checker.equal(int64_t(got.size()), int64_t(wanted.size()), what, number);
    if (got.size() != wanted.size()) return;
    for (std::size_t i = 0; i < got.size(); ++i) {
        checker.holds(got[i].word == wanted[i].word, what, number);
        if (first != 0) checker.holds(got[i].clock == first + wanted[i].command, "clock", number);
    }
}

void run(const Program& program, const harness::World& world, uint64_t first,
         csim::Checker& checker) {
    harness::Run run(world);
    const Network network = build(run, program);
    run.finish();
    for (int unit = 1; unit <= kTraining; ++unit)
        if (!is_mover(unit))
            compare(*network.units[unit], program.units[unit], first, "unit", unit, checker);
    for (int i = 0; i < kMovers * kPorts; ++i) {
        compare(*network.moves[i / kPorts][i % kPorts], program.moves[i / kPorts][i % kPorts],
                first, "move", i, checker);
    }
    compare(*network.ends, program.ends, first, "program end", 0, checker);
}

}  // namespace

int main() {
    csim::Checker checker("sequencer");
    csim::Random random(16);
    for (int i = 0; i < 20; ++i) {
        Program program;
        for (int jobs = int(random.between(0, 3)); jobs > 0; --jobs) {
            program.begin_job(random);
            for (int commands = int(random.between(0, 60)); commands > 0; --commands)
                program.add(random, int(random.between(0, kNumbers - 1)));
            program.end_job(random);
        }
        program.end();
        run(program, harness::plain(), 0, checker);
        if (!harness::kSimulates) continue;
        // In the loop from clock 3 on, with doubled latencies 5; its depth, and a stream.
        run(program, harness::steady(), 3 + Sequencer::kDepth + 2, checker);
        run(program, harness::shuffled(uint64_t(i) + 1), 3 + Sequencer::kDepth + 2, checker);
        run(program, harness::doubled(), 5 + 2 * Sequencer::kDepth + 4, checker);
        for (uint64_t seed = 1; seed <= 3; ++seed)
            run(program, harness::hostile(seed + uint64_t(i) * 3), 0, checker);
    }
    if (!harness::kSimulates) return checker.finish();

    // A unit that takes nothing holds all commands behind those that its stream has room for.
    Program held;
    held.begin_job(random);
    for (int i = 0; i < harness::steady().options.port_depth; ++i)
        held.add(random, kUnitEngine);
    held.add(random, kUnitGelu);
    held.add(random, kUnitEngine);
    held.add(random, kUnitGelu);
    held.end_job(random);
    held.end();
    harness::Run stuck(harness::steady());
    const Network network = build(stuck, held, kUnitEngine);
    checker.holds(!stuck.ends(), "nobody takes the engine's commands");
    checker.equal(int64_t(network.units[kUnitGelu]->size()), 1, "program order");
    checker.equal(int64_t(network.ends->size()), 0, "the program has not ended");
    return checker.finish();
}
