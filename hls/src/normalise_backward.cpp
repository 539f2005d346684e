// Top function of the block for the gradients of layer normalisation.
#include "trivit/blocks/normalise_backward.hpp"

using namespace trivit::blocks;

static void normalise_backward_statistics(hls::stream<Command>& commands,
                                          hls::stream<WordPair>& rows, hls::stream<Command>& next,
                                          hls::stream<WordPair>& gradients,
                                          hls::stream<WordPair>& inputs,
                                          hls::stream<WordPair>& addends,
                                          hls::stream<RowSumsPair>& sums) {
    BackwardStatistics process;
#pragma HLS ARRAY_PARTITION variable = process.sum complete
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, rows, next, gradients, inputs, addends, sums);
    } while (running);
}

static void normalise_backward_scales(hls::stream<Command>& commands,
                                      hls::stream<RowSumsPair>& sums, hls::stream<Command>& next,
                                      hls::stream<ScalePair>& scales) {
    Scales<NormaliseBackwardFields> process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, sums, next, scales);
    } while (running);
}

static void normalise_backward_sums(hls::stream<Command>& commands, hls::stream<ScalePair>& scales,
                                    hls::stream<Vectors>& vectors, hls::stream<WordPair>& gradients,
                                    hls::stream<WordPair>& inputs, hls::stream<Command>& next,
                                    hls::stream<ProductPair>& products,
                                    hls::stream<ValuePair>& values,
                                    hls::stream<BackwardSumsPair>& sums,
                                    hls::stream<GammaWord>& gammas) {
    GradientSums process;
#pragma HLS ARRAY_PARTITION variable = process.scale complete
#pragma HLS ARRAY_PARTITION variable = process.row_sum complete
#pragma HLS ARRAY_PARTITION variable = process.lower_column complete
#pragma HLS ARRAY_PARTITION variable = process.upper_column complete
#pragma HLS BIND_STORAGE variable = process.gamma_memory.value type = ram_s2p impl = lutram
#pragma HLS BIND_STORAGE variable = process.column_memory.value type = ram_s2p impl = bram
#pragma HLS DEPENDENCE variable = process.gamma_memory.value inter RAW distance = 4 true
#pragma HLS DEPENDENCE variable = process.column_memory.value inter RAW distance = 4 true
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, scales, vectors, gradients, inputs, next, products,
                           values, sums, gammas);
    } while (running);
}

static void normalise_backward_means(hls::stream<Command>& commands,
                                     hls::stream<BackwardSumsPair>& sums,
                                     hls::stream<Command>& next, hls::stream<MeansPair>& means) {
    RowMeans process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, sums, next, means);
    } while (running);
}

static void normalise_backward_rows(hls::stream<Command>& commands, hls::stream<MeansPair>& means,
                                    hls::stream<ProductPair>& products,
                                    hls::stream<ValuePair>& values, hls::stream<WordPair>& addends,
                                    hls::stream<GammaWord>& gammas, hls::stream<WordPair>& results,
                                    hls::stream<Report>& reports) {
    GradientRows process;
#pragma HLS ARRAY_PARTITION variable = process.mean complete
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running =
            pipeline(process, commands, means, products, values, addends, gammas, results, reports);
    } while (running);
}

void trivit_normalise_backward(hls::stream<Command>& commands, hls::stream<WordPair>& rows,
                               hls::stream<Vectors>& vectors, hls::stream<WordPair>& results,
                               hls::stream<Report>& reports) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = rows
#pragma HLS INTERFACE mode = axis port = vectors
#pragma HLS INTERFACE mode = axis port = results
#pragma HLS INTERFACE mode = axis port = reports
#pragma HLS DATAFLOW
    hls::stream<Command, kBackwardFew> to_scales("backward_to_scales");
    hls::stream<WordPair, kBackwardDepth> gradients("gradients");
    hls::stream<WordPair, kBackwardDepth> inputs("inputs");
    hls::stream<WordPair, kAddendDepth> addends("addends");
    hls::stream<RowSumsPair, kBackwardFew> row_sums("backward_row_sums");
    hls::stream<Command, kBackwardFew> to_sums("to_sums");
    hls::stream<ScalePair, kBackwardFew> scales("backward_scales");
    hls::stream<Command, kBackwardFew> to_means("to_means");
    hls::stream<ProductPair, kBackwardDepth> products("products");
    hls::stream<ValuePair, kBackwardDepth> values("values");
    hls::stream<BackwardSumsPair, kBackwardFew> sums("backward_sums");
    hls::stream<GammaWord, kBackwardWords> gammas("gammas");
    hls::stream<Command, kBackwardFew> to_gradients("to_gradients");
    hls::stream<MeansPair, kBackwardFew> means("means");
#pragma HLS BIND_STORAGE variable = gradients type = fifo impl = bram
#pragma HLS BIND_STORAGE variable = inputs type = fifo impl = bram
#pragma HLS BIND_STORAGE variable = addends type = fifo impl = bram
#pragma HLS BIND_STORAGE variable = products type = fifo impl = bram
#pragma HLS BIND_STORAGE variable = values type = fifo impl = bram
    normalise_backward_statistics(commands, rows, to_scales, gradients, inputs, addends, row_sums);
    normalise_backward_scales(to_scales, row_sums, to_sums, scales);
    normalise_backward_sums(to_sums, scales, vectors, gradients, inputs, to_means, products, values,
                            sums, gammas);
    normalise_backward_means(to_means, sums, to_gradients, means);
    normalise_backward_rows(to_gradients, means, products, values, addends, gammas, results,
                            reports);
}
