// Rows from the banks to `normalise` and to memory, as they become complete.
#ifndef TRIVIT_ENGINE_READERS_HPP
#define TRIVIT_ENGINE_READERS_HPP

#include "../blocks/normalise.hpp"
#include "scoreboard.hpp"

namespace trivit {
namespace blocks {

// What normalise takes without giving a result: its FIFOs hold so much (normalise.hpp), so a write
// of rows never waits for a result that this process has to take.
static const int kNormWords = kRowDepth;
static const int kNormGroups = kScaleDepth / kPairs;

// Order: row group, word, pair of rows.
struct RowReader {
    typedef RowReaderFields F;

    RowReader() : tokens(0), words_away(0), groups_away(0), active(false), looks(false), pairs(0) {}

    void announce() { tokens += 1; }

    void begin(const Command& given) {
#pragma HLS INLINE
        command = given;
        rows = F::Rows::of(given);
        group = 0;
        word = 0;
        row = F::Source::of(given);
        active = true;
        looks = false;
    }

    // Of each iteration: with a token it may look at the scoreboard.
    void advance() {
#pragma HLS INLINE
        if (!active || looks || tokens == 0) return;
        tokens -= 1;
        looks = true;
    }

    bool wants(const Scoreboard& scoreboard) const {
#pragma HLS INLINE
        return active && looks && pairs == 0 && words_away + kPairs <= kNormWords &&
               (word != 0 || groups_away < kNormGroups) &&
               scoreboard.has(F::Slot::of(command), F::First::of(command), group);
    }

    BankAddress address() const { return BankAddress(row + word); }

    // A pair leaves, of what was read before: in each iteration before another word is read.
    bool sends() const { return pairs != 0; }
    WordPair send() {
#pragma HLS INLINE
        WordPair pair;
        pair.range(16 * kLanes - 1, 0) = block[0];
        pair.range(2 * 16 * kLanes - 1, 16 * kLanes) = block[1];
        for (int at = 0; at < kRows - 2; ++at) {
#pragma HLS UNROLL
            block[at] = block[at + 2];
        }
        pairs -= 1;
        return pair;
    }

    void take(const Word (&data)[kRows]) {
#pragma HLS INLINE
        for (int at = 0; at < kRows; ++at) {
#pragma HLS UNROLL
            block[at] = data[at];
        }
        pairs = (rows_of_group(rows) + 1) / 2;
        words_away += pairs;
        if (word == 0) groups_away += 1;
        word += 1;
        if (word != F::Words::of(command)) return;
        word = 0;
        group += 1;
        row += F::SourceStride::of(command);
        active = rows > kRows;
        rows -= kRows;
    }

    // A result came; the last one of a row group.
    void result(bool group_ends) {
#pragma HLS INLINE
        words_away -= 1;
        if (group_ends) groups_away -= 1;
    }

    bool idle() const { return !active && pairs == 0; }

    Command command;
    ap_uint<8> tokens;
    ap_uint<12> words_away;
    ap_uint<4> groups_away;
    bool active, looks;
    ap_uint<3> pairs;  // that are still to leave
    Word block[kRows];
    TokenCount rows;  // from this row group on
    GroupCount group;
    WordCount word;
    BankAddress row;
};

// Order: row, word.
struct StoreReader {
    typedef StoreFields F;

    StoreReader() : tokens(0), active(false), looks(false), ended(false) {}

    void announce() { tokens += 1; }

    void begin(const Command& given) {
#pragma HLS INLINE
        command = given;
        // Each port gets equally many rows, those that do not exist with whatever lies there.
        rows = F::Rows::of(given);
        if (F::Spread::of(given)) rows = (rows + kParamPorts - 1) / kParamPorts * kParamPorts;
        group = 0;
        bank = 0;
        word = 0;
        row = F::Source::of(given);
        active = true;
        looks = false;
    }

    // Of each iteration: with a token it may look at the scoreboard.
    void advance() {
#pragma HLS INLINE
        if (!active || looks || tokens == 0) return;
        tokens -= 1;
        looks = true;
    }

    bool wants(const Scoreboard& scoreboard) const {
#pragma HLS INLINE
        return active && looks &&
               scoreboard.has(F::Slot::of(command), F::First::of(command), group);
    }

    BankAddress address() const { return BankAddress(row + word); }

    // Where the next word goes.
    ap_uint<2> port() const {
#pragma HLS INLINE
        return F::Spread::of(command) ? ap_uint<2>(bank) : ap_uint<2>(0);
    }

    // Of all banks' words the one that leaves.
    Word word_of(const Word (&data)[kRows]) const {
#pragma HLS INLINE
        Word found = data[0];
        for (int at = 1; at < kRows; ++at) {
#pragma HLS UNROLL
            if (at == bank) found = data[at];
        }
        return found;
    }

    // Returns whether the command's last word has been read.
    bool take() {
#pragma HLS INLINE
        word += 1;
        if (word != F::Words::of(command)) return false;
        word = 0;
        rows -= 1;
        if (bank == kRows - 1) {
            group += 1;
            row += F::SourceStride::of(command);
        }
        bank += 1;
        active = rows != 0;
        return !active;
    }

    Command command;
    ap_uint<8> tokens;
    bool active, looks, ended;
    TokenCount rows;  // from this one on
    GroupCount group;
    ap_uint<3> bank;
    WordCount word;
    BankAddress row;
};

}  // namespace blocks
}  // namespace trivit

#endif
