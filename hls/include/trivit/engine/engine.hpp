// The matrix engine and everybody at its banks, in one process: it owns the activation banks, the
// ring of weights and the array. Each iteration is a depth word of the array through the banks'
// first port, and one access of all banks through their second port.
#ifndef TRIVIT_ENGINE_ENGINE_HPP
#define TRIVIT_ENGINE_ENGINE_HPP

#include "../blocks/softmax.hpp"
#include "agents.hpp"
#include "bank_memory.hpp"
#include "dispatch.hpp"
#include "results.hpp"

namespace trivit {
namespace blocks {

// Rows at GELU: its results have room for them, or the engine waits for GELU and GELU for it.
static const int kGeluDepth = 64;
// Row groups at softmax, which holds so many without giving a result (softmax.hpp): tiles as scores
// or as powers. All are of one attention, since the next one's scores need all of its rows.
static const int kStepsAway = 4, kWideStepsAway = 3;
static const int kTilesAway = (kScoreDepth + kPowerDepth / kWordsPerTile) / kPairs;
static const int kFewTiles = kTilesAway / kStepsAway;
static_assert(kWideStepsAway * kTiles <= kTilesAway, "wide ones wait as scores and as powers");
static_assert(kPairs * kTiles <= kScoreDepth, "exponentials begin when a whole one is there");
static_assert(kStepsAway * kPairs <= kSoftmaxFew, "their peaks, or their sums");

// Recurs: counters, choices, sums of saturations; the sums of the array with themselves.
struct Engine {
    static const char* name() { return "engine"; }
    // Choice 4, banks 2, product 4, sum of eight 3, sum 1, row 1, bias and residual 2, rounding 3,
    // clamp and count 3, streams 1.
    static const int kDepth = 24;

    Engine() : gelu_away(0), steps_away(0) {}

    bool iterate(hls::stream<Checked>& products, hls::stream<Command>& row_commands,
                 hls::stream<Command>& softmax_commands, hls::stream<Command>& norm_commands,
                 hls::stream<Command>& reader_commands, hls::stream<Command>& store_commands,
                 hls::stream<LoadPlace>& load_places, hls::stream<LoadWords>& load_words,
                 hls::stream<Word>& weights0, hls::stream<Word>& weights1,
                 hls::stream<Word>& weights2, hls::stream<Word>& weights3,
                 hls::stream<TileRow>& gelu, hls::stream<Word>& lists,
                 hls::stream<WordPair>& probabilities, hls::stream<WordPair>& normalised,
                 hls::stream<TileRow>& scores, hls::stream<TileRow>& gelu_rows,
                 hls::stream<WordPair>& norm_rows, hls::stream<Word>& stored0,
                 hls::stream<Word>& stored1, hls::stream<Word>& stored2, hls::stream<Word>& stored3,
                 hls::stream<Report>& reports, hls::stream<Report>& row_reports,
                 hls::stream<Report>& softmax_reports, hls::stream<Report>& norm_reports,
                 hls::stream<Report>& load_reports, hls::stream<Report>& store_reports) {
#pragma HLS INLINE
        if (ended() && !offered(products)) return false;
        Answers answers;
        advance();
        if (dispatch.has_room() && offered(products)) dispatch.take(products.read());
        agents.take_commands(row_commands, softmax_commands, norm_commands, reader_commands,
                             store_commands, answers);
        agents.take_loads(load_places, load_words);
        take_pairs(probabilities, normalised);
        take_rows(gelu, lists, answers.engine);
        if (agents.reader.sends()) norm_rows.write(agents.reader.send());
        // What the second port writes is complete for the reads of the next iteration.
        work(scores, gelu_rows);
        Word block[kLanes], words[kParamPorts];
        ap_uint<2> port = 0;
        const bool placed = use_port(stored0, stored1, stored2, stored3, answers, block, port);
        bool from[kParamPorts];
        const bool comes = dispatch.ring.wants_words(from) && (!from[0] || offered(weights0)) &&
                           (!from[1] || offered(weights1)) && (!from[2] || offered(weights2)) &&
                           (!from[3] || offered(weights3));
        if (comes && from[0]) words[0] = weights0.read();
        if (comes && from[1]) words[1] = weights1.read();
        if (comes && from[2]) words[2] = weights2.read();
        if (comes && from[3]) words[3] = weights3.read();
        dispatch.ring.take(comes, words, placed, port, block);
        if (answers.engine.given) reports.write(answers.engine.report);
        if (answers.rows.given) row_reports.write(answers.rows.report);
        if (answers.probs.given) softmax_reports.write(answers.probs.report);
        if (answers.norms.given) norm_reports.write(answers.norms.report);
        if (answers.load.given) load_reports.write(answers.load.report);
        if (answers.store.given) store_reports.write(answers.store.report);
        return true;
    }

    bool ended() const {
        return agents.ended() && dispatch.idle() && results.idle() && !array.leaves();
    }

    void advance() {
#pragma HLS INLINE
        results.advance();
        agents.advance();
        dispatch.advance();
    }

    void take_pairs(hls::stream<WordPair>& probabilities, hls::stream<WordPair>& normalised) {
#pragma HLS INLINE
        if (agents.probs.wants() && offered(probabilities)) {
            if (agents.probs.take(probabilities.read())) steps_away -= 1;
        }
        if (agents.norms.wants() && offered(normalised))
            agents.reader.result(agents.norms.take(normalised.read()));
    }

    // A row that the array has rounded goes to the banks, to the row writer, or has only been sent.
    // The row writer takes that one, or one of GELU, or a word of a list.
    void take_rows(hls::stream<TileRow>& gelu, hls::stream<Word>& lists, Answer& answer) {
#pragma HLS INLINE
        RowWriter& rows = agents.rows;
        TileRow row = 0;
        const bool direct = results.take(rows.wants_direct(), row, answer);
        const bool from_gelu = rows.wants_gelu() && offered(gelu);
        if (from_gelu) {
            row = gelu.read();
            gelu_away -= 1;
        }
        if (rows.wants_list() && offered(lists)) {
            rows.take_list(lists.read());
        } else if (direct || from_gelu) {
            rows.take_row(row);
        }
    }

    // The array: a row leaves, a depth word comes.
    void work(hls::stream<TileRow>& scores, hls::stream<TileRow>& gelu_rows) {
#pragma HLS INLINE
        Issue& issue = dispatch.issue;
        const bool room = array.room() && results.has_room();
        if (array.leaves()) {
            const Leaving& from = array.leaving;
            BiasRow biases = 0;
            if (from.bias)
                biases = dispatch.ring.bias.read(int(ap_uint<kBiasBits - 1>(from.bias_place)));
            if (array.rows_left == 1 && from.releases_bias) dispatch.ring.released_biases += 1;
            const Result result = array.leave(biases);
            if (from.stream == 1) scores.write(result.row);
            if (from.stream == 2) gelu_rows.write(result.row);
            results.push(result);
        }
        if (!issue.ready(dispatch.ring, dispatch.scoreboard)) return;
        const Leaving next = issue.leaving();
        const bool last = issue.last_depth();
        const bool new_step = next.stream == 1 && issue.tile == 0;
        const bool steps_full =
            steps_away >= (issue.now.tiles <= kFewTiles ? kStepsAway : kWideStepsAway);
        if (last && (!room || (next.stream == 2 && gelu_away > kGeluDepth - kRows) ||
                     (new_step && steps_full)))
            return;
        if (issue.at_begin()) begin();
        if (!issue.failed()) multiply();
        if (last) {
            if (next.stream == 2) gelu_away += next.rows;
            if (new_step) steps_away += 1;
            array.close(next);
        }
        issue.step(dispatch.ring);
    }

    void begin() {
#pragma HLS INLINE
        Issue& issue = dispatch.issue;
        const Command& c = issue.now.command;
        if (!issue.failed() && EngineFields::AnnounceReader::of(c)) agents.reader.announce();
        if (!issue.failed() && EngineFields::AnnounceStore::of(c)) agents.store.announce();
        if (!issue.failed() && EngineFields::AnnounceLoad::of(c)) agents.announce_load();
        issue.begin(dispatch.scoreboard);
    }

    void multiply() {
#pragma HLS INLINE
        const Issue& issue = dispatch.issue;
        const Command& c = issue.now.command;
        const bool transposed = EngineFields::Transposed::of(c) != 0;
        Word read[kRows], operand[kRows], weights[kColumns];
        for (int bank = 0; bank < kRows; ++bank) {
#pragma HLS UNROLL
            read[bank] = banks[bank].read(int(issue.address));
        }
        for (int row = 0; row < kRows; ++row) {
#pragma HLS UNROLL
            operand[row] = read[row];
            for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
                const bool there = !issue.last_depth() || lane < EngineFields::LastRows::of(c);
                if (transposed)
                    operand[row].range(16 * lane + 15, 16 * lane) =
                        there ? lane16(read[lane], row) : ap_int<16>(0);
            }
        }
        for (int column = 0; column < kColumns; ++column) {
#pragma HLS UNROLL
            weights[column] =
                dispatch.ring.weight[column].read(int(ap_uint<kRingBits - 1>(issue.position)));
        }
        array.multiply(issue.depth == 0, operand, weights);
    }

    // The second port of all banks belongs to the first who wants it. Returns whether there is a
    // block for the ring; one that is zero needs no port.
    bool use_port(hls::stream<Word>& stored0, hls::stream<Word>& stored1,
                  hls::stream<Word>& stored2, hls::stream<Word>& stored3, Answers& answers,
                  Word (&block)[kLanes], ap_uint<2>& port) {
#pragma HLS INLINE
        Scoreboard& scoreboard = dispatch.scoreboard;
        Placer& placer = dispatch.placer;
        RowReader& reader = agents.reader;
        StoreReader& store = agents.store;
        const bool places = placer.wants(dispatch.ring, scoreboard, dispatch.issue.begun);
        const bool a = results.write_back.busy;
        const bool b = !a && dispatch.issue.wants_residual(scoreboard) && !array.leaves();
        const bool c = !a && !b && agents.probs.block.busy;
        const bool d = !a && !b && !c && agents.rows.block.busy;
        const bool e = !a && !b && !c && !d && agents.norms.block.busy;
        const bool f = !a && !b && !c && !d && !e && places && placer.exists();
        const bool g = !a && !b && !c && !d && !e && !f && reader.wants(scoreboard);
        const bool h = !a && !b && !c && !d && !e && !f && !g && agents.load_wants();
        const bool i = !a && !b && !c && !d && !e && !f && !g && !h && store.wants(scoreboard);
        PortAccess access;
        if (a) {
            access = results.write_back.access();
        } else if (c) {
            access = agents.probs.block.access();
        } else if (d) {
            access = agents.rows.block.access();
        } else if (e) {
            access = agents.norms.block.access();
        } else if (h) {
            access = load_access(agents.load, agents.loaded);
        } else {
            access.writes = false;
            access.rows = 0;
            access.address = b   ? dispatch.issue.residual_address()
                             : f ? placer.address()
                             : g ? reader.address()
                                 : store.address();
        }
        Word data[kRows];
        if (access.writes) {
            for (int bank = 0; bank < kRows; ++bank) {
#pragma HLS UNROLL
                if (access.rows[bank])
                    banks[bank].write_second(int(access.address), access.data[bank]);
            }
        } else if (b || f || g || i) {
            for (int bank = 0; bank < kRows; ++bank) {
#pragma HLS UNROLL
                data[bank] = banks[bank].read_second(int(access.address));
            }
        }
        Completion completion;
        if (a) {
            completion = results.write_back.written(answers.engine);
            if (completion.finishes) scoreboard.finish_writer(completion.slot);
        }
        if (c) completion = agents.probs.block.written(answers.probs);
        if (d) completion = agents.rows.block.written(answers.rows);
        if (e) completion = agents.norms.block.written(answers.norms);
        if (b) {
            array.take_residual(dispatch.issue.residual_words, data);
            dispatch.issue.residual_words += 1;
        }
        const bool placed = places && (f || !placer.exists());
        if (placed) port = placer.place(data, block);
        if (g) reader.take(data);
        if (h) {
            completion.completes = agents.load.low_completes;
            completion.slot = agents.load.slot;
            agents.loads_written(answers.load);
        }
        if (i) {
            const Word word = store.word_of(data);
            const ap_uint<2> to = store.port();
            if (to == 0) stored0.write(word);
            if (to == 1) stored1.write(word);
            if (to == 2) stored2.write(word);
            if (to == 3) stored3.write(word);
            const Tag tag = TagField::of(store.command);
            if (store.take()) answers.store.done(tag, 0, 0);
        }
        if (completion.completes) scoreboard.complete(completion.slot);
        return placed;
    }

    BankMemory<Word, kActivationDepth> banks[kRows];
    Dispatch dispatch;
    Array array;
    Results results;
    Agents agents;
    ap_uint<7> gelu_away;
    ap_uint<3> steps_away;
};

}  // namespace blocks
}  // namespace trivit

#endif
