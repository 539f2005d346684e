// Access to DDR: everything a unit may do with memory outside the chip.
//
// A port is any class with
//     void read(uint64_t word_offset, uint32_t count, word_t* destination);   (read ports)
//     void write(uint64_t word_offset, uint32_t count, const word_t* source); (write ports)
// where offset and count are memory words, 1 <= count <= kBurstWords, and a call returns when the
// words have been transferred. The kernel and the emulator use the two classes below on raw
// pointers; a simulation may pass classes whose calls drive an AXI bus. Ports trust their caller:
// checks.hpp has compared every range with its region before an instruction runs.
#ifndef TRIVIT_PORTS_HPP
#define TRIVIT_PORTS_HPP

#include "types.hpp"

namespace trivit {

// Longest single transfer: 64 beats of 16 bytes, the burst length of the ports.
static const int kBurstWords = 64;

class PointerReadPort {
public:
    explicit PointerReadPort(const word_t* base) : base_(base) {}

    void read(uint64_t word_offset, uint32_t count, word_t* destination) {
        for (uint32_t i = 0; i < count; ++i) {
            destination[i] = base_[word_offset + i];
        }
    }

private:
    const word_t* base_;
};

class PointerWritePort {
public:
    explicit PointerWritePort(word_t* base) : base_(base) {}

    void write(uint64_t word_offset, uint32_t count, const word_t* source) {
        for (uint32_t i = 0; i < count; ++i) {
            base_[word_offset + i] = source[i];
        }
    }

private:
    word_t* base_;
};

// The four ports that bring parameters, or an image.
template <class Port>
struct QuadPort {
    Port& port0;
    Port& port1;
    Port& port2;
    Port& port3;

    // count[p] words from offset[p] on port p into row p; no word where count[p] is 0.
    void read(const uint64_t (&offset)[kParamPorts], const uint32_t (&count)[kParamPorts],
              word_t (&destination)[kParamPorts][kBurstWords]) {
        if (count[0] != 0) port0.read(offset[0], count[0], destination[0]);
        if (count[1] != 0) port1.read(offset[1], count[1], destination[1]);
        if (count[2] != 0) port2.read(offset[2], count[2], destination[2]);
        if (count[3] != 0) port3.read(offset[3], count[3], destination[3]);
    }
};

// The pointers of the top function; which of them share a bus: kernel.yaml, ports.
template <class ReadPort, class WritePort>
struct Ports {
    ReadPort& program;
    QuadPort<ReadPort> params;
    QuadPort<ReadPort> input;
    WritePort& output;
    WritePort& stats;
};

}  // namespace trivit

#endif
