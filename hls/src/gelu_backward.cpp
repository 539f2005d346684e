// Top function of the block for the derivative of GELU.
#include "trivit/blocks/gelu_backward.hpp"

using namespace trivit::blocks;

void trivit_gelu_backward(hls::stream<Command>& commands, hls::stream<TileRow>& rows,
                          hls::stream<TileRow>& partners, hls::stream<TileRow>& results,
                          hls::stream<Report>& reports) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = rows
#pragma HLS INTERFACE mode = axis port = partners
#pragma HLS INTERFACE mode = axis port = results
#pragma HLS INTERFACE mode = axis port = reports
    GeluBackward gelu_backward;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(gelu_backward, commands, rows, partners, results, reports);
    } while (running);
}
