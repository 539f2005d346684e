// The whole accelerator in C++: blocks, engine and movers as clocked processes.
#ifndef TRIVIT_SIMULATION_CPP_ENGINE_NETWORK_HPP
#define TRIVIT_SIMULATION_CPP_ENGINE_NETWORK_HPP

#include <memory>
#include <string>
#include <vector>

#include "../options.hpp"
#include "memory_bus.hpp"

namespace simulation {

typedef ap_uint<256> WideWord;
typedef ap_uint<64> ReportWord;

// A unit that answers its commands.
struct Reporting {
    int unit;
    hls::stream<ReportWord> reports;
};

class Network {
public:
    Network(const CommandLine& line, Ddr& ddr);
    ~Network();

    void drive();
    bool transfer();
    bool clock();

    // The word that the program's mover has brought, two for a command.
    void feed_commands();

    // A line for everything that waits.
    std::string waits() const;

    DdrWord bank_word(int bank, uint64_t address) const;
    uint64_t bank_words() const;
    // All words that were stored are in memory.
    bool stored() const;

    std::unique_ptr<Simulator> simulator;
    hls::stream<WideWord> jobs, descriptors;
    hls::stream<ap_uint<128>> program;  // moves of the program's mover
    hls::stream<ap_uint<128>> program_words;
    hls::stream<ap_uint<24>> program_end;
    hls::stream<WideWord> training;  // commands of units that are not here
    std::vector<Reporting> units;
    std::vector<std::unique_ptr<MemoryBus>> buses;

private:
    // Words that a port stores, and the port.
    struct Store {
        hls::stream<ap_uint<128>> words;
        const MemoryBus* bus;
    };

    std::vector<Store> stores_;
    ap_uint<128> half_ = 0;
    bool has_half_ = false;
};

}  // namespace simulation

#endif
