// Moving rows between DDR and the activation memory: load and store (docs/cycles.md).
#ifndef TRIVIT_MOVE_HPP
#define TRIVIT_MOVE_HPP

#include "activation_memory.hpp"
#include "cycles.hpp"
#include "multiply.hpp"
#include "row_statistics.hpp"
#include "stream.hpp"
#include "timeline.hpp"

namespace trivit {

// Reads a tensor from the banks in row-major order.
class RowReader {
public:
    RowReader(const ActivationMemory& activation, uint32_t address, uint32_t words)
        : activation_(activation), cursor_(address, words) {}

    word_t get() {
        const word_t word = activation_.bank[cursor_.bank()][cursor_.address()];
        cursor_.advance();
        return word;
    }

private:
    const ActivationMemory& activation_;
    RowCursor cursor_;
};

// Port p brings rows p, p + 4, ...: banks p and p + 4 are its own, so four words land per cycle.
// Statistics are those of a single row, which comes over port 0.
template <class ParamPorts>
void load_rows(const LoadFields& f, ParamPorts& params, ActivationMemory& activation,
               RowStatistics& statistics, Timeline& timeline) {
#pragma HLS INLINE
    timeline.begin_on_ports();
    uint64_t beats = 0;
    uint32_t target = f.dst;  // of the current group of eight rows
    int32_t row_sum = 0;
    int64_t row_squares = 0;
    for (uint32_t row = 0; row < f.rows; row += kParamPorts) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 52
        const uint32_t half = row % kBanks;  // 0 or 4
        for (uint32_t first = 0; first < f.words; first += kBurstWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 6
#pragma HLS DATAFLOW  // the next rows arrive while these are spread
            word_t chunk[kParamPorts][kBurstWords];
#pragma HLS BIND_STORAGE variable = chunk type = ram_2p impl = lutram
            const uint32_t size = minimum(f.words - first, kBurstWords);
            uint64_t offset[kParamPorts];
            uint32_t count[kParamPorts];
            for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
#pragma HLS UNROLL
                offset[p] = uint64_t(f.source) + size_product(row + p, f.words) + first;
                count[p] = row + p < f.rows ? size : 0;
            }
            params.read(offset, count, chunk);
            for (uint32_t i = 0; i < size; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
#pragma HLS PIPELINE II = 1
                for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
#pragma HLS UNROLL
                    if (count[p] != 0) activation.bank[half + p][target + first + i] = chunk[p][i];
                }
                if (f.has_statistics) add_statistics(chunk[0][i], row_sum, row_squares);
            }
            beats += size;
        }
        if (half != 0) target += f.words;
    }
    if (f.has_statistics) {
        statistics.sum[0][0] = row_sum;
        statistics.squares[0][0] = row_squares;
    }
    timeline.run(transfer(beats));
    timeline.end_on_ports();
}

// region: first word of the image's output region.
template <class OutputPort>
Cycles store_rows(const StoreFields& f, uint64_t region, OutputPort& output,
                  const ActivationMemory& activation) {
#pragma HLS INLINE
    RowReader source(activation, f.src, f.words);
    return stream_out(output, region + f.target, size_product(f.rows, f.words), source);
}

}  // namespace trivit

#endif
