// Top function of the block that updates parameters by SGD.
#include "trivit/blocks/update.hpp"

using namespace trivit::blocks;

static void update_commands(hls::stream<Command>& commands, hls::stream<PlanesWord>& take0,
                            hls::stream<PlanesWord>& take1, hls::stream<PlanesWord>& take2,
                            hls::stream<PlanesWord>& take3, hls::stream<Command>& elements0,
                            hls::stream<Command>& elements1, hls::stream<Command>& elements2,
                            hls::stream<Command>& elements3, hls::stream<PlanesWord>& give0,
                            hls::stream<PlanesWord>& give1, hls::stream<PlanesWord>& give2,
                            hls::stream<PlanesWord>& give3, hls::stream<Command>& reports) {
    UpdateCommands process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, take0, take1, take2, take3, elements0, elements1,
                           elements2, elements3, give0, give1, give2, give3, reports);
    } while (running);
}

static void update_take(hls::stream<PlanesWord>& commands, hls::stream<Word>& words,
                        hls::stream<Word>& high, hls::stream<Word>& low,
                        hls::stream<Word>& momentum, hls::stream<Word>& gradient) {
    UpdateTake process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, words, high, low, momentum, gradient);
    } while (running);
}

template <int kPort>
static void update_elements(hls::stream<Command>& commands, hls::stream<Word>& high,
                            hls::stream<Word>& low, hls::stream<Word>& momentum,
                            hls::stream<Word>& gradient, hls::stream<Word>& new_high,
                            hls::stream<Word>& new_low, hls::stream<Word>& new_momentum,
                            hls::stream<UpdateFiguresWord>& figures) {
    UpdateElements<kPort> process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, high, low, momentum, gradient, new_high, new_low,
                           new_momentum, figures);
    } while (running);
}

static void update_give(hls::stream<PlanesWord>& commands, hls::stream<Word>& high,
                        hls::stream<Word>& low, hls::stream<Word>& momentum,
                        hls::stream<Word>& results) {
    UpdateGive process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, high, low, momentum, results);
    } while (running);
}

static void update_reports(hls::stream<Command>& commands, hls::stream<UpdateFiguresWord>& figures0,
                           hls::stream<UpdateFiguresWord>& figures1,
                           hls::stream<UpdateFiguresWord>& figures2,
                           hls::stream<UpdateFiguresWord>& figures3, hls::stream<Report>& reports) {
    UpdateReports<UpdateFields, kUpdateFigures> process;
#pragma HLS ARRAY_PARTITION variable = process.figures complete
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, figures0, figures1, figures2, figures3, reports);
    } while (running);
}

void trivit_update(hls::stream<Command>& commands, hls::stream<Word>& words0,
                   hls::stream<Word>& words1, hls::stream<Word>& words2, hls::stream<Word>& words3,
                   hls::stream<Word>& results0, hls::stream<Word>& results1,
                   hls::stream<Word>& results2, hls::stream<Word>& results3,
                   hls::stream<Report>& reports) {
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
    hls::stream<Word, kPlaneDepth> momentum0("momentum0");
    hls::stream<Word, kPlaneDepth> gradient0("gradient0");
    hls::stream<Word, kPlaneDepth> new_high0("new_high0");
    hls::stream<Word, kPlaneDepth> new_low0("new_low0");
    hls::stream<Word, kPlaneDepth> new_momentum0("new_momentum0");
    hls::stream<Word, kPlaneDepth> high1("high1");
    hls::stream<Word, kPlaneDepth> low1("low1");
    hls::stream<Word, kPlaneDepth> momentum1("momentum1");
    hls::stream<Word, kPlaneDepth> gradient1("gradient1");
    hls::stream<Word, kPlaneDepth> new_high1("new_high1");
    hls::stream<Word, kPlaneDepth> new_low1("new_low1");
    hls::stream<Word, kPlaneDepth> new_momentum1("new_momentum1");
    hls::stream<Word, kPlaneDepth> high2("high2");
    hls::stream<Word, kPlaneDepth> low2("low2");
    hls::stream<Word, kPlaneDepth> momentum2("momentum2");
    hls::stream<Word, kPlaneDepth> gradient2("gradient2");
    hls::stream<Word, kPlaneDepth> new_high2("new_high2");
    hls::stream<Word, kPlaneDepth> new_low2("new_low2");
    hls::stream<Word, kPlaneDepth> new_momentum2("new_momentum2");
    hls::stream<Word, kPlaneDepth> high3("high3");
    hls::stream<Word, kPlaneDepth> low3("low3");
    hls::stream<Word, kPlaneDepth> momentum3("momentum3");
    hls::stream<Word, kPlaneDepth> gradient3("gradient3");
    hls::stream<Word, kPlaneDepth> new_high3("new_high3");
    hls::stream<Word, kPlaneDepth> new_low3("new_low3");
    hls::stream<Word, kPlaneDepth> new_momentum3("new_momentum3");
    hls::stream<UpdateFiguresWord, kUpdateFew> figures0("figures0");
    hls::stream<UpdateFiguresWord, kUpdateFew> figures1("figures1");
    hls::stream<UpdateFiguresWord, kUpdateFew> figures2("figures2");
    hls::stream<UpdateFiguresWord, kUpdateFew> figures3("figures3");
#pragma HLS BIND_STORAGE variable = high0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = low0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = momentum0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = gradient0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_high0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_low0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_momentum0 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = high1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = low1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = momentum1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = gradient1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_high1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_low1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_momentum1 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = high2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = low2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = momentum2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = gradient2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_high2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_low2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_momentum2 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = high3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = low3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = momentum3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = gradient3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_high3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_low3 type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = new_momentum3 type = fifo impl = lutram
    update_commands(commands, to_take0, to_take1, to_take2, to_take3, to_elements0, to_elements1,
                    to_elements2, to_elements3, to_give0, to_give1, to_give2, to_give3, to_reports);
    update_take(to_take0, words0, high0, low0, momentum0, gradient0);
    update_take(to_take1, words1, high1, low1, momentum1, gradient1);
    update_take(to_take2, words2, high2, low2, momentum2, gradient2);
    update_take(to_take3, words3, high3, low3, momentum3, gradient3);
    update_elements<0>(to_elements0, high0, low0, momentum0, gradient0, new_high0, new_low0,
                       new_momentum0, figures0);
    update_elements<1>(to_elements1, high1, low1, momentum1, gradient1, new_high1, new_low1,
                       new_momentum1, figures1);
    update_elements<2>(to_elements2, high2, low2, momentum2, gradient2, new_high2, new_low2,
                       new_momentum2, figures2);
    update_elements<3>(to_elements3, high3, low3, momentum3, gradient3, new_high3, new_low3,
                       new_momentum3, figures3);
    update_give(to_give0, new_high0, new_low0, new_momentum0, results0);
    update_give(to_give1, new_high1, new_low1, new_momentum1, results1);
    update_give(to_give2, new_high2, new_low2, new_momentum2, results2);
    update_give(to_give3, new_high3, new_low3, new_momentum3, results3);
    update_reports(to_reports, figures0, figures1, figures2, figures3, reports);
}
