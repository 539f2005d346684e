// Moving rows: load, store, gather, and reading index tensors (docs/cycles.md).
#ifndef TRIVIT_MOVE_HPP
#define TRIVIT_MOVE_HPP

#include "activation_memory.hpp"
#include "cycles.hpp"
#include "stream.hpp"

namespace trivit {

// Spreads a row-major stream over the banks.
class RowSink {
public:
    RowSink(ActivationMemory& activation, uint32_t address, uint32_t words)
        : activation_(activation), cursor_(address, words) {}

    void put(const word_t& word) {
        activation_.bank[cursor_.bank()][cursor_.address()] = word;
        cursor_.advance();
    }

private:
    ActivationMemory& activation_;
    RowCursor cursor_;
};

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

template <class ParamsPort>
Cycles load_rows(const LoadFields& f, ParamsPort& params, ActivationMemory& activation) {
#pragma HLS INLINE
    RowSink sink(activation, f.dst, f.words);
    return stream_in(params, f.source, f.rows * f.words, sink);
}

// region: first word of the image's output region.
template <class OutputPort>
Cycles store_rows(const StoreFields& f, uint64_t region, OutputPort& output,
                  const ActivationMemory& activation) {
#pragma HLS INLINE
    RowReader source(activation, f.src, f.words);
    return stream_out(output, region + f.target, f.rows * f.words, source);
}

// A checked index tensor.
struct IndexMemory {
    uint32_t row[kMaxTokens];
};

// Read `count` indices and compare each with `bound`, a word of eight per cycle.
inline Error read_indices(uint32_t address, uint32_t count, uint32_t bound,
                          const ActivationMemory& activation, IndexMemory& index, Cycles& cycles) {
#pragma HLS INLINE
    LoopCounter loop;
    bool inside = true;
    for (uint32_t word = 0; word < ceil_div(count, kLanes); ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
#pragma HLS PIPELINE II = 1
        const word_t indices = activation.bank[0][address + word];
        for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
#pragma HLS UNROLL
            const int16_t value = indices.lane[lane];
            const bool counts = word * kLanes + lane < count;
            if (counts && (value < 0 || uint32_t(value) >= bound)) inside = false;
            index.row[word * kLanes + lane] = uint32_t(uint16_t(value));
        }
        loop.tick();
    }
    cycles += loop.cycles();
    return inside ? Error::ok : Error::index_range;
}

// One word per cycle: named rows may share a bank.
inline Cycles gather_rows(const GatherFields& f, const IndexMemory& index,
                          ActivationMemory& activation) {
#pragma HLS INLINE
    LoopCounter loop;
    RowCursor target(f.dst, f.words);
    for (uint32_t row = 0; row < f.rows; ++row) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 208
        for (uint32_t word = 0; word < f.words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 384
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
// Source and destination are disjoint.
#pragma HLS DEPENDENCE variable = activation.bank inter false
            const uint32_t from = index.row[row];
            activation.bank[target.bank()][target.address()] =
                activation.bank[from % kBanks][f.src + from / kBanks * f.words + word];
            target.advance();
            loop.tick();
        }
    }
    return loop.cycles();
}

}  // namespace trivit

#endif
