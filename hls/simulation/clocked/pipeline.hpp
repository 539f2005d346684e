// `pipeline` of hls/include/trivit/blocks/process.hpp for a clocked simulation. Without a simulator
// it runs the loop as Vitis HLS reads it.
#ifndef TRIVIT_CLOCKED_PIPELINE_HPP
#define TRIVIT_CLOCKED_PIPELINE_HPP

#include "simulator.hpp"

namespace trivit {
namespace blocks {

template <class Process, class... Streams>
bool pipeline(Process& process, Streams&... streams) {
    simulation::Simulator* simulator = simulation::Simulator::current();
    if (!simulator) return process.iterate(streams...);
    simulator->add(process, streams...);
    return false;
}

}  // namespace blocks
}  // namespace trivit

#endif
