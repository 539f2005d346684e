// Which keys the rows of later attentions see (docs/numerics.md, select_connections): probabilities
// summed over heads, of each kept row the largest sums among the kept keys, and the chosen keys in
// the order in which softmax takes them.
#ifndef TRIVIT_BLOCKS_CONNECTIONS_HPP
#define TRIVIT_BLOCKS_CONNECTIONS_HPP

#include "arithmetic.hpp"
#include "commands.hpp"
#include "connection_bits.hpp"
#include "memory.hpp"
#include "process.hpp"
#include "select.hpp"
#include "softmax_places.hpp"
#include "threshold.hpp"

namespace trivit {
namespace blocks {

static const int kConnectionWords = (kMaxConnectionTokens + kLanes - 1) / kLanes;
static const int kWideWords = (kMaxConnectionTokens + kWide - 1) / kWide;
static const int kSearchRows = 4;  // in turn, so that a threshold is decided while others count

// Sums of eight keys of two rows; above them, a bit for each that is closed.
typedef ap_uint<2 * kLanes*(kScoreBits + 1)> HeadSumPair;
// Sums of sixteen keys of a row; above them, a bit for each that may be opened, and for each that
// stays.
typedef ap_uint<kWide*(kScoreBits + 2)> Candidates;

static const int kCandidateDepth = 64;  // four rows wait, so that the search need not
static const int kChosenDepth = 64;     // likewise: what follows takes two clocks a word
static const int kConnectionsFew = 4;
// Of `kept` outside: a whole row, or the list of tokens waits until all sums are complete.
static const int kKeptDepth = 32;

static_assert(kKeptDepth >= kConnectionWords, "a whole row");
static_assert(kMaxConnectionTokens < (1 << 8), "numbers of rows have eight bits");
static_assert(kCandidateDepth >= kSearchRows * kWideWords, "four rows");
static_assert(kChosenDepth >= kSearchRows * kWideWords, "four rows");

inline ap_uint<6> key_words(const Command& command) {
#pragma HLS INLINE
    return (ConnectionsFields::Keys::of(command) + kLanes - 1) >> 3;
}

// Sums as probabilities come, sixteen a clock; then the rows that stay, eight keys a clock, others
// in a clock each. Recurs: counters, bits that move down; a sum through its memory, a head later.
struct ConnectionSums {
    static const char* name() { return "connection_sums"; }
    // Memory 3, addition 1, choice 1, streams 1.
    static const int kDepth = 6;
    static const int kDistance = 6;

    enum Phase { kAdd, kPause, kTake, kSend };

    ConnectionSums() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<LivePair>& all,
                 hls::stream<KeptWord>& kept, hls::stream<Command>& next,
                 hls::stream<Candidates>& candidates) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        if (ConnectionsFields::Replay::of(c)) return true;
        command = c;
        active = true;
        if (first) place.begin(c);
        const ap_uint<2> now = first ? ap_uint<2>(kAdd) : phase;
        if (now == kAdd) {
            add(c, all.read());
        } else if (now == kPause) {  // a sum is on its way as long
            const bool ends = word + 1 == kDistance;
            word = ends ? ap_uint<5>(0) : ap_uint<5>(word + 1);
            if (ends) phase = place.heads == 0 ? kTake : kAdd;
        } else if (now == kTake) {
            KeptWord bits = 0;
            if (word < key_words(c)) bits = kept.read();
            keys.write(int(word), bits);
            rows >>= kLanes;
            rows.range(8 * kConnectionWords - 1, 8 * kConnectionWords - kLanes) = bits;
            const bool ends = word + 1 == kConnectionWords;
            word = ends ? ap_uint<5>(0) : ap_uint<5>(word + 1);
            if (ends) {
                phase = kSend;
                row = 1;
                rows >>= 1;  // [CLS] sees all
            }
        } else {
            if (rows[0]) send(c, candidates);
            const bool ends = !rows[0] || word + 1 == 2 * wide_words(c);
            active = !(ends && row + 1 == ConnectionsFields::Rows::of(c));
            word = ends ? ap_uint<5>(0) : ap_uint<5>(word + 1);
            if (ends) {
                row += 1;
                rows >>= 1;
            }
        }
        return true;
    }

    void add(const Command& c, const LivePair& probabilities) {
#pragma HLS INLINE
        const ap_uint<5> head = place.heads;
        const ap_uint<5> group = (ConnectionsFields::Rows::of(c) - place.rows) >> 3;
        const ap_uint<3> tile = (ConnectionsFields::Keys::of(c) - place.keys) >> 5;
        const ap_uint<12> address =
            (group * kPairs + place.pair) * 32 + tile * kWordsPerTile + place.word;
        HeadSumPair before = 0;
        if (head != ConnectionsFields::Heads::of(c)) before = memory.read(int(address));
        HeadSumPair after = 0;
        for (int lane = 0; lane < kWide; ++lane) {
#pragma HLS UNROLL
            const ap_uint<kScoreBits> sum =
                before.range(kScoreBits * lane + kScoreBits - 1, kScoreBits * lane);
            after.range(kScoreBits * lane + kScoreBits - 1, kScoreBits * lane) =
                ap_uint<kScoreBits>(sum + ap_uint<15>(lane16(probabilities, lane)));
            after[kScoreBits * kWide + lane] = !probabilities[16 * kWide + lane];
        }
        memory.write(int(address), after);
        place.advance(c);
        word = 0;
        phase = place.heads == head ? kAdd : kPause;
    }

    // A word of eight keys of the row; two make one for the search.
    void send(const Command& c, hls::stream<Candidates>& candidates) {
#pragma HLS INLINE
        const KeptWord stay = keys.read(int(word));
        const ap_uint<12> address = (row >> 1) * 32 + word;
        HeadSumPair pair = 0;
        if (word < key_words(c)) pair = memory.read(int(address));
        const HeadSumPair mine = row[0] ? HeadSumPair(pair >> (kScoreBits * kLanes)) : pair;
        const KeptWord even = pair.range(kScoreBits * kWide + kLanes - 1, kScoreBits * kWide);
        const KeptWord odd =
            pair.range(kScoreBits * kWide + kWide - 1, kScoreBits * kWide + kLanes);
        const KeptWord live = stay & ~(row[0] ? odd : even);
        const SumWord sums = mine.range(kScoreBits * kLanes - 1, 0);
        if (word[0]) {
            const int bits = kScoreBits * kWide;
            Candidates result = 0;
            result.range(kScoreBits * kLanes - 1, 0) = held_sums;
            result.range(bits - 1, kScoreBits * kLanes) = sums;
            result.range(bits + kLanes - 1, bits) = held_live;
            result.range(bits + kWide - 1, bits + kLanes) = live;
            result.range(bits + kWide + kLanes - 1, bits + kWide) = held_stay;
            result.range(bits + 2 * kWide - 1, bits + kWide + kLanes) = stay;
            candidates.write(result);
        }
        held_sums = sums;
        held_live = live;
        held_stay = stay;
    }

    Command command;
    ap_uint<2> phase;
    PairPlace<ConnectionsFields> place;
    ap_uint<5> word;
    ap_uint<8> row;
    ap_uint<8 * kConnectionWords> rows;  // that stay, from this one on
    SumWord held_sums;
    KeptWord held_live;
    KeptWord held_stay;
    Memory<HeadSumPair, 32 * kPairs * kConnectionWords, kDistance> memory;
    Memory<KeptWord, kConnectionWords, kDistance> keys;
    bool active;
};

// Sixteen sums a clock, four rows in turn: a pass of one counts while those of the others are
// decided. Recurs: counters and those of the search; the threshold through a memory, three rows
// later.
struct ConnectionSearch {
    static const char* name() { return "connection_search"; }
    // Memory 2, candidate and comparison 2, count 4, decision 2, streams 1.
    static const int kDepth = 11;
    static const int kDistance = 10;
    static const int kLeast = 4;  // iterations of a pass

    static_assert(kSearchRows * kLeast > kDistance && (kSearchRows - 1) * kLeast + 1 >= kDistance,
                  "a threshold is there when the next pass of its row begins");

    ConnectionSearch() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<Candidates>& candidates,
                 hls::stream<Command>& next, hls::stream<Chosen>& chosen) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        if (ConnectionsFields::Replay::of(c)) return true;
        const ap_uint<8> left = first ? ap_uint<8>(ConnectionsFields::Kept::of(c) - 1) : rows;
        const ap_uint<4> p = first ? ap_uint<4>(0) : pass;
        const ap_uint<2> r = first ? ap_uint<2>(0) : row;
        const ap_uint<5> w = first ? ap_uint<5>(0) : word;
        const ap_uint<5> words = wide_words(c);
        const bool last_pass = p == kSearchPasses;
        if (w < words && r < left) {
            const ap_uint<6> address = r * 16 + w;
            Candidates here;
            Found found = 0;
            if (p == 0) {
                here = candidates.read();
                memory.write(int(address), here);
            } else {
                here = memory.read(int(address));
                found = state.read(int(r));
            }
            const ap_uint<kScoreBits * kWide> sums = here.range(kScoreBits * kWide - 1, 0);
            ap_uint<kWide> live = here.range((kScoreBits + 1) * kWide - 1, kScoreBits * kWide);
            if (w == 0) live[0] = 0;  // [CLS] is open without a search
            if (last_pass) {
                ap_uint<kWide> open = threshold.keep(c, sums, live, found, w == 0);
                if (w == 0) open[0] = 1;
                Chosen result = open;
                result.range(2 * kWide - 1, kWide) =
                    here.range((kScoreBits + 2) * kWide - 1, (kScoreBits + 1) * kWide);
                chosen.write(result);
            } else {
                const Found decided = threshold.count(c, sums, live, found, p, w == 0);
                if (w + 1 == words) state.write(int(r), decided);
            }
        }
        const bool row_ends = w + 1 >= words && w + 1 >= kLeast;
        const bool pass_ends = row_ends && r == kSearchRows - 1;
        const bool rows_end = pass_ends && last_pass;
        word = row_ends ? ap_uint<5>(0) : ap_uint<5>(w + 1);
        row = row_ends ? ap_uint<2>(r + 1) : r;
        pass = rows_end ? ap_uint<4>(0) : pass_ends ? ap_uint<4>(p + 1) : p;
        rows = rows_end ? ap_uint<8>(left - kSearchRows) : left;
        active = !(rows_end && left <= kSearchRows);
        command = c;
        return true;
    }

    Command command;
    ap_uint<8> rows;  // from this group of four on
    ap_uint<4> pass;
    ap_uint<2> row;
    ap_uint<5> word;
    ThresholdSearch<ConnectionsFields, kWide> threshold;
    Memory<Candidates, 16 * kSearchRows, kDistance> memory;
    Memory<Found, kSearchRows, kDistance> state;
    bool active;
};

// Keeps the bits of the last choice and sends them to softmax, a row of a tile a clock. Recurs:
// counters; the bits through their memory.
struct OpenRows {
    static const char* name() { return "open_rows"; }
    // Memory 2, choice 1, streams 1.
    static const int kDepth = 4;
    static const int kDistance = 4;

    OpenRows() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<OpenKeys>& bits,
                 hls::stream<OpenKeys>& open, hls::stream<Report>& reports) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (EndField::of(c)) {
            reports.write(end_report());
            return false;
        }
        RowPlace<ConnectionsFields> here = place;
        if (first) here.begin(c);
        const ap_uint<8> r = first ? ap_uint<8>(1) : row;
        const ap_uint<3> t = first ? ap_uint<3>(0) : tile;
        const ap_uint<3> waited = first ? ap_uint<3>(0) : pause;
        if (ConnectionsFields::Replay::of(c)) {
            const ap_uint<8> number = (ConnectionsFields::Rows::of(c) - here.rows) + here.row;
            const ap_uint<3> part = (ConnectionsFields::Keys::of(c) - here.keys) >> 5;
            OpenKeys keys = ~OpenKeys(0);  // [CLS] sees all
            if (number != 0) keys = memory.read(int(ap_uint<11>(number * 8 + part)));
            open.write(keys);
            active = here.advance(c);
        } else if (r < ConnectionsFields::Kept::of(c)) {
            memory.write(int(ap_uint<11>(r * 8 + t)), bits.read());
            const bool row_ends = (t + 1) * kColumns >= ConnectionsFields::Kept::of(c);
            tile = row_ends ? ap_uint<3>(0) : ap_uint<3>(t + 1);
            row = row_ends ? ap_uint<8>(r + 1) : r;
            active = true;
        } else {  // until the bits can be read
            active = waited + 1 != kDistance;
            row = r;
        }
        const bool waits = !ConnectionsFields::Replay::of(c) && r >= ConnectionsFields::Kept::of(c);
        pause = waits ? ap_uint<3>(waited + 1) : ap_uint<3>(0);
        if (!active) reports.write(done_report(c, 0, 0));
        command = c;
        place = here;
        return true;
    }

    Command command;
    RowPlace<ConnectionsFields> place;
    ap_uint<8> row;
    ap_uint<3> tile;
    ap_uint<3> pause;
    Memory<OpenKeys, 8 * kMaxConnectionTokens, kDistance> memory;
    bool active;
};

}  // namespace blocks
}  // namespace trivit

#endif
