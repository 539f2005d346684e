// The simulator's rules, each with a network whose clocks are known or which breaks the rule.
#include "../csim/bench.hpp"
#include "harness.hpp"
#include "trivit/blocks/memory.hpp"
#include "trivit/blocks/process.hpp"

namespace {

typedef hls::stream<int> Ints;

struct Pass {
    static const char* name() { return "pass"; }
    static const int kDepth = 10;
    bool iterate(Ints& in, Ints& out) {
        const int x = in.read();
        out.write(x);
        return x >= 0;
    }
};

struct Sum {
    static const char* name() { return "sum"; }
    static const int kDepth = 1;
    bool iterate(Ints& a, Ints& b, Ints& out) {
        const int x = a.read();
        out.write(x + b.read());
        return true;
    }
};

template <int kRule>
struct Breaks {
    static const char* name() { return "breaks"; }
    static const int kDepth = 1;
    bool iterate(Ints& in, Ints& out) {
        ++count;
        if (kRule == 0) return in.read() + in.read() > 0;
        if (kRule == 1) {
            out.write(1);
            out.write(2);
        }
        if (kRule == 2) {
            memory.write(0, 1);
            if (count > 6) memory.read(0);  // an iteration behind a write of the same entry
        }
        if (kRule == 3) return memory.read(1) > 0;
        if (kRule == 4) {
            memory.write(1, 1);
            memory.write(2, 1);
        }
        if (kRule == 5 && count <= 6) memory.write(count & 1, count);
        if (kRule == 5 && count > 20) return memory.read(0) + memory.read(1) > 0;
        if (kRule == 6) memory.write(8, 1);
        if (kRule == 7) {
            const int table[4] = {1, 2, 3, 4};
            trivit::blocks::TablePorts ports;
            return ports.read(table, 0) + ports.read(table, 1) + ports.read(table, 2) > 0;
        }
        if (kRule == 8) {  // within the rules
            const int entry = count % 8;
            if (count > 8) total += memory.read(entry);
            memory.write(entry, count);
            return count < 30;
        }
        return true;
    }
    trivit::blocks::Memory<int, 8, 4> memory;
    int count;
    int total;
};

template <int kRule>
bool breaks() {
    harness::Run run(harness::steady());
    Ints in("in");
    Ints out("out");
    run.feed(in, std::vector<int>{1, 2, 3});
    run.drain(out);
    Breaks<kRule> process = {{}, 0, 0};
    trivit::blocks::pipeline(process, in, out);
    try {
        run.ends();
    } catch (const std::logic_error&) {
        return true;
    }
    return false;
}

// Clocks in which words leave a network of one process.
std::vector<uint64_t> leave(simulation::Style style,
                            const std::vector<simulation::Timed<int>>& words,
                            const harness::World& world) {
    simulation::Simulator simulator(world.options);
    Ints in("in");
    Ints out("out");
    auto taken = std::make_shared<std::vector<simulation::Timed<int>>>();
    simulation::Source<int> source = {
        std::make_shared<const std::vector<simulation::Timed<int>>>(words),
        simulation::Pauses(1, 0), 0};
    simulation::Sink<int> sink = {taken, simulation::Pauses(1, 0)};
    simulator.attach(source, in);
    simulator.add_as(style, Pass(), in, out);
    simulator.attach(sink, out);
    simulator.run();
    std::vector<uint64_t> clocks;
    for (const auto& each : *taken)
        clocks.push_back(each.clock);
    return clocks;
}

}  // namespace

int main() {
    csim::Checker checker("rules");
    using simulation::Style;
    typedef std::vector<uint64_t> Clocks;

    // The source writes in clock 1, the loop begins in 3, its result is there in 13, readable
    // in 15.
    const harness::World steady = harness::steady();
    checker.holds(leave(Style::flp, {{1, 0}, {2, 0}, {-1, 0}}, steady) == Clocks{15, 16, 17},
                  "latencies of streams and loops");
    // A word that comes late does not keep the one before in an flp pipeline, but in an stp one.
    checker.holds(leave(Style::flp, {{1, 0}, {-1, 100}}, steady) == Clocks{15, 115}, "flp flushes");
    checker.holds(leave(Style::stp, {{1, 0}, {-1, 100}}, steady) == Clocks{114, 115},
                  "stp keeps its last words");
    checker.holds(leave(Style::stp, {{1, 0}}, steady).empty(), "and waits for ever");
    harness::World shallow = steady;
    shallow.options.port_depth = 1;
    checker.holds(leave(Style::flp, {{1, 0}, {2, 0}, {-1, 0}}, shallow) == Clocks{15, 18, 21},
                  "a stream of depth 1 takes a word every three clocks");
    harness::World deep = steady;
    deep.options.depth_factor = 2;
    checker.holds(leave(Style::flp, {{-1, 0}}, deep) == Clocks{25}, "pipelines of double depth");
    // The loop ends behind its fourth clock, its pipeline is empty in the tenth after that, and the
    // next call needs three clocks again.
    harness::World again = steady;
    again.options.restart = true;
    checker.holds(
        leave(Style::flp, {{1, 0}, {-1, 0}, {2, 0}, {-1, 0}}, again) == Clocks{15, 16, 30, 31},
        "a block that returns is called again");
    checker.holds(leave(Style::flp, {{1, 0}, {-1, 0}, {2, 0}}, steady) == Clocks{15, 16},
                  "only where it says so");

    {  // An iteration that needs two words takes none until both are there.
        simulation::Simulator simulator(steady.options);
        Ints a("a");
        Ints b("b");
        Ints out("out");
        simulation::Source<int> source = {
            std::make_shared<const std::vector<simulation::Timed<int>>>(
                std::vector<simulation::Timed<int>>{{1, 0}}),
            simulation::Pauses(1, 0), 0};
        simulator.attach(source, a);
        simulator.add(Sum(), a, b, out);
        checker.holds(!simulator.run(), "half an iteration does not happen");
        checker.equal(int64_t(a.size()), 1, "its first word stays in the stream");
    }
    {  // Results that find no room hold the pipeline: what is inside and in the streams, no more.
        simulation::Simulator simulator(steady.options);
        Ints in("in");
        Ints out("out");
        simulation::Source<int> source = {
            std::make_shared<const std::vector<simulation::Timed<int>>>(
                std::vector<simulation::Timed<int>>(100, {1, 0})),
            simulation::Pauses(1, 0), 0};
        simulator.attach(source, in);
        simulator.add(Pass(), in, out);
        checker.holds(!simulator.run(), "nobody takes the results");
        checker.equal(int64_t(out.size()), steady.options.port_depth, "the stream is full");
        checker.holds(simulator.report().find("pass: 14 iterations") != std::string::npos,
                      "ten are in the pipeline");
    }
    checker.holds(breaks<0>(), "a stream is read once in an iteration");
    checker.holds(breaks<1>(), "and written once");
    checker.holds(breaks<2>(), "a memory is read some iterations behind a write");
    checker.holds(breaks<3>(), "a memory is written before it is read");
    checker.holds(breaks<4>(), "one write of a memory in an iteration");
    checker.holds(breaks<5>(), "one read of a memory in an iteration");
    checker.holds(breaks<6>(), "inside of its bounds");
    checker.holds(breaks<7>(), "two reads of a table");
    checker.holds(!breaks<8>(), "and what keeps the rules runs");

    bool refused = false;
    try {
        simulation::Simulator simulator(steady.options);
        Ints in("in");
        Ints a("a");
        Ints b("b");
        simulation::Source<int> source = {
            std::make_shared<const std::vector<simulation::Timed<int>>>(
                std::vector<simulation::Timed<int>>(9, {1, 0})),
            simulation::Pauses(1, 0), 0};
        simulator.attach(source, in);
        simulator.add(Pass(), in, a);
        simulator.add(Pass(), in, b);
        simulator.run();
    } catch (const std::logic_error&) {
        refused = true;
    }
    checker.holds(refused, "a stream has one reader");
    refused = false;
    try {
        Ints("empty").read();
    } catch (const std::logic_error&) {
        refused = true;
    }
    checker.holds(refused, "without a clock an empty stream is an error");
    return checker.finish();
}
