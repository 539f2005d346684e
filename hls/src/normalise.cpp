// Top function of the block for layer normalisation.
#include "trivit/blocks/normalise.hpp"

using namespace trivit::blocks;

static void normalise_statistics(hls::stream<Command>& commands, hls::stream<WordPair>& rows,
                                 hls::stream<Command>& next, hls::stream<WordPair>& same,
                                 hls::stream<RowSumsPair>& sums) {
    Statistics process;
#pragma HLS ARRAY_PARTITION variable = process.sum complete
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, rows, next, same, sums);
    } while (running);
}

static void normalise_scales(hls::stream<Command>& commands, hls::stream<RowSumsPair>& sums,
                             hls::stream<Command>& next, hls::stream<ScalePair>& scales) {
    Scales<NormaliseFields> process;
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

void trivit_normalise(hls::stream<Command>& commands, hls::stream<WordPair>& rows,
                      hls::stream<Vectors>& vectors, hls::stream<WordPair>& results,
                      hls::stream<Report>& reports) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = rows
#pragma HLS INTERFACE mode = axis port = vectors
#pragma HLS INTERFACE mode = axis port = results
#pragma HLS INTERFACE mode = axis port = reports
#pragma HLS DATAFLOW
    hls::stream<Command, kNormaliseFew> to_scales("to_scales");
    hls::stream<WordPair, kRowDepth> row_group("row_group");
    hls::stream<RowSumsPair, kNormaliseFew> sums("sums");
    hls::stream<Command, kNormaliseFew> to_rows("to_rows");
    hls::stream<ScalePair, kScaleDepth> scales("scales");
#pragma HLS BIND_STORAGE variable = row_group type = fifo impl = bram
    normalise_statistics(commands, rows, to_scales, row_group, sums);
    normalise_scales(to_scales, sums, to_rows, scales);
    normalise_rows(to_rows, scales, vectors, row_group, results, reports);
}
