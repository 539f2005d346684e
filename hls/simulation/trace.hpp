// What each unit did when, and what it waited for, instruction by instruction.
#ifndef TRIVIT_SIMULATION_TRACE_HPP
#define TRIVIT_SIMULATION_TRACE_HPP

#include <array>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "network.hpp"
#include "probe.hpp"

namespace simulation {

class Trace {
public:
    Trace(const Probe& probe, const Network& network);

    // The blocks begin again, as others; what was under way is forgotten.
    void attach(const Network& network);

    // In every clock, when the outputs of the RTL have settled, and behind the clock of the blocks.
    // `cycle` counts from the begin of the job.
    void before(std::size_t job, uint64_t cycle);
    void after(std::size_t job, uint64_t cycle);

    // A line for each unit of the RTL that has a command: what it waits for.
    std::string waits() const;

    // Lines of comma-separated values (README.md). Returns whether the file could be written.
    bool write(const std::string& path) const;

private:
    // A command, from the clock in which its unit takes it to that of its report.
    struct Span {
        std::size_t job;
        int unit, tag;
        uint64_t from, to;
        uint64_t worked, starved, held;  // clocks: words moved, none there, no room
    };
    // Cycles of the array that belong to one product, by cause.
    struct Product {
        std::size_t job;
        int tag;
        uint64_t from, to;
        std::array<uint64_t, kStalls> clocks;
    };
    // Clocks of a process between two reports of its block: worked, or waited for a stream.
    struct Process {
        std::size_t job;
        int unit, tag;
        std::string name, what;
        uint64_t clocks;
    };

    Handshake data_of(int unit) const;
    void sample_products(std::size_t job, uint64_t cycle);
    void sample_unit(std::size_t job, uint64_t cycle, int unit, int place);
    void finish(int unit, uint64_t cycle, int tag);
    void account(std::size_t job, const Block& block, int tag);

    const Probe probe_;
    const Network* network_;
    const RtlStream *gelu_results_, *lists_, *probabilities_, *normalised_, *rows_;
    std::vector<Product> products_;
    std::size_t issuing_ = 0, reported_ = 0;       // products
    std::array<std::deque<Span>, kUnits> active_;  // by unit, oldest first
    std::vector<Span> spans_;
    std::vector<Process> processes_;
    std::map<std::string, uint64_t> accounted_;  // by process and what
    std::vector<uint64_t> taken_;                // by block: commands
};

}  // namespace simulation

#endif
