// Top function of the block for layer normalisation.
#include "trivit/blocks/normalise.hpp"

using namespace trivit::blocks;

static void normalise_scales(hls::stream<Command>& commands, hls::stream<RowSums>& sums,
                             hls::stream<Command>& next, hls::stream<ScalePair>& scales) {
    Scales process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, sums, next, scales);
    } while (running);
}

static void normalise_rows(hls::stream<Command>& commands, hls::stream<ScalePair>& scales,
                           hls::stream<Vectors>& vectors, hls::stream<WordPair>& rows,
                           hls::stream<WordPair>& results, hls::stream<Report>& reports) {
    Normalise process;
#pragma HLS ARRAY_PARTITION variable = process.scale complete
#pragma HLS BIND_STORAGE variable = process.memory.value type = ram_s2p impl = bram
#pragma HLS DEPENDENCE variable = process.memory.value inter RAW distance = 4 true
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, scales, vectors, rows, results, reports);
    } while (running);
}

void trivit_normalise(hls::stream<Command>& commands, hls::stream<RowSums>& sums,
                      hls::stream<Vectors>& vectors, hls::stream<WordPair>& rows,
                      hls::stream<WordPair>& results, hls::stream<Report>& reports) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = sums
#pragma HLS INTERFACE mode = axis port = vectors
#pragma HLS INTERFACE mode = axis port = rows
#pragma HLS INTERFACE mode = axis port = results
#pragma HLS INTERFACE mode = axis port = reports
#pragma HLS DATAFLOW
    hls::stream<Command, kNormaliseFew> to_rows("to_rows");
    hls::stream<ScalePair, kScaleDepth> scales("scales");
    normalise_scales(commands, sums, to_rows, scales);
    normalise_rows(to_rows, scales, vectors, rows, results, reports);
}
