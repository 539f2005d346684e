// Everybody at the banks but the array: their commands, and what comes to them from outside.
#ifndef TRIVIT_ENGINE_AGENTS_HPP
#define TRIVIT_ENGINE_AGENTS_HPP

#include "answers.hpp"
#include "load.hpp"
#include "pair_writer.hpp"
#include "readers.hpp"
#include "row_writer.hpp"

namespace trivit {
namespace blocks {

struct Agents {
    Agents() : load_tokens(0), loading(false), load_ended(false) {}

    void announce_load() { load_tokens += 1; }

    void advance() {
#pragma HLS INLINE
        rows.block.advance();
        probs.block.advance();
        norms.block.advance();
        reader.advance();
        store.advance();
        if (loading && load.announced && load_tokens != 0) {
            load_tokens -= 1;
            load.announced = false;
        }
    }

    // A unit takes a command when all of the last one is in the banks.
    void take_commands(hls::stream<Command>& row_commands, hls::stream<Command>& softmax_commands,
                       hls::stream<Command>& norm_commands, hls::stream<Command>& reader_commands,
                       hls::stream<Command>& store_commands, Answers& answers) {
#pragma HLS INLINE
        if (rows.idle() && offered(row_commands)) {
            const Command c = row_commands.read();
            if (goes_on(c, rows.ended, answers.rows)) rows.begin(c);
        }
        if (probs.idle() && offered(softmax_commands)) {
            const Command c = softmax_commands.read();
            if (goes_on(c, probs.ended, answers.probs)) probs.begin(softmax_job(c));
        }
        if (norms.idle() && offered(norm_commands)) {
            const Command c = norm_commands.read();
            if (goes_on(c, norms.ended, answers.norms)) norms.begin(norm_job(c));
        }
        if (!reader.active && offered(reader_commands)) reader.begin(reader_commands.read());
        if (!store.active && offered(store_commands)) {
            const Command c = store_commands.read();
            if (goes_on(c, store.ended, answers.store)) store.begin(c);
        }
    }

    // Answers an end command; returns whether it is another one.
    static bool goes_on(const Command& c, bool& ended, Answer& answer) {
#pragma HLS INLINE
        if (!EndField::of(c)) return true;
        ended = true;
        answer.end();
        return false;
    }

    void take_loads(hls::stream<LoadPlace>& places, hls::stream<LoadWords>& words) {
#pragma HLS INLINE
        if (loading || !offered(places) || !offered(words)) return;
        load = places.read();
        loaded = words.read();
        loading = true;
    }

    // Rows of an announced command lie here until their place is free.
    bool load_wants() const { return loading && !load.announced; }

    // What was loaded is written, or a part of it.
    void loads_written(Answer& answer) {
#pragma HLS INLINE
        const bool more = load.high_rows != 0;
        if (!more && load.ends) answer.end();
        if (!more && load.finishes && !load.ends) answer.done(load.tag, 0, 0);
        load_ended = load_ended || load.ends;
        load = rest_of(load);
        loading = more;
    }

    // All have seen the end and left nothing behind.
    bool ended() const {
        return rows.ended && probs.ended && norms.ended && store.ended && load_ended &&
               reader.idle() && !loading;
    }

    RowWriter rows;
    PairWriter<true> probs;
    PairWriter<false> norms;
    RowReader reader;
    StoreReader store;
    LoadPlace load;
    LoadWords loaded;
    ap_uint<8> load_tokens;
    bool loading, load_ended;
};

}  // namespace blocks
}  // namespace trivit

#endif
