// Contiguous words between DDR and a unit, in bursts through a small buffer.
#ifndef TRIVIT_STREAM_HPP
#define TRIVIT_STREAM_HPP

#include "cycles.hpp"
#include "ports.hpp"

namespace trivit {

// Give `count` consecutive words to sink.put(word). The two loops of the body share nothing but the
// chunk, so the next burst arrives while a chunk is spread.
template <class Port, class Sink>
Cycles stream_in(Port& port, uint64_t offset, uint32_t count, Sink& sink) {
#pragma HLS INLINE
    for (uint32_t first = 0; first < count; first += kBurstWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 48
#pragma HLS DATAFLOW
        word_t chunk[kBurstWords];
        const uint32_t size = minimum(count - first, kBurstWords);
        port.read(offset + first, size, chunk);
        for (uint32_t i = 0; i < size; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 256
#pragma HLS PIPELINE II = 1
            sink.put(chunk[i]);
        }
    }
    return transfer(count);
}

// Write `count` consecutive words that source.get() gives in order.
template <class Port, class Source>
Cycles stream_out(Port& port, uint64_t offset, uint32_t count, Source& source) {
#pragma HLS INLINE
    for (uint32_t first = 0; first < count; first += kBurstWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 312
#pragma HLS DATAFLOW
        word_t chunk[kBurstWords];
        const uint32_t size = minimum(count - first, kBurstWords);
        for (uint32_t i = 0; i < size; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 256
#pragma HLS PIPELINE II = 1
            chunk[i] = source.get();
        }
        port.write(offset + first, size, chunk);
    }
    return transfer(count);
}

// Sink into a plain array: bias, gamma, beta.
class ArraySink {
public:
    explicit ArraySink(word_t* target) : target_(target), next_(0) {}
    void put(const word_t& word) { target_[next_++] = word; }

private:
    word_t* target_;
    uint32_t next_;
};

}  // namespace trivit

#endif
