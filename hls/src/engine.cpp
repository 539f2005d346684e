// Top functions of the engine in C++: its guard, the engine with everybody at the banks, and loads.
#include "trivit/engine/engine.hpp"
#include "trivit/engine/guard.hpp"

using namespace trivit::blocks;

void trivit_guard(hls::stream<Command>& commands, hls::stream<Checked>& checked) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = checked
    Guard process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, checked);
    } while (running);
}

void trivit_load(hls::stream<Command>& commands, hls::stream<Word>& rows0, hls::stream<Word>& rows1,
                 hls::stream<Word>& rows2, hls::stream<Word>& rows3, hls::stream<LoadPlace>& places,
                 hls::stream<LoadWords>& words, hls::stream<Vectors>& vectors) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = commands
#pragma HLS INTERFACE mode = axis port = rows0
#pragma HLS INTERFACE mode = axis port = rows1
#pragma HLS INTERFACE mode = axis port = rows2
#pragma HLS INTERFACE mode = axis port = rows3
#pragma HLS INTERFACE mode = axis port = places
#pragma HLS INTERFACE mode = axis port = words
#pragma HLS INTERFACE mode = axis port = vectors
    Load process;
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running = pipeline(process, commands, rows0, rows1, rows2, rows3, places, words, vectors);
    } while (running);
}

void trivit_engine(hls::stream<Checked>& products, hls::stream<Command>& row_commands,
                   hls::stream<Command>& softmax_commands, hls::stream<Command>& norm_commands,
                   hls::stream<Command>& reader_commands, hls::stream<Command>& store_commands,
                   hls::stream<LoadPlace>& load_places, hls::stream<LoadWords>& load_words,
                   hls::stream<Word>& weights0, hls::stream<Word>& weights1,
                   hls::stream<Word>& weights2, hls::stream<Word>& weights3,
                   hls::stream<TileRow>& gelu, hls::stream<Word>& lists,
                   hls::stream<WordPair>& probabilities, hls::stream<WordPair>& normalised,
                   hls::stream<TileRow>& scores, hls::stream<TileRow>& gelu_rows,
                   hls::stream<WordPair>& norm_rows, hls::stream<Word>& stored0,
                   hls::stream<Word>& stored1, hls::stream<Word>& stored2,
                   hls::stream<Word>& stored3, hls::stream<Report>& reports,
                   hls::stream<Report>& row_reports, hls::stream<Report>& softmax_reports,
                   hls::stream<Report>& norm_reports, hls::stream<Report>& load_reports,
                   hls::stream<Report>& store_reports) {
#pragma HLS INTERFACE mode = ap_ctrl_none port = return
#pragma HLS INTERFACE mode = axis port = products
#pragma HLS INTERFACE mode = axis port = row_commands
#pragma HLS INTERFACE mode = axis port = softmax_commands
#pragma HLS INTERFACE mode = axis port = norm_commands
#pragma HLS INTERFACE mode = axis port = reader_commands
#pragma HLS INTERFACE mode = axis port = store_commands
#pragma HLS INTERFACE mode = axis port = load_places
#pragma HLS INTERFACE mode = axis port = load_words
#pragma HLS INTERFACE mode = axis port = weights0
#pragma HLS INTERFACE mode = axis port = weights1
#pragma HLS INTERFACE mode = axis port = weights2
#pragma HLS INTERFACE mode = axis port = weights3
#pragma HLS INTERFACE mode = axis port = gelu
#pragma HLS INTERFACE mode = axis port = lists
#pragma HLS INTERFACE mode = axis port = probabilities
#pragma HLS INTERFACE mode = axis port = normalised
#pragma HLS INTERFACE mode = axis port = scores
#pragma HLS INTERFACE mode = axis port = gelu_rows
#pragma HLS INTERFACE mode = axis port = norm_rows
#pragma HLS INTERFACE mode = axis port = stored0
#pragma HLS INTERFACE mode = axis port = stored1
#pragma HLS INTERFACE mode = axis port = stored2
#pragma HLS INTERFACE mode = axis port = stored3
#pragma HLS INTERFACE mode = axis port = reports
#pragma HLS INTERFACE mode = axis port = row_reports
#pragma HLS INTERFACE mode = axis port = softmax_reports
#pragma HLS INTERFACE mode = axis port = norm_reports
#pragma HLS INTERFACE mode = axis port = load_reports
#pragma HLS INTERFACE mode = axis port = store_reports
    Engine process;
#pragma HLS ARRAY_PARTITION variable = process.banks complete
#pragma HLS BIND_STORAGE variable = process.banks type = ram_t2p impl = bram
#pragma HLS ARRAY_PARTITION variable = process.dispatch.ring.weight complete
#pragma HLS DEPENDENCE variable = process.dispatch.ring.weight inter RAW distance = 4 true
#pragma HLS BIND_STORAGE variable = process.dispatch.ring.bias.value type = ram_s2p impl = lutram
#pragma HLS DEPENDENCE variable = process.dispatch.ring.bias.value inter RAW distance = 4 true
#pragma HLS BIND_STORAGE variable = process.results.rows.value type = ram_s2p impl = lutram
#pragma HLS DEPENDENCE variable = process.results.rows.value inter RAW distance = 26 true
#pragma HLS ARRAY_PARTITION variable = process.array.partial complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.array.sums complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.array.residual complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.dispatch.scoreboard.groups complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.dispatch.scoreboard.writers complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.dispatch.emptier complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.dispatch.emptied complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.results.write_back.now complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.results.write_back.next complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.agents.rows.block.now complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.agents.rows.block.next complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.agents.probs.block.now complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.agents.probs.block.next complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.agents.norms.block.now complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.agents.norms.block.next complete dim = 0
#pragma HLS ARRAY_PARTITION variable = process.agents.reader.block complete dim = 0
    bool running = true;
    do {
#pragma HLS PIPELINE II = 1 style = flp
        running =
            pipeline(process, products, row_commands, softmax_commands, norm_commands,
                     reader_commands, store_commands, load_places, load_words, weights0, weights1,
                     weights2, weights3, gelu, lists, probabilities, normalised, scores, gelu_rows,
                     norm_rows, stored0, stored1, stored2, stored3, reports, row_reports,
                     softmax_reports, norm_reports, load_reports, store_reports);
    } while (running);
}
