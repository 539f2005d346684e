// Top function of the block that updates parameters by AdamW, which a build takes for update.cpp's.
#include "trivit/blocks/update_adamw.hpp"

using namespace trivit::blocks;

static void adamw_commands(hls::stream<Command>& commands, hls::stream<PlanesWord>& take0,
                           hls::stream<PlanesWord>& take1, hls::stream<PlanesWord>& take2,
                           hls::stream<PlanesWord>& take3, hls::stream<Command>& elements0,
                           hls::stream<Command>& elements1, hls::stream<Command>& elements2,
                           hls::stream<Command>& elements3, hls::stream<PlanesWord>& give0,
                           hls::stream<PlanesWord>& give1, hls::stream<PlanesWord>& give2,
                           hls::stream<PlanesWord>& give3, hls::stream<Command>& reports) {
    AdamwCommands process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, take0, take1, take2, take3, elements0, elements1,
                           elements2, elements3, give0, give1, give2, give3, reports);
    } while (running);
}

static void adamw_take(hls::stream<PlanesWord>& commands, hls::stream<Word>& words,
                       hls::stream<Word>& high, hls::stream<Word>& low, hls::stream<Word>& mean,
                       hls::stream<Word>& second_high, hls::stream<Word>& second_low,
                       hls::stream<Word>& gradient) {
    AdamwTake process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running =
            pipeline(process, commands, words, high, low, mean, second_high, second_low, gradient);
    } while (running);
}

template <int kPort>
static void adamw_elements(hls::stream<Command>& commands, hls::stream<Word>& high,
                           hls::stream<Word>& low, hls::stream<Word>& mean,
                           hls::stream<Word>& second_high, hls::stream<Word>& second_low,
                           hls::stream<Word>& gradient, hls::stream<Word>& new_high,
                           hls::stream<Word>& new_low, hls::stream<Word>& new_mean,
                           hls::stream<Word>& new_second_high, hls::stream<Word>& new_second_low,
                           hls::stream<AdamwFiguresWord>& figures) {
    AdamwElements<kPort> process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, high, low, mean, second_high, second_low, gradient,
                           new_high, new_low, new_mean, new_second_high, new_second_low, figures);
    } while (running);
}

static void adamw_give(hls::stream<PlanesWord>& commands, hls::stream<Word>& high,
                       hls::stream<Word>& low, hls::stream<Word>& mean,
                       hls::stream<Word>& second_high, hls::stream<Word>& second_low,
                       hls::stream<Word>& results) {
    AdamwGive process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, high, low, mean, second_high, second_low, results);
    } while (running);
}

static void adamw_reports(hls::stream<Command>& commands, hls::stream<AdamwFiguresWord>& figures0,
                          hls::stream<AdamwFiguresWord>& figures1,
                          hls::stream<AdamwFiguresWord>& figures2,
                          hls::stream<AdamwFiguresWord>& figures3, hls::stream<Report>& reports) {
    UpdateReports<UpdateAdamwFields, kAdamwFigures> process;
#pragma HLS ARRAY_PARTITION variable = process.figures complete
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, figures0, figures1, figures2, figures3, reports);
    } while (running);
}

void trivit_update_adamw(hls::stream<Command>& commands, hls::stream<Word>& words0,
                         hls::stream<Word>& words1, hls::stream<Word>& words2,
                         hls::stream<Word>& words3, hls::stream<Word>& results0,
                         hls::stream<Word>& results1, hls::stream<Word>& results2,
                         hls::stream<Word>& results3, hls::stream<Report>& reports) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = words0
#pragma HLS INTERFACE mode = axis port = words1
#pragma HLS INTERFACE mode = axis port = words2
#pragma HLS INTERFACE mode = axis port = words3
#pragma HLS INTERFACE mode = axis port = results0
#pragma HLS INTERFACE mode = axis port = results1
#pragma HLS INTERFACE mode = axis port = results2
#pragma HLS INTERFACE mode = axis port = results3
#pragma HLS INTERFACE mode = axis port = reports
#pragma HLS DATAFLOW
    hls::stream<PlanesWord, kUpdateFew> to_take0("to_take0");
    hls::stream<PlanesWord, kUpdateFew> to_take1("to_take1");
    hls::stream<PlanesWord, kUpdateFew> to_take2("to_take2");
    hls::stream<PlanesWord, kUpdateFew> to_take3("to_take3");
    hls::stream<Command, kUpdateFew> to_elements0("to_elements0");
    hls::stream<Command, kUpdateFew> to_elements1("to_elements1");
    hls::stream<Command, kUpdateFew> to_elements2("to_elements2");
    hls::stream<Command, kUpdateFew> to_elements3("to_elements3");
    hls::stream<PlanesWord, kUpdateFew> to_give0("to_give0");
    hls::stream<PlanesWord, kUpdateFew> to_give1("to_give1");
    hls::stream<PlanesWord, kUpdateFew> to_give2("to_give2");
    hls::stream<PlanesWord, kUpdateFew> to_give3("to_give3");
    hls::stream<Command, kUpdateFew> to_reports("to_reports");
    hls::stream<Word, kPlaneDepth> high0("high0");
    hls::stream<Word, kPlaneDepth> low0("low0");
    hls::stream<Word, kPlaneDepth> mean0("mean0");
    hls::stream<Word, kPlaneDepth> second_high0("second_high0");
    hls::stream<Word, kPlaneDepth> second_low0("second_low0");
    hls::stream<Word, kPlaneDepth> gradient0("gradient0");
    hls::stream<Word, kPlaneDepth> new_high0("new_high0");
    hls::stream<Word, kPlaneDepth> new_low0("new_low0");
    hls::stream<Word, kPlaneDepth> new_mean0("new_mean0");
    hls::stream<Word, kPlaneDepth> new_second_high0("new_second_high0");
    hls::stream<Word, kPlaneDepth> new_second_low0("new_second_low0");
    hls::stream<Word, kPlaneDepth> high1("high1");
    hls::stream<Word, kPlaneDepth> low1("low1");
    hls::stream<Word, kPlaneDepth> mean1("mean1");
    hls::stream<Word, kPlaneDepth> second_high1("second_high1");
    hls::stream<Word, kPlaneDepth> second_low1("second_low1");
    hls::stream<Word, kPlaneDepth> gradient1("gradient1");
    hls::stream<Word, kPlaneDepth> new_high1("new_high1");
    hls::stream<Word, kPlaneDepth> new_low1("new_low1");
    hls::stream<Word, kPlaneDepth> new_mean1("new_mean1");
    hls::stream<Word, kPlaneDepth> new_second_high1("new_second_high1");
    hls::stream<Word, kPlaneDepth> new_second_low1("new_second_low1");
    hls::stream<Word, kPlaneDepth> high2("high2");
    hls::stream<Word, kPlaneDepth> low2("low2");
    hls::stream<Word, kPlaneDepth> mean2("mean2");
    hls::stream<Word, kPlaneDepth> second_high2("second_high2");
    hls::stream<Word, kPlaneDepth> second_low2("second_low2");
    hls::stream<Word, kPlaneDepth> gradient2("gradient2");
    hls::stream<Word, kPlaneDepth> new_high2("new_high2");
    hls::stream<Word, kPlaneDepth> new_low2("new_low2");
    hls::stream<Word, kPlaneDepth> new_mean2("new_mean2");
    hls::stream<Word, kPlaneDepth> new_second_high2("new_second_high2");
    hls::stream<Word, kPlaneDepth> new_second_low2("new_second_low2");
    hls::stream<Word, kPlaneDepth> high3("high3");
    hls::stream<Word, kPlaneDepth> low3("low3");
    hls::stream<Word, kPlaneDepth> mean3("mean3");
    hls::stream<Word, kPlaneDepth> second_high3("second_high3");
    hls::stream<Word, kPlaneDepth> second_low3("second_low3");
    hls::stream<Word, kPlaneDepth> gradient3("gradient3");
    hls::stream<Word, kPlaneDepth> new_high3("new_high3");
    hls::stream<Word, kPlaneDepth> new_low3("new_low3");
    hls::stream<Word, kPlaneDepth> new_mean3("new_mean3");
    hls::stream<Word, kPlaneDepth> new_second_high3("new_second_high3");
    hls::stream<Word, kPlaneDepth> new_second_low3("new_second_low3");
    hls::stream<AdamwFiguresWord, kUpdateFew> figures0("figures0");
    hls::stream<AdamwFiguresWord, kUpdateFew> figures1("figures1");
    hls::stream<AdamwFiguresWord, kUpdateFew> figures2("figures2");
    hls::stream<AdamwFiguresWord, kUpdateFew> figures3("figures3");
#pragma HLS BIND_STORAGE variable = high0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = low0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = mean0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = second_high0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = second_low0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = gradient0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_high0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_low0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_mean0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_second_high0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_second_low0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = high1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = low1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = mean1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = second_high1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = second_low1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = gradient1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_high1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_low1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_mean1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_second_high1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_second_low1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = high2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = low2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = mean2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = second_high2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = second_low2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = gradient2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_high2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_low2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_mean2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_second_high2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_second_low2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = high3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = low3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = mean3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = second_high3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = second_low3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = gradient3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_high3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_low3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_mean3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_second_high3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_second_low3 type = fifo impl = lutram
    adamw_commands(commands, to_take0, to_take1, to_take2, to_take3, to_elements0, to_elements1,
                   to_elements2, to_elements3, to_give0, to_give1, to_give2, to_give3, to_reports);
    adamw_take(to_take0, words0, high0, low0, mean0, second_high0, second_low0, gradient0);
    adamw_take(to_take1, words1, high1, low1, mean1, second_high1, second_low1, gradient1);
    adamw_take(to_take2, words2, high2, low2, mean2, second_high2, second_low2, gradient2);
    adamw_take(to_take3, words3, high3, low3, mean3, second_high3, second_low3, gradient3);
    adamw_elements<0>(to_elements0, high0, low0, mean0, second_high0, second_low0, gradient0,
                      new_high0, new_low0, new_mean0, new_second_high0, new_second_low0, figures0);
    adamw_elements<1>(to_elements1, high1, low1, mean1, second_high1, second_low1, gradient1,
                      new_high1, new_low1, new_mean1, new_second_high1, new_second_low1, figures1);
    adamw_elements<2>(to_elements2, high2, low2, mean2, second_high2, second_low2, gradient2,
                      new_high2, new_low2, new_mean2, new_second_high2, new_second_low2, figures2);
    adamw_elements<3>(to_elements3, high3, low3, mean3, second_high3, second_low3, gradient3,
                      new_high3, new_low3, new_mean3, new_second_high3, new_second_low3, figures3);
    adamw_give(to_give0, new_high0, new_low0, new_mean0, new_second_high0, new_second_low0,
               results0);
    adamw_give(to_give1, new_high1, new_low1, new_mean1, new_second_high1, new_second_low1,
               results1);
    adamw_give(to_give2, new_high2, new_low2, new_mean2, new_second_high2, new_second_low2,
               results2);
    adamw_give(to_give3, new_high3, new_low3, new_mean3, new_second_high3, new_second_low3,
               results3);
    adamw_reports(to_reports, figures0, figures1, figures2, figures3, reports);
}
