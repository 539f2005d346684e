// Top function: interfaces and the division of on-chip memory. The work is in program.hpp.
#include "trivit/kernel.hpp"

#include "trivit/program.hpp"

uint32_t trivit_kernel(const trivit::word_t* program, const trivit::word_t* params,
                       const trivit::word_t* input, trivit::word_t* output, trivit::word_t* stats,
                       uint32_t num_instructions, uint32_t num_images, uint32_t params_words,
                       uint32_t input_words, uint32_t output_words) {
// Defaults of m_axi differ between releases and flows, so everything is stated. 128 bits is the
// width of an HP port; 64 beats are 1 KiB. Depths are what a C/RTL co-simulation allocates.
// clang-format off
#pragma HLS INTERFACE m_axi port = program bundle = gmem0 offset = slave depth = 8192 \
    latency = 64 max_widen_bitwidth = 128 max_read_burst_length = 64 num_read_outstanding = 4
#pragma HLS INTERFACE m_axi port = stats bundle = gmem0 offset = slave depth = 1024 \
    latency = 64 max_widen_bitwidth = 128 max_write_burst_length = 64 num_write_outstanding = 4
#pragma HLS INTERFACE m_axi port = params bundle = gmem1 offset = slave depth = 65536 \
    latency = 64 max_widen_bitwidth = 128 max_read_burst_length = 64 num_read_outstanding = 16
#pragma HLS INTERFACE m_axi port = input bundle = gmem2 offset = slave depth = 65536 \
    latency = 64 max_widen_bitwidth = 128 max_read_burst_length = 64 num_read_outstanding = 4
#pragma HLS INTERFACE m_axi port = output bundle = gmem2 offset = slave depth = 65536 \
    latency = 64 max_widen_bitwidth = 128 max_write_burst_length = 64 num_write_outstanding = 4
// clang-format on
#pragma HLS INTERFACE s_axilite port = program bundle = control
#pragma HLS INTERFACE s_axilite port = params bundle = control
#pragma HLS INTERFACE s_axilite port = input bundle = control
#pragma HLS INTERFACE s_axilite port = output bundle = control
#pragma HLS INTERFACE s_axilite port = stats bundle = control
#pragma HLS INTERFACE s_axilite port = num_instructions bundle = control
#pragma HLS INTERFACE s_axilite port = num_images bundle = control
#pragma HLS INTERFACE s_axilite port = params_words bundle = control
#pragma HLS INTERFACE s_axilite port = input_words bundle = control
#pragma HLS INTERFACE s_axilite port = output_words bundle = control
#pragma HLS INTERFACE s_axilite port = return bundle = control

    static trivit::KernelState state;
// All eight banks at one address per cycle; lanes apart, so that patchify can write some of them.
#pragma HLS ARRAY_PARTITION variable = state.activation.bank dim = 1 complete
#pragma HLS DISAGGREGATE variable = state.activation.bank
// The array reads all 32 outputs of a depth word per cycle, while the other buffer is written.
#pragma HLS ARRAY_PARTITION variable = state.weights.word dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.weights.word dim = 3 complete
// The array reads eight rows per cycle, while the other buffer is written.
#pragma HLS ARRAY_PARTITION variable = state.operands.query dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.operands.query dim = 2 complete
#pragma HLS ARRAY_PARTITION variable = state.operands.probability dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.operands.probability dim = 2 complete
// A slot's 256 sums are written in one cycle; epilogues read 64 of them per cycle.
#pragma HLS ARRAY_PARTITION variable = state.accumulators.sum dim = 2 complete
#pragma HLS ARRAY_PARTITION variable = state.accumulators.sum dim = 3 complete
#pragma HLS BIND_STORAGE variable = state.accumulators.sum type = ram_2p impl = lutram
// LayerNorm reads gamma and beta of a word together.
#pragma HLS ARRAY_PARTITION variable = state.parameters.vector dim = 1 complete
// Three groups in flight; kVectorRows = 2 rows of each per cycle.
#pragma HLS ARRAY_PARTITION variable = state.layernorm.row dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.layernorm.row dim = 2 cyclic factor = 2
#pragma HLS ARRAY_PARTITION variable = state.layernorm.mean dim = 0 complete
#pragma HLS ARRAY_PARTITION variable = state.layernorm.gain dim = 0 complete
#pragma HLS ARRAY_PARTITION variable = state.layernorm.halvings dim = 0 complete
#pragma HLS ARRAY_PARTITION variable = state.layernorm.sum dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.layernorm.power dim = 1 complete
// The score epilogue writes eight rows per cycle, softmax reads two of the other buffer.
#pragma HLS ARRAY_PARTITION variable = state.softmax.score dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.softmax.score dim = 2 complete
#pragma HLS ARRAY_PARTITION variable = state.softmax.open dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.softmax.open dim = 2 complete
#pragma HLS ARRAY_PARTITION variable = state.softmax.peak dim = 0 complete
// Two rows x eight keys per cycle.
#pragma HLS ARRAY_PARTITION variable = state.softmax.exponential dim = 1 cyclic factor = 2
#pragma HLS ARRAY_PARTITION variable = state.softmax.exponential dim = 3 complete
#pragma HLS ARRAY_PARTITION variable = state.softmax.sum dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.softmax.reciprocal dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.softmax.rounding dim = 1 complete
// Eight rows per cycle.
#pragma HLS ARRAY_PARTITION variable = state.attention.mask dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.attention.output dim = 1 complete
// Softmax adds to two rows x eight keys per cycle.
#pragma HLS ARRAY_PARTITION variable = state.scores.sum dim = 1 cyclic factor = 2
#pragma HLS ARRAY_PARTITION variable = state.scores.sum dim = 2 cyclic factor = 8
// A search word of 32 scores per cycle, while the other buffer is filled; the winners of eight rows
// are packed sixteen keys at a time.
#pragma HLS ARRAY_PARTITION variable = state.select.score dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.select.score dim = 4 complete
#pragma HLS ARRAY_PARTITION variable = state.select.open dim = 0 complete
#pragma HLS ARRAY_PARTITION variable = state.select.threshold dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.select.above dim = 1 complete
// Eight indices are checked and stored per cycle.
#pragma HLS ARRAY_PARTITION variable = state.index.row dim = 1 cyclic factor = 8

    trivit::PointerReadPort program_port(program);
    trivit::PointerReadPort params_port(params);
    trivit::PointerReadPort input_port(input);
    trivit::PointerWritePort output_port(output);
    trivit::PointerWritePort stats_port(stats);
    trivit::Ports<trivit::PointerReadPort, trivit::PointerReadPort, trivit::PointerReadPort,
                  trivit::PointerWritePort, trivit::PointerWritePort>
        ports = {program_port, params_port, input_port, output_port, stats_port};

    trivit::Arguments arguments;
    arguments.num_instructions = num_instructions;
    arguments.num_images = num_images;
    arguments.params_words = params_words;
    arguments.input_words = input_words;
    arguments.output_words = output_words;
    return trivit::execute_program(ports, arguments, state);
}
