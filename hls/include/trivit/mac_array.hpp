// The multiplier array: 8 tokens x 32 outputs x 8 products per cycle, output-stationary.
#ifndef TRIVIT_MAC_ARRAY_HPP
#define TRIVIT_MAC_ARRAY_HPP

#include "activation_memory.hpp"
#include "cycles.hpp"
#include "stream.hpp"

namespace trivit {

// Two weight buffers: one feeds the array while the other is filled (ping-pong). The 32 outputs of
// a depth word lie in 32 memories, because the array takes all of them in one cycle.
struct WeightMemory {
    word_t word[2][kMaxDepthWords][kOutputs];
};

// Finished sums. A pass fills one slot per row group (matmul) or column tile (attention); all
// 256 sums of a slot are written at once, so each lies in a memory of its own.
struct Accumulators {
    acc_t sum[kMaxGroups][kBanks][kOutputs];
};

// Rows that attention multiplies: its copy of the queries of a head (two heads in flight) and the
// probabilities of a row group (two groups in flight). Banked like the activation memory.
struct OperandMemory {
    word_t query[2][kBanks][kMaxGroups * kMaxHeadWords];
    word_t probability[2][kBanks][kMaxRowWords];
};

// Stores a weight stream [depth word][output] into one of the buffers.
class WeightSink {
public:
    WeightSink(WeightMemory& memory, uint32_t buffer)
        : memory_(memory), buffer_(buffer), depth_(0), output_(0) {}

    void put(const word_t& word) {
        memory_.word[buffer_][depth_][output_] = word;
        if (++output_ == uint32_t(kOutputs)) {
            output_ = 0;
            ++depth_;
        }
    }

private:
    WeightMemory& memory_;
    uint32_t buffer_;
    uint32_t depth_;
    uint32_t output_;
};

// One cycle of the array. Products are exact in 32 bits; sums of full-range products are not,
// so they are added at accumulator width.
inline void multiply_accumulate(const word_t (&rows)[kBanks], const word_t (&columns)[kOutputs],
                                acc_t (&sums)[kBanks][kOutputs]) {
#pragma HLS INLINE
    for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
        for (int n = 0; n < kOutputs; ++n) {
#pragma HLS UNROLL
            acc_t dot = 0;
            for (int e = 0; e < kLanes; ++e) {
#pragma HLS UNROLL
                dot += int32_t(rows[m].lane[e]) * int32_t(columns[n].lane[e]);
            }
            sums[m][n] += dot;
        }
    }
}

inline void clear_sums(acc_t (&sums)[kBanks][kOutputs]) {
#pragma HLS INLINE
    for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
        for (int n = 0; n < kOutputs; ++n) {
#pragma HLS UNROLL
            sums[m][n] = 0;
        }
    }
}

// Memory that feeds the token side of the array.
enum class RowSource { activation, query, probability };

// Which words a pass of the array multiplies: slot s, depth word k takes address row + s * row_step
// + k of the eight row memories and weight + s * weight_step + k of a weight buffer.
struct ArrayPass {
    RowSource source;
    uint32_t source_buffer;  // of query and probability
    uint32_t slots;
    uint32_t depth;
    uint32_t row;
    uint32_t row_step;
    uint32_t weight_buffer;
    uint32_t weight;
    uint32_t weight_step;
};

inline const word_t& row_operand(const ActivationMemory& activation, const OperandMemory& operands,
                                 const ArrayPass& pass, int bank, uint32_t address) {
#pragma HLS INLINE
    if (pass.source == RowSource::activation) return activation.bank[bank][address];
    if (pass.source == RowSource::query) return operands.query[pass.source_buffer][bank][address];
    return operands.probability[pass.source_buffer][bank][address];
}

// Run a pass. There is one array: the function is not inlined, its callers are, and the top
// function allows a single instance, so the row memories are chosen by a multiplexer in front of
// it. Slots and depth are one pipelined loop: II=1 because the sums are its only recurrence, one
// addition deep.
inline Cycles run_array(const ActivationMemory& activation, const OperandMemory& operands,
                        const WeightMemory& weights, const ArrayPass& pass,
                        Accumulators& accumulators) {
#pragma HLS INLINE off
    LoopCounter loop;
    acc_t sums[kBanks][kOutputs];
#pragma HLS ARRAY_PARTITION variable = sums dim = 0 complete  // all 256 sums change every cycle
    for (uint32_t slot = 0; slot < pass.slots; ++slot) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
        for (uint32_t k = 0; k < pass.depth; ++k) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 384
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
            const uint32_t row = pass.row + slot * pass.row_step + k;
            const uint32_t weight = pass.weight + slot * pass.weight_step + k;
            word_t operand[kBanks];
            for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
                operand[m] = row_operand(activation, operands, pass, m, row);
            }
            if (k == 0) clear_sums(sums);
            multiply_accumulate(operand, weights.word[pass.weight_buffer][weight], sums);
            if (k + 1 == pass.depth) {
                for (int m = 0; m < kBanks; ++m) {
#pragma HLS UNROLL
                    for (int n = 0; n < kOutputs; ++n) {
#pragma HLS UNROLL
                        accumulators.sum[slot][m][n] = sums[m][n];
                    }
                }
            }
            loop.tick();
        }
    }
    return loop.cycles();
}

}  // namespace trivit

#endif
