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

    // Of a write it returns nothing that means anything.
    Value exchange(bool writes, int address, const Value& written) {
#pragma HLS INLINE
        Value found = written;
        if (writes) {
            value[address] = written;
        } else {
            found = value[address];
        }
        return found;
    }

    Value value[kEntries];
};

}  // namespace blocks
}  // namespace trivit

#endif

#endif
