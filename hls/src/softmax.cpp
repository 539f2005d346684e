// Top function of the softmax block.
#include "trivit/blocks/softmax.hpp"

using namespace trivit::blocks;

static void softmax_peaks(hls::stream<Command>& commands, hls::stream<TileRow>& scores,
                          hls::stream<OpenKeys>& open, hls::stream<Command>& next,
                          hls::stream<TileRow>& even_scores, hls::stream<OpenKeys>& even_open,
                          hls::stream<TileRow>& odd_scores, hls::stream<OpenKeys>& odd_open,
                          hls::stream<PeakPair>& peaks) {
    Peaks process;
#pragma HLS ARRAY_PARTITION variable = process.peak complete
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, scores, open, next, even_scores, even_open,
                           odd_scores, odd_open, peaks);
    } while (running);
}

static void softmax_exponentials(hls::stream<Command>& commands, hls::stream<TileRow>& even_scores,
                                 hls::stream<OpenKeys>& even_open, hls::stream<TileRow>& odd_scores,
                                 hls::stream<OpenKeys>& odd_open, hls::stream<PeakPair>& peaks,
                                 hls::stream<Command>& next, hls::stream<PowerPair>& powers,
                                 hls::stream<SumPair>& sums) {
    Exponentials process;
#pragma HLS ARRAY_PARTITION variable = process.peak complete
#pragma HLS ARRAY_PARTITION variable = process.sum complete
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, even_scores, even_open, odd_scores, odd_open, peaks,
                           next, powers, sums);
    } while (running);
}

static void softmax_probabilities(hls::stream<Command>& commands, hls::stream<PowerPair>& powers,
                                  hls::stream<SumPair>& sums, hls::stream<WordPair>& results,
                                  hls::stream<Word>& cls, hls::stream<LivePair>& all,
                                  hls::stream<Report>& reports) {
    Probabilities process;
#pragma HLS ARRAY_PARTITION variable = process.even complete
#pragma HLS ARRAY_PARTITION variable = process.odd complete
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, powers, sums, results, cls, all, reports);
    } while (running);
}

void trivit_softmax(hls::stream<Command>& commands, hls::stream<TileRow>& scores,
                    hls::stream<OpenKeys>& open, hls::stream<WordPair>& results,
                    hls::stream<Word>& cls, hls::stream<LivePair>& all,
                    hls::stream<Report>& reports) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = scores
#pragma HLS INTERFACE mode = axis port = open
#pragma HLS INTERFACE mode = axis port = results
#pragma HLS INTERFACE mode = axis port = cls
#pragma HLS INTERFACE mode = axis port = all
#pragma HLS INTERFACE mode = axis port = reports
#pragma HLS DATAFLOW
    hls::stream<Command, kSoftmaxFew> to_exponentials("to_exponentials");
    hls::stream<TileRow, kScoreDepth> even_scores("even_scores");
    hls::stream<OpenKeys, kScoreDepth> even_open("even_open");
    hls::stream<TileRow, kScoreDepth> odd_scores("odd_scores");
    hls::stream<OpenKeys, kScoreDepth> odd_open("odd_open");
    hls::stream<PeakPair, kSoftmaxFew> peaks("peaks");
    hls::stream<Command, kSoftmaxFew> to_probabilities("to_probabilities");
    hls::stream<PowerPair, kPowerDepth> powers("powers");
    hls::stream<SumPair, kSoftmaxFew> sums("sums");
#pragma HLS BIND_STORAGE variable = even_scores type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = odd_scores type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = powers type = fifo impl = bram
    softmax_peaks(commands, scores, open, to_exponentials, even_scores, even_open, odd_scores,
                  odd_open, peaks);
    softmax_exponentials(to_exponentials, even_scores, even_open, odd_scores, odd_open, peaks,
                         to_probabilities, powers, sums);
    softmax_probabilities(to_probabilities, powers, sums, results, cls, all, reports);
}
