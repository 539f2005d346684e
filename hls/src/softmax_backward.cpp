// Top function of the block for the gradient of softmax.
#include "trivit/blocks/softmax_backward.hpp"

using namespace trivit::blocks;

static void softmax_backward_sums(hls::stream<Command>& commands, hls::stream<TileRow>& rows,
                                  hls::stream<TileRow>& partners, hls::stream<Command>& next,
                                  hls::stream<GradientPair>& pairs,
                                  hls::stream<WeightedSum>& sums) {
    WeightedSums process;
#pragma HLS ARRAY_PARTITION variable = process.sum complete
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, rows, partners, next, pairs, sums);
    } while (running);
}

static void softmax_backward_scores(hls::stream<Command>& commands,
                                    hls::stream<GradientPair>& pairs,
                                    hls::stream<WeightedSum>& sums, hls::stream<TileRow>& results,
                                    hls::stream<Report>& reports) {
    ScoreGradients process;
#pragma HLS ARRAY_PARTITION variable = process.sum complete
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, pairs, sums, results, reports);
    } while (running);
}

void trivit_softmax_backward(hls::stream<Command>& commands, hls::stream<TileRow>& rows,
                             hls::stream<TileRow>& partners, hls::stream<TileRow>& results,
                             hls::stream<Report>& reports) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = rows
#pragma HLS INTERFACE mode = axis port = partners
#pragma HLS INTERFACE mode = axis port = results
#pragma HLS INTERFACE mode = axis port = reports
#pragma HLS DATAFLOW
    hls::stream<Command, kGradientFew> to_scores("to_scores");
    hls::stream<GradientPair, kGradientDepth> pairs("pairs");
    hls::stream<WeightedSum, kGradientFew> sums("sums");
#pragma HLS BIND_STORAGE variable = pairs type = fifo impl = bram
    softmax_backward_sums(commands, rows, partners, to_scores, pairs, sums);
    softmax_backward_scores(to_scores, pairs, sums, results, reports);
}
