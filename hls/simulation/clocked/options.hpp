// What a simulation by a clock can be told.
#ifndef TRIVIT_CLOCKED_OPTIONS_HPP
#define TRIVIT_CLOCKED_OPTIONS_HPP

#include <cstdint>
#include <map>
#include <string>

namespace simulation {

struct Options {
    uint64_t seed = 0;       // of the order of the processes in a clock; 0: as they were made
    int port_depth = 4;      // of streams whose type names no depth
    int stream_latency = 2;  // clocks from a write to the read that sees it
    int loop_entry = 3;      // clocks before the first iteration
    int depth_factor = 1;    // of all pipelines
    int patience = 4000;     // clocks without movement after which nothing will move
    int pauses = 0;          // of 256 clocks, in which a stream offers nothing
    bool restart = false;    // blocks that return are called again, as with ap_ctrl_none
    std::map<std::string, int> depth;  // of streams by name, instead of what their type says
};

}  // namespace simulation

#endif
