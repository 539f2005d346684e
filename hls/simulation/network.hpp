// The HLS blocks around the RTL: their processes under the clock of the Verilated model, and the
// streams between both.
#ifndef TRIVIT_SIMULATION_NETWORK_HPP
#define TRIVIT_SIMULATION_NETWORK_HPP

#include <memory>
#include <string>
#include <vector>

#include "clocked/simulator.hpp"
#include "options.hpp"
#include "rtl_stream.hpp"

class Vaccelerator;

namespace simulation {

// A block, the stream of its commands and its processes (numbers in Simulator::blocks()).
struct Block {
    int unit;
    const TypedChannel<ap_uint<256>>* commands;
    std::size_t first_process, processes;
};

class Network {
public:
    Network(Vaccelerator& top, const CommandLine& line);
    ~Network();

    // Of each clock, in this order: what the RTL sees; once its outputs have settled, what moves;
    // the blocks. Both return whether anything moved.
    void drive();
    bool transfer();
    bool clock() { return simulator_->clock(); }

    // A line for everything that waits: processes for a stream, streams for their reader.
    std::string waits() const;

    const Simulator& simulator() const { return *simulator_; }
    const std::vector<Block>& blocks() const { return blocks_; }
    const RtlStream* stream(const std::string& name) const;

private:
    void add_block(int unit, const TypedChannel<ap_uint<256>>* commands);
    void connect_training(Vaccelerator& top);

    std::unique_ptr<Simulator> simulator_;
    std::vector<Block> blocks_;
    std::vector<std::unique_ptr<RtlStream>> streams_;
};

}  // namespace simulation

#endif
