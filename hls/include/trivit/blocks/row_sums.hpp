// The sums that layer normalisation needs of each row, made as rows pass: eight elements of two
// rows a clock.
#ifndef TRIVIT_BLOCKS_ROW_SUMS_HPP
#define TRIVIT_BLOCKS_ROW_SUMS_HPP

#include "arithmetic.hpp"
#include "commands.hpp"
#include "process.hpp"

namespace trivit {
namespace blocks {

static const int kRowSumBits = 28;  // signed
static const int kRowSquareBits = 42;
static const int kRowSumsBits = kRowSumBits + kRowSquareBits;

static_assert(int64_t(kMaxDepthWords) * kLanes * 32768 < (int64_t(1) << (kRowSumBits - 1)),
              "the sum of a row fits");
static_assert(int64_t(kMaxDepthWords) * kLanes < (int64_t(1) << (kRowSquareBits - 30)),
              "and its sum of squares, each at most 2^30");

typedef ap_uint<kRowSumsBits> RowSums;  // sum, above it the sum of squares
typedef ap_uint<2 * kRowSumsBits> RowSumsPair;

inline RowSums pack_sums(const ap_int<kRowSumBits>& sum, const ap_uint<kRowSquareBits>& squares) {
#pragma HLS INLINE
    RowSums packed = 0;
    packed.range(kRowSumBits - 1, 0) = ap_uint<kRowSumBits>(sum);
    packed.range(kRowSumsBits - 1, kRowSumBits) = squares;
    return packed;
}

inline ap_int<kRowSumBits> sum_of(const RowSums& packed) {
#pragma HLS INLINE
    return ap_uint<kRowSumBits>(packed.range(kRowSumBits - 1, 0));
}

inline ap_uint<kRowSquareBits> squares_of(const RowSums& packed) {
#pragma HLS INLINE
    return packed.range(kRowSumsBits - 1, kRowSumBits);
}

// Where a process is among rows that come in groups, word by word, two rows at a time. `Fields`
// names rows and words.
template <class Fields>
struct WordPlace {
    ap_uint<10> rows;  // from this group on
    ap_uint<9> word;
    ap_uint<2> pair;
    bool first_group;

    bool has_odd() const { return rows > 2 * pair + 1; }
    bool last_pair() const { return rows <= 2 * (pair + 1) || pair == kPairs - 1; }
    bool last_word(const Command& command) const { return word + 1 == Fields::Words::of(command); }

    void begin(const Command& command) {
#pragma HLS INLINE
        rows = Fields::Rows::of(command);
        word = 0;
        pair = 0;
        first_group = true;
    }

    // Returns whether another place follows.
    bool advance(const Command& command) {
#pragma HLS INLINE
        const bool word_ends = last_pair();
        const bool group_ends = word_ends && last_word(command);
        const bool ends = group_ends && rows <= kRows;
        if (group_ends) {
            rows -= kRows;
            word = 0;
            pair = 0;
            first_group = false;
        } else if (word_ends) {
            word += 1;
            pair = 0;
        } else {
            pair += 1;
        }
        return !ends;
    }
};

// A row's sums with eight more of its elements.
inline RowSums add_word(const RowSums& before, const Word& word) {
#pragma HLS INLINE
    ap_int<19> sum = 0;
    ap_uint<34> squares = 0;
    for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
        const ap_int<16> x = lane16(word, lane);
        const ap_int<32> square = x * x;
        sum += x;
        squares += ap_uint<31>(square);
    }
    return pack_sums(sum_of(before) + sum, squares_of(before) + squares);
}

// Rows go on as they came; their sums follow with their last word. Recurs: the place, and the sums
// of four pairs.
struct Statistics {
    static const char* name() { return "statistics"; }
    // Square 3, sum of eight 3, sum of the row 1, choice and streams 2.
    static const int kDepth = 9;

    Statistics() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<WordPair>& rows,
                 hls::stream<Command>& next, hls::stream<WordPair>& same,
                 hls::stream<RowSumsPair>& sums) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        WordPlace<NormaliseFields> here = place;
        if (first) here.begin(c);
        const WordPair x = rows.read();
        same.write(x);
        const RowSumsPair before = here.word == 0 ? RowSumsPair(0) : sum[here.pair];
        RowSumsPair after = 0;
        after.range(kRowSumsBits - 1, 0) =
            add_word(before.range(kRowSumsBits - 1, 0), x.range(16 * kLanes - 1, 0));
        after.range(2 * kRowSumsBits - 1, kRowSumsBits) =
            add_word(before.range(2 * kRowSumsBits - 1, kRowSumsBits),
                     x.range(2 * 16 * kLanes - 1, 16 * kLanes));
        sum[here.pair] = after;
        if (here.last_word(c)) sums.write(after);
        command = c;
        active = here.advance(c);
        place = here;
        return true;
    }

    Command command;
    WordPlace<NormaliseFields> place;
    RowSumsPair sum[kPairs];
    bool active;
};

}  // namespace blocks
}  // namespace trivit

#endif
