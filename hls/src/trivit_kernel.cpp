// Top function of the emulator: the accelerator's integers, instruction by instruction, in C++ that
// a processor runs fast. It has no structure of hardware and counts no cycles; the accelerator is
// hls/rtl with the blocks in include/trivit/blocks. The work is in program.hpp.
#include "trivit/kernel.hpp"

#include "trivit/program.hpp"

uint32_t trivit_kernel(const trivit::word_t* program, const trivit::word_t* params0,
                       const trivit::word_t* params1, const trivit::word_t* params2,
                       const trivit::word_t* params3, const trivit::word_t* input0,
                       const trivit::word_t* input1, const trivit::word_t* input2,
                       const trivit::word_t* input3, trivit::word_t* output, trivit::word_t* stats,
                       uint32_t num_instructions, uint32_t num_images, uint32_t params_words,
                       uint32_t input_words, uint32_t output_words) {
// Which pointer shares which port, and which register holds what (kernel.yaml), as Vitis HLS reads
// it. 128 bits is the width of an HP port; bursts of 64 beats stay within 4 KiB pages.
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
