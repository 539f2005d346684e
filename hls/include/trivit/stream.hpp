// Contiguous words from a unit to DDR, in bursts through a small buffer.
#ifndef TRIVIT_STREAM_HPP
#define TRIVIT_STREAM_HPP

#include "cycles.hpp"
#include "ports.hpp"

namespace trivit {

// Write `count` consecutive words that source.get() gives in order.
template <class Port, class Source>
Cycles stream_out(Port& port, uint64_t offset, uint32_t count, Source& source) {
#pragma HLS INLINE
    for (uint32_t first = 0; first < count; first += kBurstWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 312
#pragma HLS DATAFLOW
        word_t chunk[kBurstWords];
#pragma HLS BIND_STORAGE variable = chunk type = ram_2p impl = lutram
        const uint32_t size = minimum(count - first, kBurstWords);
        for (uint32_t i = 0; i < size; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
#pragma HLS PIPELINE II = 1
            chunk[i] = source.get();
        }
        port.write(offset + first, size, chunk);
    }
    return transfer(count);
}

}  // namespace trivit

#endif
