// Top function of the block that selects tokens.
#include "trivit/blocks/select.hpp"

using namespace trivit::blocks;

static void select_sums(hls::stream<Command>& commands, hls::stream<Word>& cls,
                        hls::stream<Command>& next, hls::stream<SumWord>& sums) {
    HeadSums process;
#pragma HLS BIND_STORAGE variable = process.memory.value type = ram_s2p impl = lutram
#pragma HLS DEPENDENCE variable = process.memory.value inter RAW distance = 4 true
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, cls, next, sums);
    } while (running);
}

static void select_threshold(hls::stream<Command>& commands, hls::stream<SumWord>& sums,
                             hls::stream<Command>& next, hls::stream<KeptWord>& kept) {
    Threshold process;
#pragma HLS ARRAY_PARTITION variable = process.search.reached complete
#pragma HLS BIND_STORAGE variable = process.memory.value type = ram_s2p impl = lutram
#pragma HLS DEPENDENCE variable = process.memory.value inter RAW distance = 8 true
#pragma HLS DEPENDENCE variable = process.state.value inter RAW distance = 8 true
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, sums, next, kept);
    } while (running);
}

static void select_list(hls::stream<Command>& commands, hls::stream<KeptWord>& kept,
                        hls::stream<Word>& lists, hls::stream<KeptWord>& same,
                        hls::stream<Report>& reports) {
    TokenList process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, kept, lists, same, reports);
    } while (running);
}

void trivit_select(hls::stream<Command>& commands, hls::stream<Word>& cls, hls::stream<Word>& lists,
                   hls::stream<KeptWord>& kept, hls::stream<Report>& reports) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = cls
#pragma HLS INTERFACE mode = axis port = lists
#pragma HLS INTERFACE mode = axis port = kept
#pragma HLS INTERFACE mode = axis port = reports
#pragma HLS DATAFLOW
    hls::stream<Command, kSelectFew> to_threshold("to_threshold");
    hls::stream<SumWord, kSumDepth> sums("sums");
    hls::stream<Command, kSelectFew> to_list("to_list");
    hls::stream<KeptWord, kSelectFew> kept_bits("kept_bits");
    select_sums(commands, cls, to_threshold, sums);
    select_threshold(to_threshold, sums, to_list, kept_bits);
    select_list(to_list, kept_bits, lists, kept, reports);
}
