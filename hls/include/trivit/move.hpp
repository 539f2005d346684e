// Moving rows: load, store, gather, and reading index tensors (docs/cycles.md).
#ifndef TRIVIT_MOVE_HPP
#define TRIVIT_MOVE_HPP

#include "activation_memory.hpp"
#include "cycles.hpp"
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
template <class ParamPorts>
void load_rows(const LoadFields& f, ParamPorts& params, ActivationMemory& activation,
               Timeline& timeline) {
#pragma HLS INLINE
    timeline.begin_on_ports();
    uint64_t beats = 0;
    uint32_t target = f.dst;  // of the current group of eight rows
    for (uint32_t row = 0; row < f.rows; row += kParamPorts) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 52
        const uint32_t half = row % kBanks;  // 0 or 4
        for (uint32_t first = 0; first < f.words; first += kBurstWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 2
#pragma HLS DATAFLOW  // the next rows arrive while these are spread
            word_t chunk[kParamPorts][kBurstWords];
#pragma HLS BIND_STORAGE variable = chunk type = ram_2p impl = lutram
            const uint32_t size = minimum(f.words - first, kBurstWords);
            uint64_t offset[kParamPorts];
            uint32_t count[kParamPorts];
            for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
#pragma HLS UNROLL
                offset[p] = uint64_t(f.source) + uint64_t(row + p) * f.words + first;
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
            }
            beats += size;
        }
        if (half != 0) target += f.words;
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

// A round of the copy: destination rows `row` .. `row + rows - 1`, whose sources are different rows
// of group `group` in ascending order.
struct GatherRound {
    uint32_t group;
    uint32_t row;
    uint32_t rows;
};

struct GatherPlan {
    GatherRound round[kMaxTokens];
    uint32_t rounds;
};

// Cut the list of rows where a row does not follow its neighbour within a group of eight.
inline Cycles plan_gather(const GatherFields& f, const IndexMemory& index, GatherPlan& plan) {
#pragma HLS INLINE
    LoopCounter loop;
    GatherRound current = {0, 0, 0};
    uint32_t rounds = 0;
    uint32_t before = 0;
    for (uint32_t row = 0; row < f.rows; ++row) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 208
#pragma HLS PIPELINE II = 1
        const uint32_t from = index.row[row];
        const bool follows = row != 0 && from / kBanks == current.group && from > before;
        if (!follows) {
            if (row != 0) plan.round[rounds++] = current;
            current.group = from / kBanks;
            current.row = row;
            current.rows = 0;
        }
        ++current.rows;
        before = from;
        loop.tick();
    }
    plan.round[rounds++] = current;
    plan.rounds = rounds;
    return loop.cycles();
}

// Each iteration reads a word of eight source rows (port A) and writes those that are wanted (port
// B): a crossbar of eight words. The rows of a round are neighbours in the destination, so no two
// share a bank. Rounds are made up to one for each source group, so ascending indices always take
// as long.
inline Cycles gather_rows(const GatherFields& f, const IndexMemory& index, const GatherPlan& plan,
                          ActivationMemory& activation) {
#pragma HLS INLINE
    LoopCounter loop;
    const uint32_t groups = row_groups(f.src_rows);
    const uint32_t rounds = plan.rounds > groups ? plan.rounds : groups;
    for (uint32_t round = 0; round < rounds; ++round) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 208
        for (uint32_t word = 0; word < f.words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 384
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
// Source and destination are disjoint.
#pragma HLS DEPENDENCE variable = activation.bank inter false
            if (round < plan.rounds) {
                const GatherRound& now = plan.round[round];
                for (uint32_t i = 0; i < uint32_t(kBanks); ++i) {
#pragma HLS UNROLL
                    if (i >= now.rows) continue;
                    const uint32_t row = now.row + i;
                    activation.bank[row % kBanks][f.dst + row / kBanks * f.words + word] =
                        activation
                            .bank[index.row[row] % kBanks][f.src + now.group * f.words + word];
                }
            }
            loop.tick();
        }
    }
    return loop.cycles();
}

}  // namespace trivit

#endif
