// Top function of the GELU block.
#include "trivit/blocks/gelu.hpp"

using namespace trivit::blocks;

void trivit_gelu(hls::stream<Command>& commands, hls::stream<TileRow>& rows,
                 hls::stream<TileRow>& results, hls::stream<Report>& reports) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = rows
#pragma HLS INTERFACE mode = axis port = results
#pragma HLS INTERFACE mode = axis port = reports
    Gelu gelu;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(gelu, commands, rows, results, reports);
    } while (running);
}
