// Top function of the sequencer.
#include "trivit/blocks/sequencer.hpp"

using namespace trivit::blocks;

void trivit_sequencer(
    hls::stream<JobWord>& jobs, hls::stream<Command>& descriptors, hls::stream<Command>& engine,
    hls::stream<Command>& gelu, hls::stream<Command>& softmax, hls::stream<Command>& normalise,
    hls::stream<Command>& select, hls::stream<Command>& row_writer,
    hls::stream<Command>& softmax_writer, hls::stream<Command>& norm_writer,
    hls::stream<Command>& row_reader, hls::stream<Command>& load, hls::stream<Command>& store,
    hls::stream<Command>& connections, hls::stream<Command>& training, hls::stream<Move>& weights0,
    hls::stream<Move>& weights1, hls::stream<Move>& weights2, hls::stream<Move>& weights3,
    hls::stream<Move>& rows0, hls::stream<Move>& rows1, hls::stream<Move>& rows2,
    hls::stream<Move>& rows3, hls::stream<Move>& stores0, hls::stream<Move>& stores1,
    hls::stream<Move>& stores2, hls::stream<Move>& stores3, hls::stream<ap_uint<24>>& program_end) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = jobs
#pragma HLS INTERFACE mode = axis port = descriptors
#pragma HLS INTERFACE mode = axis port = engine
#pragma HLS INTERFACE mode = axis port = gelu
#pragma HLS INTERFACE mode = axis port = softmax
#pragma HLS INTERFACE mode = axis port = normalise
#pragma HLS INTERFACE mode = axis port = select
#pragma HLS INTERFACE mode = axis port = row_writer
#pragma HLS INTERFACE mode = axis port = softmax_writer
#pragma HLS INTERFACE mode = axis port = norm_writer
#pragma HLS INTERFACE mode = axis port = row_reader
#pragma HLS INTERFACE mode = axis port = load
#pragma HLS INTERFACE mode = axis port = store
#pragma HLS INTERFACE mode = axis port = connections
#pragma HLS INTERFACE mode = axis port = training
#pragma HLS INTERFACE mode = axis port = weights0
#pragma HLS INTERFACE mode = axis port = weights1
#pragma HLS INTERFACE mode = axis port = weights2
#pragma HLS INTERFACE mode = axis port = weights3
#pragma HLS INTERFACE mode = axis port = rows0
#pragma HLS INTERFACE mode = axis port = rows1
#pragma HLS INTERFACE mode = axis port = rows2
#pragma HLS INTERFACE mode = axis port = rows3
#pragma HLS INTERFACE mode = axis port = stores0
#pragma HLS INTERFACE mode = axis port = stores1
#pragma HLS INTERFACE mode = axis port = stores2
#pragma HLS INTERFACE mode = axis port = stores3
#pragma HLS INTERFACE mode = axis port = program_end
    Sequencer process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, jobs, descriptors, engine, gelu, softmax, normalise, select,
                           row_writer, softmax_writer, norm_writer, row_reader, load, store,
                           connections, training, weights0, weights1, weights2, weights3, rows0,
                           rows1, rows2, rows3, stores0, stores1, stores2, stores3, program_end);
    } while (running);
}
