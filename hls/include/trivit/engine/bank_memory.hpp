// A memory with two ports: one that reads, and one that reads or writes.
#ifndef TRIVIT_ENGINE_BANK_MEMORY_HPP
#define TRIVIT_ENGINE_BANK_MEMORY_HPP

#ifdef TRIVIT_SIMULATION
#include "clocked/bank_memory.hpp"
#else

namespace trivit {
namespace blocks {

template <class Value, int kEntries>
struct BankMemory {
    BankMemory() {}  // what it holds at first is unknown

    Value read(int address) const {
#pragma HLS INLINE
        return value[address];
    }

    // Through the second port, one of both in an iteration.
    Value read_second(int address) const {
#pragma HLS INLINE
        return value[address];
    }
    void write_second(int address, const Value& written) {
#pragma HLS INLINE
        value[address] = written;
    }

    Value value[kEntries];
};

}  // namespace blocks
}  // namespace trivit

#endif

#endif
