// The matrix engine and everybody at its banks, in one process: it owns the activation banks, the
// ring of weights and the array. Each iteration is one depth word of the array through the banks'
// first port, and one access of all banks through their second port.
#ifndef TRIVIT_ENGINE_ENGINE_HPP
#define TRIVIT_ENGINE_ENGINE_HPP

#include "../blocks/softmax.hpp"
#include "array.hpp"
#include "bank_memory.hpp"
#include "load.hpp"
#include "pair_writer.hpp"
#include "placer.hpp"
#include "readers.hpp"
#include "row_writer.hpp"

namespace trivit {
namespace blocks {

// Rows at GELU: its results have room for them, or the engine waits for GELU and GELU for it.
static const int kGeluDepth = 64;
// Row groups at softmax, which holds so many without giving a result (softmax.hpp).
static const int kStepsAway = 4;
static_assert(kStepsAway * kTiles * kPairs / 2 <= kScoreDepth &&
                  kStepsAway * kKeyWords * kPairs / 2 <= kPowerDepth &&
                  kStepsAway * kPairs <= kSoftmaxFew * 2,
              "half of them wait as scores, half as powers");

// Recurs: counters, choices, sums of saturations; the sums of the array with themselves.
struct Engine {
    static const char* name() { return "engine"; }
    // Choice 4, banks 2, product 4, sum of eight 3, sum 1, row 1, bias and residual 2, rounding 3,
    // clamp and count 3, streams 1.
    static const int kDepth = 24;
    // Iterations from a row that leaves the array to the one that takes it to the banks.
    static const int kDistance = 26;
    static const int kResults = 64;

    Engine()
        : results_first(0),
          results_waiting(0),
          results_there(0),
          results_age(0),
          taken(0),
          gelu_away(0),
          steps_away(0),
          loading(false),
          load_ended(false) {
        for (int slot = 0; slot < kSlots; ++slot) {
#pragma HLS UNROLL
            emptier[slot] = 0;
            emptied[slot] = false;
        }
    }

    bool iterate(hls::stream<Checked>& products, hls::stream<Command>& row_commands,
                 hls::stream<Command>& softmax_commands, hls::stream<Command>& norm_commands,
                 hls::stream<Command>& reader_commands, hls::stream<Command>& store_commands,
                 hls::stream<LoadPlace>& load_places, hls::stream<LoadWords>& load_words,
                 hls::stream<Word>& weights0, hls::stream<Word>& weights1,
                 hls::stream<Word>& weights2, hls::stream<Word>& weights3,
                 hls::stream<TileRow>& gelu, hls::stream<Word>& lists,
                 hls::stream<WordPair>& probabilities, hls::stream<WordPair>& normalised,
                 hls::stream<TileRow>& scores, hls::stream<TileRow>& gelu_rows,
                 hls::stream<WordPair>& norm_rows, hls::stream<Word>& stored,
                 hls::stream<Report>& reports, hls::stream<Report>& row_reports,
                 hls::stream<Report>& softmax_reports, hls::stream<Report>& norm_reports,
                 hls::stream<Report>& load_reports, hls::stream<Report>& store_reports) {
#pragma HLS INLINE
        if (ended() && !offered(products)) return false;
        advance();
        take_commands(products, row_commands, softmax_commands, norm_commands, reader_commands,
                      store_commands, row_reports, softmax_reports, norm_reports, store_reports);
        take_words(load_places, load_words, gelu, lists, probabilities, normalised);
        const bool reported = take_result(reports);
        if (reader.sends()) norm_rows.write(reader.send());
        // What the second port writes is complete for the reads of the next iteration.
        work(scores, gelu_rows);
        use_port(stored, reports, reported, row_reports, softmax_reports, norm_reports,
                 load_reports, store_reports);
        if (ring.wants_words() && offered(weights0) && offered(weights1) && offered(weights2) &&
            offered(weights3)) {
            const Word words[kParamPorts] = {weights0.read(), weights1.read(), weights2.read(),
                                             weights3.read()};
            ring.take_words(words);
        }
        return true;
    }

    bool ended() const {
        return rows.ended && probs.ended && norms.ended && store.ended && load_ended &&
               issue.idle() && placer.idle() && ring.idle() && reader.idle() && !loading &&
               results_waiting == 0 && !array.leaves() && write_back.idle();
    }

    // Commands, of units that have done the last one.
    void take_commands(hls::stream<Checked>& products, hls::stream<Command>& row_commands,
                       hls::stream<Command>& softmax_commands, hls::stream<Command>& norm_commands,
                       hls::stream<Command>& reader_commands, hls::stream<Command>& store_commands,
                       hls::stream<Report>& row_reports, hls::stream<Report>& softmax_reports,
                       hls::stream<Report>& norm_reports, hls::stream<Report>& store_reports) {
#pragma HLS INLINE
        if (issue.has_room() && ring.has_room() && placer.has_room() && offered(products))
            hand(products.read());
        if (rows.idle() && offered(row_commands)) {
            const Command c = row_commands.read();
            if (ends(c, rows.ended, row_reports)) rows.begin(c);
        }
        if (probs.idle() && offered(softmax_commands)) {
            const Command c = softmax_commands.read();
            if (ends(c, probs.ended, softmax_reports)) probs.begin(softmax_job(c));
        }
        if (norms.idle() && offered(norm_commands)) {
            const Command c = norm_commands.read();
            if (ends(c, norms.ended, norm_reports)) norms.begin(norm_job(c));
        }
        if (!reader.active && offered(reader_commands)) reader.begin(reader_commands.read());
        if (!store.active && offered(store_commands)) {
            const Command c = store_commands.read();
            if (ends(c, store.ended, store_reports)) store.begin(c);
        }
    }

    // Answers an end command; returns whether it is another one.
    static bool ends(const Command& c, bool& ended, hls::stream<Report>& reports) {
#pragma HLS INLINE
        if (!EndField::of(c)) return true;
        ended = true;
        reports.write(end_report());
        return false;
    }

    // A command to the ring, the placer, the array.
    void hand(const Checked& checked) {
#pragma HLS INLINE
        typedef EngineFields F;
        const Command& c = checked.command;
        const bool place = F::Place::of(c) && checked.error == 0;
        if (checked.error == 0 && (place || F::Fill::of(c))) {
            const Fill fill = {place && !F::Fill::of(c), F::HasBias::of(c) != 0, checked.tiles,
                               F::DepthWords::of(c)};
            ring.push(fill);
        }
        if (place) {
            const Slot slot = F::SourceSlot::of(c);
            const Placement placement = {c, slot != 0 && emptied[slot], emptier[slot]};
            if (!F::Fill::of(c)) placer.push(placement);
            return;
        }
        issue.push(checked);
        for (int slot = 1; slot < kSlots; ++slot) {
#pragma HLS UNROLL
            if (checked.error == 0 && ((F::Claim::of(c) && F::TargetSlot::of(c) == slot) ||
                                       F::ClearSlot::of(c) == slot)) {
                emptied[slot] = true;
                emptier[slot] = taken;
            }
        }
        taken += 1;
    }

    void advance() {
#pragma HLS INLINE
        write_back.advance();
        rows.block.advance();
        probs.block.advance();
        norms.block.advance();
        reader.advance();
        store.advance();
        issue.advance();
        placer.advance();
        ring.advance();
        results_there += results_age[kDistance - 1] ? 1 : 0;
        results_age <<= 1;
        // A product that began long ago is not waited for, however far its number lies back.
        for (int slot = 1; slot < kSlots; ++slot) {
#pragma HLS UNROLL
            if (ProductDistance(ProductNumber(issue.begun - emptier[slot])) > 0) emptied[slot] = false;
        }
    }

    // What comes from outside for the banks.
    void take_words(hls::stream<LoadPlace>& load_places, hls::stream<LoadWords>& load_words,
                    hls::stream<TileRow>& gelu, hls::stream<Word>& lists,
                    hls::stream<WordPair>& probabilities, hls::stream<WordPair>& normalised) {
#pragma HLS INLINE
        if (!loading && offered(load_places) && offered(load_words)) {
            load = load_places.read();
            loaded = load_words.read();
            loading = true;
        }
        if (rows.wants_list() && offered(lists)) rows.take_list(lists.read());
        if (rows.wants_gelu() && offered(gelu)) {
            rows.take_row(gelu.read());
            gelu_away -= 1;
        }
        if (probs.wants() && offered(probabilities)) {
            if (probs.take(probabilities.read())) steps_away -= 1;
        }
        if (norms.wants() && offered(normalised)) reader.result(norms.take(normalised.read()));
    }

    // A row that the array has rounded goes to the banks, to the row writer, or has only been sent.
    bool take_result(hls::stream<Report>& reports) {
#pragma HLS INLINE
        if (results_there == 0) return false;
        const Result result = results.read(int(results_first));
        const Leaving& from = result.leaving;
        const bool direct = from.stream == 3;
        const bool finishes = from.finishes && result.block_ends;
        if ((from.to_banks && !write_back.room()) || (direct && !rows.wants_direct()) ||
            (!from.to_banks && finishes && !write_back.idle()))
            return false;
        results_first += 1;
        results_there -= 1;
        results_waiting -= 1;
        if (direct) rows.take_row(result.row);
        if (from.to_banks) {
            write_back.collect_row(result.bank, result.row);
            if (result.block_ends) {
                BlockPlace& place = write_back.next_place;
                place.address = from.address;
                place.words = from.words;
                place.slot = from.slot;
                place.completes = from.completes;
                place.finishes = from.finishes;
                place.tag = from.tag;
                place.saturated = result.saturated;
                write_back.close();
            }
            return false;
        }
        if (finishes) reports.write(report_of(from.tag, result.saturated, from.error));
        return finishes;
    }

    static Report report_of(const Tag& tag, const ap_uint<32>& saturated, const ap_uint<8>& error) {
#pragma HLS INLINE
        Command command = 0;
        TagField::put(command, tag);
        return error != 0 ? failed_report(command, error) : done_report(command, saturated);
    }

    // A block's word has been written.
    void wrote(BlockWriter& writer, hls::stream<Report>& reports) {
#pragma HLS INLINE
        if (!writer.written()) return;
        if (writer.place.completes) scoreboard.complete(writer.place.slot);
        if (writer.place.finishes)
            reports.write(report_of(writer.place.tag, writer.place.saturated, 0));
    }

    // The second port of all banks belongs to the first who wants it.
    void use_port(hls::stream<Word>& stored, hls::stream<Report>& reports, bool reported,
                  hls::stream<Report>& row_reports, hls::stream<Report>& softmax_reports,
                  hls::stream<Report>& norm_reports, hls::stream<Report>& load_reports,
                  hls::stream<Report>& store_reports) {
#pragma HLS INLINE
        const bool places = placer.wants(ring, scoreboard, issue.begun);
        const bool residual = issue.wants_residual(scoreboard) && !array.leaves();
        const bool a = write_back.busy && !reported;
        const bool b = !a && residual;
        const bool c = !a && !b && probs.block.busy;
        const bool d = !a && !b && !c && rows.block.busy;
        const bool e = !a && !b && !c && !d && norms.block.busy;
        const bool f = !a && !b && !c && !d && !e && places && placer.exists();
        const bool g = !a && !b && !c && !d && !e && !f && reader.wants(scoreboard);
        const bool h = !a && !b && !c && !d && !e && !f && !g && loading;
        const bool i =
            !a && !b && !c && !d && !e && !f && !g && !h && store.wants(scoreboard);
        PortAccess access;
        if (a) {
            access = write_back.access();
        } else if (c) {
            access = probs.block.access();
        } else if (d) {
            access = rows.block.access();
        } else if (e) {
            access = norms.block.access();
        } else if (h) {
            access = load_access(load, loaded);
        } else {
            access.writes = false;
            access.rows = 0;
            access.address = b   ? issue.residual_address()
                             : f ? placer.address()
                             : g ? reader.address()
                                 : store.address();
        }
        Word data[kRows];
        for (int bank = 0; bank < kRows; ++bank) {
#pragma HLS UNROLL
            const bool used = access.writes ? access.rows[bank] == 1 : b || f || g || i;
            if (used)
                data[bank] =
                    banks[bank].exchange(access.writes, int(access.address), access.data[bank]);
        }
        if (a) {
            wrote(write_back, reports);
            if (!write_back.busy && write_back.place.finishes)
                scoreboard.writers[write_back.place.slot] -= 1;
        }
        if (b) {
            array.take_residual(issue.residual_words, data);
            issue.residual_words += 1;
        }
        if (c) wrote(probs.block, softmax_reports);
        if (d) wrote(rows.block, row_reports);
        if (e) wrote(norms.block, norm_reports);
        if (places && (f || !placer.exists())) placer.place(data, ring);
        if (g) reader.take(data);
        if (h) {
            if (load.low_completes) scoreboard.complete(load.slot);
            const bool more = load.high_rows != 0;
            const bool finishes = !more && load.finishes;
            if (finishes)
                load_reports.write(load.ends ? end_report() : report_of(load.tag, 0, 0));
            load_ended = load_ended || load.ends;
            load = rest_of(load);
            loading = more;
        }
        if (i) {
            stored.write(data[store.bank]);
            const Tag tag = TagField::of(store.command);
            if (store.take()) store_reports.write(report_of(tag, 0, 0));
        }
    }

    // The array: a row leaves, a depth word comes.
    void work(hls::stream<TileRow>& scores, hls::stream<TileRow>& gelu_rows) {
#pragma HLS INLINE
        const bool room = array.room() && results_waiting <= kResults - 2 * kRows;
        if (array.leaves()) {
            const Leaving& from = array.leaving;
            BiasRow biases = 0;
            if (from.bias) biases = ring.bias.read(int(ap_uint<kBiasBits - 1>(from.bias_place)));
            if (array.rows_left == 1 && from.releases_bias) ring.released_biases += 1;
            const Result result = array.leave(biases);
            if (from.stream == 1) scores.write(result.row);
            if (from.stream == 2) gelu_rows.write(result.row);
            results.write(int(ap_uint<6>(results_first + results_waiting)), result);
            results_waiting += 1;
            results_age[0] = 1;
        }
        if (!issue.ready(ring, scoreboard)) return;
        const Leaving next = issue.leaving();
        const bool last = issue.last_depth();
        const bool new_step = next.stream == 1 && issue.tile == 0;
        if (last && (!room || (next.stream == 2 && gelu_away > kGeluDepth - kRows) ||
                     (new_step && steps_away == kStepsAway)))
            return;
        if (issue.at_begin()) begin();
        if (!issue.failed()) multiply();
        if (last) {
            if (next.stream == 2) gelu_away += next.rows;
            if (new_step) steps_away += 1;
            array.close(next);
        }
        issue.step(ring);
    }

    void begin() {
#pragma HLS INLINE
        if (!issue.failed() && EngineFields::AnnounceReader::of(issue.now.command))
            reader.announce();
        if (!issue.failed() && EngineFields::AnnounceStore::of(issue.now.command)) store.announce();
        issue.begin(scoreboard);
    }

    void multiply() {
#pragma HLS INLINE
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
            if (transposed) {
                for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
                    const bool there =
                        !issue.last_depth() || lane < EngineFields::LastRows::of(c);
                    operand[row].range(16 * lane + 15, 16 * lane) =
                        there ? lane16(read[lane], row) : ap_int<16>(0);
                }
            }
        }
        for (int column = 0; column < kColumns; ++column) {
#pragma HLS UNROLL
            weights[column] =
                ring.weight[column].read(int(ap_uint<kRingBits - 1>(issue.position)));
        }
        array.multiply(issue.depth == 0, operand, weights);
    }

    BankMemory<Word, kActivationDepth> banks[kRows];
    Memory<Result, kResults, kDistance> results;
    Scoreboard scoreboard;
    Ring ring;
    Placer placer;
    Issue issue;
    Array array;
    BlockWriter write_back;
    RowWriter rows;
    PairWriter<true> probs;
    PairWriter<false> norms;
    RowReader reader;
    StoreReader store;
    ap_uint<6> results_first;
    ap_uint<7> results_waiting, results_there;
    ap_uint<kDistance> results_age;  // a bit for each that was written lately
    ProductNumber taken;             // products
    ProductNumber emptier[kSlots];   // the last product that empties the slot
    bool emptied[kSlots];            // and has not begun
    ap_uint<7> gelu_away;
    ap_uint<3> steps_away;
    LoadPlace load;
    LoadWords loaded;
    bool loading, load_ended;
};

}  // namespace blocks
}  // namespace trivit

#endif
