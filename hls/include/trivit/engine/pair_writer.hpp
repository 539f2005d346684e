// Writes pairs of rows as softmax and normalise send them.
#ifndef TRIVIT_ENGINE_PAIR_WRITER_HPP
#define TRIVIT_ENGINE_PAIR_WRITER_HPP

#include "block_writer.hpp"

namespace trivit {
namespace blocks {

// What a command of softmax_writer or norm_writer says, in the widest fields of both.
struct PairJob {
    HeadCount heads;
    TokenCount rows;  // of a head
    WordCount words;
    BankAddress target, stride;
    GroupCount wrap;  // 0: none
    Slot slot;
    Tag tag;
};

inline PairJob softmax_job(const Command& c) {
#pragma HLS INLINE
    typedef SoftmaxWriterFields F;
    PairJob job;
    job.heads = F::Heads::of(c);
    job.rows = F::Rows::of(c);
    job.words = F::Words::of(c);
    job.target = F::Target::of(c);
    job.stride = F::TargetStride::of(c);
    job.wrap = F::Wrap::of(c);
    job.slot = F::Slot::of(c);
    job.tag = TagField::of(c);
    return job;
}

inline PairJob norm_job(const Command& c) {
#pragma HLS INLINE
    typedef NormWriterFields F;
    PairJob job;
    job.heads = 1;
    job.rows = F::Rows::of(c);
    job.words = F::Words::of(c);
    job.target = F::Target::of(c);
    job.stride = F::TargetStride::of(c);
    job.wrap = 0;
    job.slot = F::Slot::of(c);
    job.tag = TagField::of(c);
    return job;
}

// Order: head, row group, then for softmax (kTiled) tile, pair of rows, word, otherwise word, pair.
template <bool kTiled>
struct PairWriter {
    PairWriter() : active(false), ended(false) {}

    void begin(const PairJob& given) {
#pragma HLS INLINE
        job = given;
        heads = given.heads;
        rows = given.rows;
        left = given.words;
        group = given.target;
        address = given.target;
        place = 0;
        pair = 0;
        word = 0;
        active = true;
    }

    bool wants() const { return active && block.room(); }

    // Takes a word; returns whether it was the last one of a row group.
    bool take(const WordPair& words) {
#pragma HLS INLINE
        const FewRows here = rows_of_group(rows);
        const FewWords wide = words_of_tile(left);
        for (int row = 0; row < kRows; ++row) {
#pragma HLS UNROLL
            for (int at = 0; at < kWordsPerTile; ++at) {
#pragma HLS UNROLL
                if (row / 2 == pair && at == word) {
                    const int low = 16 * kLanes * (row % 2);
                    block.next[row][at] = words.range(low + 16 * kLanes - 1, low);
                }
            }
        }
        block.next_place.rows = first_rows(here);
        const bool last_pair = 2 * pair + 2 >= here;
        const bool last_word = word + 1 == wide;
        const bool tile_ends = last_pair && last_word;
        const bool group_ends = tile_ends && left <= kWordsPerTile;
        if (kTiled) {
            word = last_word ? FewWords(0) : FewWords(word + 1);
            if (last_word) pair = last_pair ? ap_uint<3>(0) : ap_uint<3>(pair + 1);
        } else {
            pair = last_pair ? ap_uint<3>(0) : ap_uint<3>(pair + 1);
            if (last_pair) word = last_word ? FewWords(0) : FewWords(word + 1);
        }
        if (tile_ends) close(wide, group_ends);
        return group_ends;
    }

    void close(const FewWords& wide, bool group_ends) {
#pragma HLS INLINE
        const bool head_ends = group_ends && rows <= kRows;
        const bool finishes = head_ends && heads == 1;
        block.next_place.address = address;
        block.next_place.words = wide;
        block.next_place.slot = job.slot;
        block.next_place.completes = group_ends;
        block.next_place.finishes = finishes;
        block.next_place.tag = job.tag;
        block.next_place.saturated = 0;
        block.next_place.largest = 0;
        block.close();
        if (!group_ends) {
            address += kWordsPerTile;
            left -= kWordsPerTile;
            return;
        }
        const bool wraps = place + 1 == job.wrap;
        group = wraps ? job.target : BankAddress(group + job.stride);
        place = wraps ? GroupCount(0) : GroupCount(place + 1);
        address = group;
        left = job.words;
        rows = head_ends ? job.rows : TokenCount(rows - kRows);
        if (head_ends) heads -= 1;
        active = !finishes;
    }

    bool idle() const { return !active && block.idle(); }

    BlockWriter block;
    PairJob job;
    HeadCount heads;  // to come, this one included; so are rows and words
    TokenCount rows;
    WordCount left;
    BankAddress group, address;
    GroupCount place;
    ap_uint<3> pair;
    FewWords word;
    bool active, ended;
};

}  // namespace blocks
}  // namespace trivit

#endif
