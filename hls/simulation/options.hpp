// What a simulation is told: the command line, and job.txt in the folder that it names (README.md).
#ifndef TRIVIT_SIMULATION_OPTIONS_HPP
#define TRIVIT_SIMULATION_OPTIONS_HPP

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "ddr.hpp"

namespace simulation {

// Wrong input: one line for the user.
struct InputError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct CommandLine {
    std::string folder;
    DdrTiming ddr;
    double clock_mhz = 150;
    double bandwidth_gb = 12.8;
    int depth_factor = 1;    // of the blocks' pipelines
    int stream_latency = 2;  // clocks between blocks
    uint64_t seed = 0;       // of the order of the processes, and of all pauses
    int pauses = 0;          // of 256 clocks, on every stream and AXI channel
    uint64_t patience = 20000;
    bool go_on = false;  // behind a job that failed or stood still
    uint64_t most_cycles = ~uint64_t(0);
    double progress_seconds = 5;
    std::string trace;  // file of the trace, none when empty
    std::string wave;
    uint64_t wave_from = 0;
    uint64_t wave_to = ~uint64_t(0);
};

CommandLine parse_command_line(int argc, const char* const* argv);

// Addresses and sizes in words of 16 bytes.
struct Job {
    uint64_t program, commands, reports, params, input, output, log;
};

// A tensor to copy from the banks when unit `unit` has made `report` + 1 reports in job `job`.
struct Watch {
    uint64_t job, unit, report, address, stride, rows, words;
};

struct Region {
    uint64_t address, words;
    std::string file;
};

struct Input {
    uint64_t memory_words = 0;
    std::vector<Region> loads, saves;
    std::vector<Job> jobs;
    std::vector<Watch> watches;
    std::string watched;  // file that takes the watched tensors, one after the other
};

Input read_input(const std::string& folder);

}  // namespace simulation

#endif
