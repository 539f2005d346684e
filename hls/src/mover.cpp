// Top functions of the movers in C++.
#include "trivit/engine/mover.hpp"

using namespace trivit::blocks;

void trivit_mover_read(hls::stream<Move>& moves, MemoryPort& memory, hls::stream<Word>& words) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = moves
#pragma HLS INTERFACE mode = m_axi port = memory offset = off
#pragma HLS INTERFACE mode = axis port = words
    MoverRead process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, moves, memory, words);
    } while (running);
}

void trivit_mover_write(hls::stream<Move>& moves, hls::stream<Word>& words, MemoryPort& memory,
                        hls::stream<Finished>& finished) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = moves
#pragma HLS INTERFACE mode = axis port = words
#pragma HLS INTERFACE mode = m_axi port = memory offset = off
#pragma HLS INTERFACE mode = axis port = finished
    MoverWrite process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, moves, words, memory, finished);
    } while (running);
}

void trivit_mover_gate(hls::stream<Move>& moves, hls::stream<Ask>& asks,
                       hls::stream<Finished>& answers, hls::stream<Move>& passed) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = moves
#pragma HLS INTERFACE mode = axis port = asks
#pragma HLS INTERFACE mode = axis port = answers
#pragma HLS INTERFACE mode = axis port = passed
    MoverGate process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, moves, asks, answers, passed);
    } while (running);
}

void trivit_mover_fences(hls::stream<Finished>& finished0, hls::stream<Finished>& finished1,
                         hls::stream<Finished>& finished2, hls::stream<Finished>& finished3,
                         hls::stream<Ask>& asks0, hls::stream<Ask>& asks1, hls::stream<Ask>& asks2,
                         hls::stream<Ask>& asks3, hls::stream<Finished>& answers0,
                         hls::stream<Finished>& answers1, hls::stream<Finished>& answers2,
                         hls::stream<Finished>& answers3) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = finished0
#pragma HLS INTERFACE mode = axis port = finished1
#pragma HLS INTERFACE mode = axis port = finished2
#pragma HLS INTERFACE mode = axis port = finished3
#pragma HLS INTERFACE mode = axis port = asks0
#pragma HLS INTERFACE mode = axis port = asks1
#pragma HLS INTERFACE mode = axis port = asks2
#pragma HLS INTERFACE mode = axis port = asks3
#pragma HLS INTERFACE mode = axis port = answers0
#pragma HLS INTERFACE mode = axis port = answers1
#pragma HLS INTERFACE mode = axis port = answers2
#pragma HLS INTERFACE mode = axis port = answers3
    MoverFences process;
#pragma HLS ARRAY_PARTITION variable = process.count complete
#pragma HLS ARRAY_PARTITION variable = process.ask complete
#pragma HLS ARRAY_PARTITION variable = process.open complete
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, finished0, finished1, finished2, finished3, asks0, asks1, asks2,
                           asks3, answers0, answers1, answers2, answers3);
    } while (running);
}
