// Top function: interfaces and the division of on-chip memory. The work is in program.hpp.
#include "trivit/kernel.hpp"

#include "trivit/program.hpp"

uint32_t trivit_kernel(const trivit::word_t* program, const trivit::word_t* params0,
                       const trivit::word_t* params1, const trivit::word_t* params2,
                       const trivit::word_t* params3, const trivit::word_t* input0,
                       const trivit::word_t* input1, const trivit::word_t* input2,
                       const trivit::word_t* input3, trivit::word_t* output, trivit::word_t* stats,
                       uint32_t num_instructions, uint32_t num_images, uint32_t params_words,
                       uint32_t input_words, uint32_t output_words) {
// Defaults of m_axi differ between releases and flows, so everything is stated. 128 bits is the
// width of an HP port; bursts of 64 beats stay within 4 KiB pages; four of them under way cover the
// latency of DDR and keep the stream full while the ring waits. Depths are for co-simulation.
// clang-format off: it would break these lines within an assignment
#pragma HLS INTERFACE m_axi port = program bundle = gmem0 offset = slave depth = 8192 \
    latency = 64 max_widen_bitwidth = 128 max_read_burst_length = 64 num_read_outstanding = 4
#pragma HLS INTERFACE m_axi port = output bundle = gmem0 offset = slave depth = 65536 \
    latency = 64 max_widen_bitwidth = 128 max_write_burst_length = 64 num_write_outstanding = 4
#pragma HLS INTERFACE m_axi port = stats bundle = gmem0 offset = slave depth = 1024 \
    latency = 64 max_widen_bitwidth = 128 max_write_burst_length = 64 num_write_outstanding = 4
#pragma HLS INTERFACE m_axi port = params0 bundle = gmem1 offset = slave depth = 65536 \
    latency = 64 max_widen_bitwidth = 128 max_read_burst_length = 64 num_read_outstanding = 4
#pragma HLS INTERFACE m_axi port = input0 bundle = gmem1 offset = slave depth = 65536 \
    latency = 64 max_widen_bitwidth = 128 max_read_burst_length = 64 num_read_outstanding = 4
#pragma HLS INTERFACE m_axi port = params1 bundle = gmem2 offset = slave depth = 65536 \
    latency = 64 max_widen_bitwidth = 128 max_read_burst_length = 64 num_read_outstanding = 4
#pragma HLS INTERFACE m_axi port = input1 bundle = gmem2 offset = slave depth = 65536 \
    latency = 64 max_widen_bitwidth = 128 max_read_burst_length = 64 num_read_outstanding = 4
#pragma HLS INTERFACE m_axi port = params2 bundle = gmem3 offset = slave depth = 65536 \
    latency = 64 max_widen_bitwidth = 128 max_read_burst_length = 64 num_read_outstanding = 4
#pragma HLS INTERFACE m_axi port = input2 bundle = gmem3 offset = slave depth = 65536 \
    latency = 64 max_widen_bitwidth = 128 max_read_burst_length = 64 num_read_outstanding = 4
#pragma HLS INTERFACE m_axi port = params3 bundle = gmem4 offset = slave depth = 65536 \
    latency = 64 max_widen_bitwidth = 128 max_read_burst_length = 64 num_read_outstanding = 4
#pragma HLS INTERFACE m_axi port = input3 bundle = gmem4 offset = slave depth = 65536 \
    latency = 64 max_widen_bitwidth = 128 max_read_burst_length = 64 num_read_outstanding = 4
// clang-format on
#pragma HLS INTERFACE s_axilite port = program bundle = control
#pragma HLS INTERFACE s_axilite port = params0 bundle = control
#pragma HLS INTERFACE s_axilite port = params1 bundle = control
#pragma HLS INTERFACE s_axilite port = params2 bundle = control
#pragma HLS INTERFACE s_axilite port = params3 bundle = control
#pragma HLS INTERFACE s_axilite port = input0 bundle = control
#pragma HLS INTERFACE s_axilite port = input1 bundle = control
#pragma HLS INTERFACE s_axilite port = input2 bundle = control
#pragma HLS INTERFACE s_axilite port = input3 bundle = control
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
// Two ports: one process reads the source while another reads residuals and writes results.
#pragma HLS ARRAY_PARTITION variable = state.activation.bank dim = 1 complete
#pragma HLS DISAGGREGATE variable = state.activation.bank
#pragma HLS BIND_STORAGE variable = state.activation.bank type = ram_t2p impl = bram
// The array reads all 32 outputs of a depth word per cycle, while tiles, keys or values arrive.
#pragma HLS ARRAY_PARTITION variable = state.weights.word dim = 1 complete
#pragma HLS BIND_STORAGE variable = state.weights.word type = ram_t2p impl = bram
#pragma HLS ARRAY_PARTITION variable = state.weights.bias dim = 2 complete
#pragma HLS BIND_STORAGE variable = state.weights.bias type = ram_2p impl = lutram
// The array reads eight rows per cycle, softmax writes two of another buffer.
#pragma HLS ARRAY_PARTITION variable = state.probability.bank dim = 1 complete
#pragma HLS BIND_STORAGE variable = state.probability.bank type = ram_2p impl = lutram
// 256 sums are handed over in one cycle; epilogues read 64 of them per cycle.
#pragma HLS ARRAY_PARTITION variable = state.sums.value dim = 0 complete
#pragma HLS ARRAY_PARTITION variable = state.attention.scores.value dim = 0 complete
#pragma HLS ARRAY_PARTITION variable = state.attention.context.value dim = 0 complete
#pragma HLS BIND_STORAGE variable = state.attention.scores type = ram_2p impl = lutram
#pragma HLS BIND_STORAGE variable = state.attention.context type = ram_2p impl = lutram
// One pair is in use while the other is filled.
#pragma HLS ARRAY_PARTITION variable = state.normalise.gamma dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.normalise.beta dim = 1 complete
// Eight rows pass through the normalisation at once; the scales of a matmul's first rows are made
// while the array works on the rows of another.
#pragma HLS ARRAY_PARTITION variable = state.normalise.scale dim = 1 complete
#pragma HLS BIND_STORAGE variable = state.normalise.scale type = ram_2p impl = lutram
// An epilogue adds to eight rows at once, the scale unit reads a row.
#pragma HLS ARRAY_PARTITION variable = state.row_statistics.sum dim = 1 complete
#pragma HLS BIND_STORAGE variable = state.row_statistics.sum type = ram_2p impl = lutram
#pragma HLS ARRAY_PARTITION variable = state.row_statistics.squares dim = 1 complete
#pragma HLS BIND_STORAGE variable = state.row_statistics.squares type = ram_2p impl = lutram
// Eight indices change the entries of up to eight groups in a cycle.
#pragma HLS ARRAY_PARTITION variable = state.compaction.kept dim = 0 complete
#pragma HLS ARRAY_PARTITION variable = state.compaction.first dim = 0 complete
#pragma HLS ARRAY_PARTITION variable = state.select.plan.kept dim = 0 complete
#pragma HLS ARRAY_PARTITION variable = state.select.plan.first dim = 0 complete
// Rounding writes eight rows per cycle, softmax reads two of the other buffer.
#pragma HLS ARRAY_PARTITION variable = state.softmax.score dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.softmax.score dim = 2 complete
#pragma HLS BIND_STORAGE variable = state.softmax.score type = ram_2p impl = lutram
#pragma HLS ARRAY_PARTITION variable = state.softmax.open dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.softmax.open dim = 2 complete
#pragma HLS ARRAY_PARTITION variable = state.softmax.peak dim = 0 complete
// Two rows x eight keys per cycle.
#pragma HLS ARRAY_PARTITION variable = state.softmax.exponential dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.softmax.exponential dim = 2 cyclic factor = \
    trivit::kSoftmaxRows
#pragma HLS ARRAY_PARTITION variable = state.softmax.exponential dim = 4 complete
#pragma HLS BIND_STORAGE variable = state.softmax.exponential type = ram_2p impl = lutram
#pragma HLS ARRAY_PARTITION variable = state.softmax.live dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.softmax.live dim = 2 cyclic factor = \
    trivit::kSoftmaxRows
#pragma HLS ARRAY_PARTITION variable = state.softmax.sum dim = 0 complete
// Eight rows per cycle.
#pragma HLS ARRAY_PARTITION variable = state.attention.mask dim = 1 complete
#pragma HLS BIND_STORAGE variable = state.attention.mask type = ram_2p impl = lutram
// Softmax adds to two rows x eight keys per cycle.
#pragma HLS ARRAY_PARTITION variable = state.scores.sum dim = 1 cyclic factor = trivit::kSoftmaxRows
#pragma HLS ARRAY_PARTITION variable = state.scores.sum dim = 2 cyclic factor = 8
// A search word of 32 scores per cycle, while eight scores land in any lanes of the other buffer; a
// search opens two elements of a mask row, and a mask word of eight rows moves at once.
#pragma HLS ARRAY_PARTITION variable = state.select.score dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.select.score dim = 4 complete
#pragma HLS BIND_STORAGE variable = state.select.score type = ram_2p impl = lutram
#pragma HLS ARRAY_PARTITION variable = state.select.mask dim = 1 complete
#pragma HLS DISAGGREGATE variable = state.select.mask
#pragma HLS BIND_STORAGE variable = state.select.mask type = ram_2p impl = lutram
#pragma HLS ARRAY_PARTITION variable = state.select.threshold dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.select.above dim = 1 complete
// Eight indices are stored per cycle.
#pragma HLS ARRAY_PARTITION variable = state.select.index.row dim = 1 cyclic factor = 8
// A port fills one patch column per cycle, eight neighbouring columns are read; eight pixels each.
#pragma HLS ARRAY_PARTITION variable = state.lines.pixel dim = 1 complete
#pragma HLS ARRAY_PARTITION variable = state.lines.pixel dim = 2 complete
#pragma HLS ARRAY_PARTITION variable = state.lines.pixel dim = 3 cyclic factor = 8
#pragma HLS BIND_STORAGE variable = state.lines.pixel type = ram_2p impl = lutram

    trivit::PointerReadPort program_port(program);
    trivit::PointerReadPort params_port0(params0);
    trivit::PointerReadPort params_port1(params1);
    trivit::PointerReadPort params_port2(params2);
    trivit::PointerReadPort params_port3(params3);
    trivit::PointerReadPort input_port0(input0);
    trivit::PointerReadPort input_port1(input1);
    trivit::PointerReadPort input_port2(input2);
    trivit::PointerReadPort input_port3(input3);
    trivit::PointerWritePort output_port(output);
    trivit::PointerWritePort stats_port(stats);
    trivit::Ports<trivit::PointerReadPort, trivit::PointerWritePort> ports = {
        program_port,
        {params_port0, params_port1, params_port2, params_port3},
        {input_port0, input_port1, input_port2, input_port3},
        output_port,
        stats_port};

    trivit::Arguments arguments;
    arguments.num_instructions = num_instructions;
    arguments.num_images = num_images;
    arguments.params_words = params_words;
    arguments.input_words = input_words;
    arguments.output_words = output_words;
    return trivit::execute_program(ports, arguments, state);
}
