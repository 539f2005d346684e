// The functions that the modules of hls/generated/dpi call, one for each HLS block; and how the
// blocks run, for whoever drives the simulation.
#include <cstdio>
#include <cstdlib>

#include "../../src/connections.cpp"
#include "../../src/gelu.cpp"
#include "../../src/normalise.cpp"
#include "../../src/select.cpp"
#include "../../src/sequencer.cpp"
#include "../../src/softmax.cpp"
#include "block.hpp"

namespace {

using simulation::BitsIn;
using simulation::BitsOut;
using simulation::Block;

// A block that breaks a rule ends the simulation: an exception must not pass through Verilator.
void clock(Block& block, bool running, BitsIn taken_valid, BitsIn taken_data, BitsOut taken_ready,
           BitsIn given_ready, BitsOut given_valid, BitsOut given_data) {
    try {
        block.clock(running, taken_valid, taken_data, taken_ready, given_ready, given_valid,
                    given_data);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        std::exit(1);
    }
}

}  // namespace

// `...`: the names of the ports, in the order of the top function's arguments.
#define HLS_BLOCK(name, ...)                                                                       \
    extern "C" void trivit_##name##_clock(                                                         \
        unsigned char running, BitsIn taken_valid, BitsIn taken_data, BitsOut taken_ready,         \
        BitsIn given_ready, BitsOut given_valid, BitsOut given_data) {                             \
        static Block block(#name,                                                                  \
                           [] { return simulation::make_ports(trivit_##name, {__VA_ARGS__}); });   \
        clock(block, running != 0, taken_valid, taken_data, taken_ready, given_ready, given_valid, \
              given_data);                                                                         \
    }

HLS_BLOCK(sequencer, "jobs", "descriptors", "engine", "gelu", "softmax", "normalise", "select",
          "row_writer", "softmax_writer", "norm_writer", "row_reader", "load", "store",
          "connections", "training", "weights0", "weights1", "weights2", "weights3", "rows0",
          "rows1", "rows2", "rows3", "stores0", "stores1", "stores2", "stores3", "program_end")
HLS_BLOCK(gelu, "commands", "rows", "results", "reports")
HLS_BLOCK(softmax, "commands", "scores", "open", "results", "cls", "all", "reports")
HLS_BLOCK(normalise, "commands", "rows", "vectors", "results", "reports")
HLS_BLOCK(select, "commands", "cls", "lists", "kept", "reports")
HLS_BLOCK(connections, "commands", "all", "kept", "open", "reports")

// From the next reset of the blocks on: pauses of so many of 256 clocks at each of their streams,
// and the order of the processes (0: as they were made).
extern "C" void trivit_blocks_configure(int pauses, uint64_t seed) {
    simulation::block_settings().pauses = pauses;
    simulation::block_settings().seed = seed;
}
