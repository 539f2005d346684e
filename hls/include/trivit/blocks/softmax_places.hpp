// Where a process of softmax is in an attention: head, row group, tile, and what it takes of a
// tile.
#ifndef TRIVIT_BLOCKS_SOFTMAX_PLACES_HPP
#define TRIVIT_BLOCKS_SOFTMAX_PLACES_HPP

#include "commands.hpp"

namespace trivit {
namespace blocks {

// Rows of a group that come in one tile: one after the other. `Fields` names heads, rows and keys.
template <class Fields>
struct RowPlace {
    ap_uint<5> heads;  // left, this one included
    ap_uint<10> rows;  // from this group on
    ap_uint<10> keys;  // from this tile on
    ap_uint<3> row;
    bool first_tile;

    bool last_row() const { return rows == row + 1 || row == kRows - 1; }
    bool last_tile() const { return keys <= kColumns; }

    void begin(const Command& command) {
#pragma HLS INLINE
        heads = Fields::Heads::of(command);
        begin_head(command);
    }

    void begin_head(const Command& command) {
#pragma HLS INLINE
        rows = Fields::Rows::of(command);
        begin_group(command);
    }

    void begin_group(const Command& command) {
#pragma HLS INLINE
        keys = Fields::Keys::of(command);
        row = 0;
        first_tile = true;
    }

    // Returns whether another place follows.
    bool advance(const Command& command) {
#pragma HLS INLINE
        const bool row_ends = last_row();
        const bool group_ends = row_ends && last_tile();
        const bool head_ends = group_ends && rows <= kRows;
        if (head_ends) {
            heads -= 1;
            begin_head(command);
        } else if (group_ends) {
            rows -= kRows;
            begin_group(command);
        } else if (row_ends) {
            keys -= kColumns;
            row = 0;
            first_tile = false;
        } else {
            row += 1;
        }
        return !(head_ends && heads == 0);
    }
};

// The same rows, two at a time, word by word of a tile.
template <class Fields>
struct PairPlace {
    ap_uint<5> heads;
    ap_uint<10> rows;
    ap_uint<10> keys;
    ap_uint<2> pair;
    ap_uint<2> word;
    bool first_tile;
    bool first_group;

    bool has_odd() const { return rows > 2 * pair + 1; }
    bool last_word() const { return keys <= kLanes * (word + 1) || word == kWordsPerTile - 1; }
    bool last_pair() const { return rows <= 2 * (pair + 1) || pair == kPairs - 1; }
    bool last_tile() const { return keys <= kColumns; }

    void begin(const Command& command) {
#pragma HLS INLINE
        heads = Fields::Heads::of(command);
        begin_head(command);
    }

    void begin_head(const Command& command) {
#pragma HLS INLINE
        rows = Fields::Rows::of(command);
        begin_group(command);
        first_group = true;
    }

    void begin_group(const Command& command) {
#pragma HLS INLINE
        keys = Fields::Keys::of(command);
        pair = 0;
        word = 0;
        first_tile = true;
        first_group = false;
    }

    bool advance(const Command& command) {
#pragma HLS INLINE
        const bool word_ends = last_word();
        const bool pair_ends = word_ends && last_pair();
        const bool group_ends = pair_ends && last_tile();
        const bool head_ends = group_ends && rows <= kRows;
        if (head_ends) {
            heads -= 1;
            begin_head(command);
        } else if (group_ends) {
            rows -= kRows;
            begin_group(command);
        } else if (pair_ends) {
            keys -= kColumns;
            pair = 0;
            word = 0;
            first_tile = false;
        } else if (word_ends) {
            pair += 1;
            word = 0;
        } else {
            word += 1;
        }
        return !(head_ends && heads == 0);
    }
};

}  // namespace blocks
}  // namespace trivit

#endif
