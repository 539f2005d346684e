// Collects a tile of a row group and writes it to all banks at once, a word of every row a clock.
// While one block is written, the next one is collected.
#ifndef TRIVIT_ENGINE_BLOCK_WRITER_HPP
#define TRIVIT_ENGINE_BLOCK_WRITER_HPP

#include "answers.hpp"
#include "scoreboard.hpp"

namespace trivit {
namespace blocks {

// Where a block goes and what is true when it is written.
struct BlockPlace {
    BankAddress address;
    RowMask rows;
    FewWords words;
    Slot slot;
    bool completes;  // a row group of the slot
    bool finishes;   // the command
    Tag tag;
    ap_uint<24> saturated;
    ap_uint<16> largest;
};

// What is true behind an access of the second port.
struct Completion {
    Completion() : completes(false), finishes(false), slot(0) {}

    bool completes;  // a row group of the slot
    bool finishes;   // a command
    Slot slot;
};

struct BlockWriter {
    BlockWriter() : full(false), busy(false) { next_place.rows = 0; }

    // Of each iteration, first of all: the collected block moves on.
    void advance() {
#pragma HLS INLINE
        if (!full || busy) return;
        for (int row = 0; row < kRows; ++row) {
#pragma HLS UNROLL
            for (int word = 0; word < kWordsPerTile; ++word) {
#pragma HLS UNROLL
                now[row][word] = next[row][word];
            }
        }
        place = next_place;
        left = next_place.words;
        next_place.rows = 0;
        busy = true;
        full = false;
    }

    bool room() const { return !full; }
    bool idle() const { return !full && !busy && next_place.rows == 0; }

    void collect_row(const FewRows& row, const TileRow& words) {
#pragma HLS INLINE
        for (int bank = 0; bank < kRows; ++bank) {
#pragma HLS UNROLL
            for (int word = 0; word < kWordsPerTile; ++word) {
#pragma HLS UNROLL
                if (bank == row)
                    next[bank][word] =
                        words.range(16 * kLanes * (word + 1) - 1, 16 * kLanes * word);
            }
            if (bank == row) next_place.rows[bank] = 1;
        }
    }

    // The rest of `next_place` is given: the block is complete.
    void close() {
#pragma HLS INLINE
        full = true;
    }

    PortAccess access() const {
#pragma HLS INLINE
        PortAccess access;
        access.writes = true;
        access.address = place.address;
        access.rows = place.rows;
        for (int row = 0; row < kRows; ++row) {
#pragma HLS UNROLL
            access.data[row] = now[row][0];
        }
        return access;
    }

    // The access has happened.
    Completion written(Answer& answer) {
#pragma HLS INLINE
        for (int row = 0; row < kRows; ++row) {
#pragma HLS UNROLL
            for (int word = 0; word < kWordsPerTile - 1; ++word) {
#pragma HLS UNROLL
                now[row][word] = now[row][word + 1];
            }
        }
        place.address += 1;
        left -= 1;
        busy = left != 0;
        Completion completion;
        completion.slot = place.slot;
        completion.completes = !busy && place.completes;
        completion.finishes = !busy && place.finishes;
        if (completion.finishes) answer.done(place.tag, place.saturated, place.largest);
        return completion;
    }

    Word next[kRows][kWordsPerTile], now[kRows][kWordsPerTile];
    BlockPlace next_place, place;
    FewWords left;
    bool full, busy;
};

}  // namespace blocks
}  // namespace trivit

#endif
