// The gradient of scores from that of probabilities (docs/on-device-training.md,
// attention_backward): a process that sums p·dP over each row while its words wait, and one that
// knows the sum. Both take eight keys of a row a clock, in the order in which tiles come.
#ifndef TRIVIT_BLOCKS_SOFTMAX_BACKWARD_HPP
#define TRIVIT_BLOCKS_SOFTMAX_BACKWARD_HPP

#include "arithmetic.hpp"
#include "commands.hpp"
#include "memory.hpp"
#include "process.hpp"

namespace trivit {
namespace blocks {

// Σ p·dP: the p of a row sum to little more than 2^15.
static const int kWeightedBits = 34;
typedef ap_int<kWeightedBits> WeightedSum;
typedef ap_uint<2 * 16 * kLanes> GradientPair;  // a word of dP, above it the same of P

// The words of a row group, until the sum of its last row is known.
static const int kGradientDepth = 1024;
static const int kGradientFew = 16;

static_assert(kGradientDepth >= kRows * kKeyWords + 64, "a row group, and the way of its sums");

// Where a process is in the rows of a head: row group, tile, row, word of the tile that has a key.
struct KeyPlace {
    ap_uint<10> rows;  // from this group on
    ap_uint<10> keys;  // from this tile on
    ap_uint<3> row;
    ap_uint<2> word;
    bool first_tile;

    bool last_word() const { return keys <= kLanes * (word + 1) || word == kWordsPerTile - 1; }
    bool last_row() const { return rows == row + 1 || row == kRows - 1; }
    bool last_tile() const { return keys <= kColumns; }

    void begin(const Command& command) {
#pragma HLS INLINE
        rows = SoftmaxBackwardFields::Rows::of(command);
        begin_group(command);
    }

    void begin_group(const Command& command) {
#pragma HLS INLINE
        keys = SoftmaxBackwardFields::Keys::of(command);
        row = 0;
        word = 0;
        first_tile = true;
    }

    // Returns whether another place follows.
    bool advance(const Command& command) {
#pragma HLS INLINE
        const bool row_ends = last_word();
        const bool tile_ends = row_ends && last_row();
        const bool group_ends = tile_ends && last_tile();
        const bool ends = group_ends && rows <= kRows;
        if (group_ends) {
            rows -= kRows;
            begin_group(command);
        } else if (tile_ends) {
            keys -= kColumns;
            row = 0;
            word = 0;
            first_tile = false;
        } else if (row_ends) {
            row += 1;
            word = 0;
        } else {
            word += 1;
        }
        return !ends;
    }
};

// Recurs: the place, what is left of a tile's row (moved down by a word), and a row's sum.
struct WeightedSums {
    static const char* name() { return "weighted_sums"; }
    // Product 3, sum of eight 3, sum of the row 2, choice and streams 2.
    static const int kDepth = 10;

    WeightedSums() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<TileRow>& rows,
                 hls::stream<TileRow>& partners, hls::stream<Command>& next,
                 hls::stream<GradientPair>& pairs, hls::stream<WeightedSum>& sums) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        KeyPlace here = place;
        if (first) here.begin(c);
        if (here.word == 0) {
            row = rows.read();
            partner = partners.read();
        }
        WeightedSum added = 0;
        for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
            const ap_int<32> product = lane16(row, lane) * lane16(partner, lane);
            added += product;
        }
        GradientPair pair = 0;
        pair.range(16 * kLanes - 1, 0) = row.range(16 * kLanes - 1, 0);
        pair.range(2 * 16 * kLanes - 1, 16 * kLanes) = partner.range(16 * kLanes - 1, 0);
        pairs.write(pair);
        const bool fresh = here.first_tile && here.word == 0;
        const WeightedSum after = (fresh ? WeightedSum(0) : sum[here.row]) + added;
        sum[here.row] = after;
        if (here.last_tile() && here.last_word()) sums.write(after);
        row >>= 16 * kLanes;
        partner >>= 16 * kLanes;
        command = c;
        active = here.advance(c);
        place = here;
        return true;
    }

    Command command;
    KeyPlace place;
    TileRow row;
    TileRow partner;
    WeightedSum sum[kRows];
    bool active;
};

// Recurs: the place, the words of a tile's row so far, saturations and the largest magnitude.
struct ScoreGradients {
    static const char* name() { return "score_gradients"; }
    // Shift and difference 3, product 5, product 5, rounding 4, clamp 1, count and largest 4,
    // streams 1.
    static const int kDepth = 23;

    ScoreGradients() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<GradientPair>& pairs,
                 hls::stream<WeightedSum>& sums, hls::stream<TileRow>& results,
                 hls::stream<Report>& reports) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (EndField::of(c)) {
            reports.write(end_report());
            return false;
        }
        KeyPlace here = place;
        if (first) here.begin(c);
        if (here.first_tile && here.word == 0) sum[here.row] = sums.read();
        const WeightedSum sum_here = sum[here.row];
        const GradientPair pair = pairs.read();
        Word word = 0;
        bool changed[kLanes];
        for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
            const ap_int<16> dp = lane16(pair, lane);
            const ap_int<16> p = lane16(pair, lane + kLanes);
            const ap_int<33> difference =
                (ap_int<34>(dp) << SoftmaxBackwardFields::ProbFrac::of(c)) - sum_here;
            const ap_int<48> weighted = p * difference;
            const ap_int<64> scaled = weighted * SoftmaxBackwardFields::Scale::of(c);
            word.range(16 * lane + 15, 16 * lane) = clamp_int16(
                round_half_even(scaled, SoftmaxBackwardFields::Shift::of(c)), changed[lane]);
        }
        TileRow so_far = here.word == 0 ? TileRow(0) : result;
        for (int place_of = 0; place_of < kWordsPerTile; ++place_of) {
#pragma HLS UNROLL
            if (here.word == place_of)
                so_far.range(16 * kLanes * (place_of + 1) - 1, 16 * kLanes * place_of) = word;
        }
        if (here.last_word()) results.write(so_far);
        result = so_far;
        saturated = (first ? ap_uint<24>(0) : saturated) + count_ones(changed);
        largest = larger(first ? ap_uint<16>(0) : largest, largest_magnitude(word));
        active = here.advance(c);
        if (!active) reports.write(done_report(c, saturated, largest));
        command = c;
        place = here;
        return true;
    }

    Command command;
    KeyPlace place;
    WeightedSum sum[kRows];
    TileRow result;
    ap_uint<24> saturated;
    ap_uint<16> largest;
    bool active;
};

}  // namespace blocks
}  // namespace trivit

#endif
