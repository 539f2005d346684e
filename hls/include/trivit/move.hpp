// Moving rows between DDR and the activation memory: load and store.
#ifndef TRIVIT_MOVE_HPP
#define TRIVIT_MOVE_HPP

#include "activation_memory.hpp"
#include "multiply.hpp"
#include "row_statistics.hpp"
#include "stream.hpp"

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

// Port p brings rows p, p + 4, ...: banks p and p + 4 are its own.
// Statistics are those of a single row, which comes over port 0.
template <class ParamPorts>
void load_rows(const LoadFields& f, ParamPorts& params, ActivationMemory& activation,
               RowStatistics& statistics) {
    uint32_t target = f.dst;  // of the current group of eight rows
    int32_t row_sum = 0;
    int64_t row_squares = 0;
    for (uint32_t row = 0; row < f.rows; row += kParamPorts) {
        const uint32_t half = row % kBanks;  // 0 or 4
        for (uint32_t first = 0; first < f.words; first += kBurstWords) {
            word_t chunk[kParamPorts][kBurstWords];
            const uint32_t size = minimum(f.words - first, kBurstWords);
            uint64_t offset[kParamPorts];
            uint32_t count[kParamPorts];
            for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
                offset[p] = uint64_t(f.source) + size_product(row + p, f.words) + first;
                count[p] = row + p < f.rows ? size : 0;
            }
            params.read(offset, count, chunk);
            for (uint32_t i = 0; i < size; ++i) {
                for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
                    if (count[p] != 0) activation.bank[half + p][target + first + i] = chunk[p][i];
                }
                if (f.has_statistics) add_statistics(chunk[0][i], row_sum, row_squares);
            }
        }
        if (half != 0) target += f.words;
    }
    if (f.has_statistics) {
        statistics.sum[0][0] = row_sum;
        statistics.squares[0][0] = row_squares;
    }
}

// region: first word of the image's output region.
template <class OutputPort>
void store_rows(const StoreFields& f, uint64_t region, OutputPort& output,
                const ActivationMemory& activation) {
    RowReader source(activation, f.src, f.words);
    stream_out(output, region + f.target, size_product(f.rows, f.words), source);
}

}  // namespace trivit

#endif
