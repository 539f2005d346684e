// Memories of a process, with what a simulation must hold against it: ports, and how many
// iterations lie between a write and the read that sees it.
#ifndef TRIVIT_BLOCKS_MEMORY_HPP
#define TRIVIT_BLOCKS_MEMORY_HPP

#ifdef TRIVIT_SIMULATION
#include "clocked/memory.hpp"
#else

namespace trivit {
namespace blocks {

// One port that reads, one that writes. An entry is read kDistance iterations after it was written
// at the earliest, which the process tells Vitis HLS by a DEPENDENCE of that distance.
template <class Value, int kEntries, int kDistance>
struct Memory {
    Memory() {}  // what it holds at first is unknown: no loop clears it

    Value read(int index) const {
#pragma HLS INLINE
        return value[index];
    }

    void write(int index, const Value& written) {
#pragma HLS INLINE
        value[index] = written;
    }

    Value value[kEntries];
};

// The two ports of the tables of one instance of a function.
struct TablePorts {
    template <class Value, int kEntries>
    Value read(const Value (&table)[kEntries], int index) {
#pragma HLS INLINE
        return table[index];
    }
};

}  // namespace blocks
}  // namespace trivit

#endif

#endif
