// Top function of the block for the gradient of the loss.
#include "trivit/blocks/cross_entropy.hpp"

using namespace trivit::blocks;

static void loss_logits(hls::stream<Command>& commands, hls::stream<TileRow>& logits,
                        hls::stream<TileRow>& targets, hls::stream<Command>& next,
                        hls::stream<Value>& row, hls::stream<Value>& target_row,
                        hls::stream<Value>& peaks) {
    LossLogits process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, logits, targets, next, row, target_row, peaks);
    } while (running);
}

static void loss_powers(hls::stream<Command>& commands, hls::stream<Value>& logits,
                        hls::stream<Value>& peaks, hls::stream<Command>& next,
                        hls::stream<Power>& powers, hls::stream<LossSum>& sums) {
    LossPowers process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, logits, peaks, next, powers, sums);
    } while (running);
}

static void loss_gradients(hls::stream<Command>& commands, hls::stream<Power>& powers,
                           hls::stream<LossSum>& sums, hls::stream<Value>& targets,
                           hls::stream<TileRow>& results, hls::stream<Report>& reports) {
    LossGradients process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, powers, sums, targets, results, reports);
    } while (running);
}

void trivit_cross_entropy(hls::stream<Command>& commands, hls::stream<TileRow>& logits,
                          hls::stream<TileRow>& targets, hls::stream<TileRow>& results,
                          hls::stream<Report>& reports) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = logits
#pragma HLS INTERFACE mode = axis port = targets
#pragma HLS INTERFACE mode = axis port = results
#pragma HLS INTERFACE mode = axis port = reports
#pragma HLS DATAFLOW
    hls::stream<Command, kLossFew> to_powers("to_powers");
    hls::stream<Value, kClassDepth> row("row");
    hls::stream<Value, kClassDepth> target_row("target_row");
    hls::stream<Value, kLossFew> peaks("peaks");
    hls::stream<Command, kLossFew> to_gradients("to_gradients");
    hls::stream<Power, kClassDepth> powers("powers");
    hls::stream<LossSum, kLossFew> sums("sums");
#pragma HLS BIND_STORAGE variable = row type = fifo impl = bram
#pragma HLS BIND_STORAGE variable = target_row type = fifo impl = bram
#pragma HLS BIND_STORAGE variable = powers type = fifo impl = bram
    loss_logits(commands, logits, targets, to_powers, row, target_row, peaks);
    loss_powers(to_powers, row, peaks, to_gradients, powers, sums);
    loss_gradients(to_gradients, powers, sums, target_row, results, reports);
}
