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

// Longest single transfer: 256 beats of 16 bytes are one 4 KiB page, the longest AXI4 burst.
static const int kBurstWords = 256;

class PointerReadPort {
public:
    explicit PointerReadPort(const word_t* base) : base_(base) {}

    void read(uint64_t word_offset, uint32_t count, word_t* destination) {
#pragma HLS INLINE
        for (uint32_t i = 0; i < count; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 256
#pragma HLS PIPELINE II = 1  // consecutive addresses and nothing else in the body: one AXI burst
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
#pragma HLS INLINE
        for (uint32_t i = 0; i < count; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 256
#pragma HLS PIPELINE II = 1  // consecutive addresses and nothing else in the body: one AXI burst
            base_[word_offset + i] = source[i];
        }
    }

private:
    word_t* base_;
};

// The five pointers of the top function. Program and stats, and input and output, share a bundle
// (kernel.yaml, ports); a port class that models the buses shares them in the same way.
template <class ProgramPort, class ParamsPort, class InputPort, class OutputPort, class StatsPort>
struct Ports {
    ProgramPort& program;
    ParamsPort& params;
    InputPort& input;
    OutputPort& output;
    StatsPort& stats;
};

}  // namespace trivit

#endif
