// Top function of the block that selects connections.
#include "trivit/blocks/connections.hpp"

using namespace trivit::blocks;

static void connections_sums(hls::stream<Command>& commands, hls::stream<LivePair>& all,
                             hls::stream<KeptWord>& kept, hls::stream<Command>& next,
                             hls::stream<Candidates>& candidates) {
    ConnectionSums process;
#pragma HLS BIND_STORAGE variable = process.memory.value type = ram_s2p impl = bram
#pragma HLS BIND_STORAGE variable = process.keys.value type = ram_s2p impl = lutram
#pragma HLS DEPENDENCE variable = process.memory.value inter RAW distance = 6 true
#pragma HLS DEPENDENCE variable = process.keys.value inter RAW distance = 6 true
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, all, kept, next, candidates);
    } while (running);
}

static void connections_search(hls::stream<Command>& commands, hls::stream<Candidates>& candidates,
                               hls::stream<Command>& next, hls::stream<Chosen>& chosen) {
    ConnectionSearch process;
#pragma HLS ARRAY_PARTITION variable = process.threshold.reached complete
#pragma HLS BIND_STORAGE variable = process.memory.value type = ram_s2p impl = lutram
#pragma HLS DEPENDENCE variable = process.memory.value inter RAW distance = 10 true
#pragma HLS DEPENDENCE variable = process.state.value inter RAW distance = 10 true
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, candidates, next, chosen);
    } while (running);
}

static void connections_bits(hls::stream<Command>& commands, hls::stream<Chosen>& chosen,
                             hls::stream<Command>& next, hls::stream<OpenKeys>& bits) {
    ConnectionBits process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, chosen, next, bits);
    } while (running);
}

static void connections_open(hls::stream<Command>& commands, hls::stream<OpenKeys>& bits,
                             hls::stream<OpenKeys>& open, hls::stream<Report>& reports) {
    OpenRows process;
#pragma HLS BIND_STORAGE variable = process.memory.value type = ram_s2p impl = bram
#pragma HLS DEPENDENCE variable = process.memory.value inter RAW distance = 4 true
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, bits, open, reports);
    } while (running);
}

void trivit_connections(hls::stream<Command>& commands, hls::stream<LivePair>& all,
                        hls::stream<KeptWord>& kept, hls::stream<OpenKeys>& open,
                        hls::stream<Report>& reports) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = all
#pragma HLS INTERFACE mode = axis port = kept
#pragma HLS INTERFACE mode = axis port = open
#pragma HLS INTERFACE mode = axis port = reports
#pragma HLS DATAFLOW
    hls::stream<Command, kConnectionsFew> to_search("to_search");
    hls::stream<Candidates, kCandidateDepth> candidates("candidates");
    hls::stream<Command, kConnectionsFew> to_bits("to_bits");
    hls::stream<Chosen, kChosenDepth> chosen("chosen");
    hls::stream<Command, kConnectionsFew> to_open("to_open");
    hls::stream<OpenKeys, kConnectionsFew> bits("bits");
#pragma HLS BIND_STORAGE variable = candidates type = fifo impl = lutram
#pragma HLS BIND_STORAGE variable = chosen type = fifo impl = lutram
    connections_sums(commands, all, kept, to_search, candidates);
    connections_search(to_search, candidates, to_bits, chosen);
    connections_bits(to_bits, chosen, to_open, bits);
    connections_open(to_open, bits, open, reports);
}
