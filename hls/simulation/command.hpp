// What the simulators have in common, whatever the engine is written in: how the blocks run under
// the command line, progress while they do, and the end of the process.
#ifndef TRIVIT_SIMULATION_COMMAND_HPP
#define TRIVIT_SIMULATION_COMMAND_HPP

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <memory>

#include "clocked/simulator.hpp"
#include "options.hpp"

namespace simulation {

// Ports of streams of commands and of data.
static const int kCommandDepth = 4;
static const int kDataDepth = 4;

inline Options block_options(const CommandLine& line) {
    Options options;
    options.seed = line.seed;
    options.stream_latency = line.stream_latency;
    options.depth_factor = line.depth_factor;
    options.pauses = line.pauses;
    options.restart = true;
    // A word a clock needs room for those on their way.
    options.port_depth = std::max(kDataDepth, 2 * line.stream_latency);
    return options;
}

// Prints a line now and then.
class Progress {
public:
    explicit Progress(double seconds)
        : seconds_(seconds), started_(std::chrono::steady_clock::now()), printed_(started_) {}

    // Once a clock; looks at the time seldom.
    void clock(std::size_t job, std::size_t jobs, uint64_t cycles) {
        if ((cycles & 1023) != 0) return;
        const auto now = std::chrono::steady_clock::now();
        if (std::chrono::duration<double>(now - printed_).count() < seconds_) return;
        printed_ = now;
        print(job, jobs, cycles);
    }

    void print(std::size_t job, std::size_t jobs, uint64_t cycles) const {
        const double seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
        std::fprintf(stderr, "%zu of %zu jobs, %llu cycles, %.0f cycles/s\n", job, jobs,
                     (unsigned long long)cycles, double(cycles) / seconds);
    }

private:
    const double seconds_;
    const std::chrono::steady_clock::time_point started_;
    std::chrono::steady_clock::time_point printed_;
};

// The program: a Simulation runs the jobs of a folder and saves what they leave.
template <class Simulation>
int run_command(int argc, char** argv) {
    try {
        const CommandLine line = parse_command_line(argc, argv);
        const Input input = read_input(line.folder);
        const std::unique_ptr<Simulation> simulation(new Simulation(line, input));
        const bool good = simulation->run();
        simulation->finish();
        if (good) simulation->save();
        return good ? 0 : 1;
    } catch (const InputError& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 1;
    }
}

}  // namespace simulation

#endif
