// Which element of a tensor a word of an update begins with (docs/accelerator-training.md, Update).
#ifndef TRIVIT_BLOCKS_UPDATE_PLACE_HPP
#define TRIVIT_BLOCKS_UPDATE_PLACE_HPP

#include "stochastic.hpp"
#include "update_pieces.hpp"

namespace trivit {
namespace blocks {

// Fields: of `update` or of a variant. Recurs: counters and sums; products by 8, 32 and 256 are
// shifts.
template <class Fields>
struct ElementPlace {
    Hash number;         // of this word's first element in its tensor, the matrix or its biases
    Hash line;           // that of the line's first weight, or of the row's first element
    Hash tile;           // fused: that of the tile's first weight
    Hash biases;         // that of the line's first bias
    ap_uint<24> words;   // from this one on; not fused
    ap_uint<9> columns;  // depth words from this tile on; fused
    ap_uint<9> depth;    // depth words of the line or row, or of the piece, from this word on
    ap_uint<7> groups;   // of the tile, from this line on; fused
    ap_uint<3> output;   // of eight
    bool first_tile;
    bool is_bias;

    static bool fused(const Command& c) { return Fields::Groups::of(c) != 0; }
    static bool matrix(const Command& c) { return Fields::Line::of(c) != 0; }

    static bool nothing(const Command& c, int port) {
        return fused(c) && groups_of_port(Fields::Groups::of(c), port) == 0;
    }

    Hash element() const { return is_bias ? biases : number; }

    void begin(const Command& c, int port) {
#pragma HLS INLINE
        const Hash row = Hash(Fields::DepthWords::of(c)) << 3;
        const Hash rows = matrix(c) ? Hash(row << 3) : row;
        number = port == 0   ? Hash(0)
                 : port == 1 ? rows
                 : port == 2 ? Hash(rows << 1)
                             : Hash(rows + (rows << 1));
        line = number;
        tile = number;
        biases = 8 * port;
        words = Fields::Words::of(c);
        columns = Fields::DepthWords::of(c);
        groups = groups_of_port(Fields::Groups::of(c), port);
        output = 0;
        first_tile = true;
        begin_line(c);
    }

    // Returns whether another word follows.
    bool advance(const Command& c, int port) {
#pragma HLS INLINE
        const Hash row = Hash(Fields::DepthWords::of(c)) << 3;
        const bool word_ends = !is_bias && (!matrix(c) || output == 7);
        const bool line_ends = word_ends && depth == 1;
        const bool tile_ends = fused(c) && groups == 1;
        const bool last = fused(c) ? line_ends && tile_ends && columns <= 4 : words == 1;
        words -= 1;
        if (line_ends) {
            if (tile_ends) {
                tile += 32;
                columns -= 4;
                first_tile = false;
            }
            groups =
                tile_ends ? groups_of_port(Fields::Groups::of(c), port) : ap_uint<7>(groups - 1);
            line = tile_ends ? tile : Hash(line + (matrix(c) ? Hash(row << 5) : Hash(row << 2)));
            number = line;
            biases += 32;
            output = 0;
            begin_line(c);
        } else if (is_bias) {
            is_bias = false;
        } else if (word_ends) {
            number += matrix(c) ? Hash(8 - (row << 3) + row) : Hash(8);
            output = 0;
            depth -= 1;
        } else {
            number += row;
            output += 1;
        }
        return !last;
    }

private:
    void begin_line(const Command& c) {
#pragma HLS INLINE
        const ap_uint<9> few = columns < 4 ? columns : ap_uint<9>(4);
        depth = fused(c) ? few : Fields::DepthWords::of(c);
        is_bias = matrix(c) && first_tile;
    }
};

}  // namespace blocks
}  // namespace trivit

#endif
