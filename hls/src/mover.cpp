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

void trivit_mover_write(hls::stream<Move>& moves, hls::stream<Word>& words, MemoryPort& memory) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = moves
#pragma HLS INTERFACE mode = axis port = words
#pragma HLS INTERFACE mode = m_axi port = memory offset = off
    MoverWrite process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, moves, words, memory);
    } while (running);
}
