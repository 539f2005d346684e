// A process of an HLS block: an object whose `iterate` is one iteration of its only loop.
//
//     Process process;
//     bool running = true;
//     do {
// #pragma HLS PIPELINE II = 1 style = flp
//         running = pipeline(process, streams...);
//     } while (running);
//
// Vitis HLS sees that loop. The clocked simulation (hls/simulation/clocked) defines
// TRIVIT_SIMULATION: `pipeline` then hands a copy of the process and its streams to the simulator,
// which calls the same `iterate` once a clock, and ends the loop, so that calling a top function
// builds its network.
#ifndef TRIVIT_BLOCKS_PROCESS_HPP
#define TRIVIT_BLOCKS_PROCESS_HPP

#ifdef TRIVIT_SIMULATION
#include "clocked/pipeline.hpp"
#else

namespace trivit {
namespace blocks {

template <class Process, class... Streams>
bool pipeline(Process& process, Streams&... streams) {
#pragma HLS INLINE
    return process.iterate(streams...);
}

}  // namespace blocks
}  // namespace trivit

#endif

#endif
