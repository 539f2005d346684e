// Contiguous words from a unit to DDR, in bursts through a small buffer.
#ifndef TRIVIT_STREAM_HPP
#define TRIVIT_STREAM_HPP

#include "ports.hpp"

namespace trivit {

// Write `count` consecutive words that source.get() gives in order.
template <class Port, class Source>
void stream_out(Port& port, uint64_t offset, uint32_t count, Source& source) {
    for (uint32_t first = 0; first < count; first += kBurstWords) {
        word_t chunk[kBurstWords];
        const uint32_t size = minimum(count - first, kBurstWords);
        for (uint32_t i = 0; i < size; ++i) {
            chunk[i] = source.get();
        }
        port.write(offset + first, size, chunk);
    }
}

}  // namespace trivit

#endif
