// How the planes of an update come and go: a piece of each plane in turn.
#ifndef TRIVIT_BLOCKS_UPDATE_PIECES_HPP
#define TRIVIT_BLOCKS_UPDATE_PIECES_HPP

#include "arithmetic.hpp"
#include "commands.hpp"
#include "process.hpp"

namespace trivit {
namespace blocks {

static const int kUpdatePorts = 4;
static const int kPieceWords = 32;  // of a plane; with the word of biases before them 33
// A plane waits while the others come and go. A piece must fit, and half of one more for those that
// come while it leaves.
static const int kPlaneDepth = 64;
static const int kUpdateFew = 4;

// What of a command a port must know to take planes apart. The pieces of a `fused` update are those
// in which matrix_writer sends gradients: tiles of four depth words outer, row groups of eight
// outputs inner.
struct Planes {
    bool end;
    bool fused;
    ap_uint<3> count;  // of planes that come, gradients included
    ap_uint<24> words;
    ap_uint<9> depth_words;
    ap_uint<7> groups;  // of this port; fused alone
};

static const int kPlanesBits = 45;
typedef ap_uint<kPlanesBits> PlanesWord;

inline PlanesWord pack_planes(const Planes& planes) {
#pragma HLS INLINE
    PlanesWord packed = 0;
    packed[0] = planes.end;
    packed[1] = planes.fused;
    packed.range(4, 2) = planes.count;
    packed.range(28, 5) = planes.words;
    packed.range(37, 29) = planes.depth_words;
    packed.range(44, 38) = planes.groups;
    return packed;
}

inline Planes unpack_planes(const PlanesWord& packed) {
#pragma HLS INLINE
    Planes planes;
    planes.end = packed[0];
    planes.fused = packed[1];
    planes.count = packed.range(4, 2);
    planes.words = packed.range(28, 5);
    planes.depth_words = packed.range(37, 29);
    planes.groups = packed.range(44, 38);
    return planes;
}

// A word with elements at its upper end: in order when it is full.
template <int kElements>
Word push_elements(const Word& word, const ap_uint<16 * kElements>& elements) {
#pragma HLS INLINE
    Word pushed = word >> 16 * kElements;
    pushed.range(16 * kLanes - 1, 16 * (kLanes - kElements)) = elements;
    return pushed;
}

// Row groups of a matrix that are port `port`'s: every fourth one.
inline ap_uint<7> groups_of_port(const ap_uint<9>& groups, int port) {
#pragma HLS INLINE
    return (ap_uint<10>(groups) + (kUpdatePorts - 1 - port)) >> 2;
}

// Where a process is among pieces. Recurs: counters.
struct PiecePlace {
    ap_uint<24> words;       // of each plane, from this piece on; not fused
    ap_uint<9> depth_words;  // from this tile on; fused
    ap_uint<7> groups;       // of this tile, from this piece on; fused
    bool first_tile;         // its pieces have biases; fused
    ap_uint<3> plane;
    ap_uint<6> left;  // words of this piece's plane, from this one on

    static bool nothing(const Planes& planes) { return planes.fused && planes.groups == 0; }

    void begin(const Planes& planes) {
#pragma HLS INLINE
        words = planes.words;
        depth_words = planes.depth_words;
        groups = planes.groups;
        first_tile = true;
        plane = 0;
        left = piece(planes);
    }

    ap_uint<6> piece(const Planes& planes) const {
#pragma HLS INLINE
        const ap_uint<3> depth = depth_words < 4 ? ap_uint<3>(depth_words) : ap_uint<3>(4);
        const ap_uint<6> tile = (ap_uint<6>(depth) << 3) + ap_uint<6>(first_tile ? 1 : 0);
        const ap_uint<6> run = words < kPieceWords ? ap_uint<6>(words) : ap_uint<6>(kPieceWords);
        return planes.fused ? tile : run;
    }

    // `count`: planes of a piece. Returns whether another word follows.
    bool advance(const Planes& planes, const ap_uint<3>& count) {
#pragma HLS INLINE
        const bool plane_ends = left == 1;
        const bool piece_ends = plane_ends && plane + 1 == count;
        const bool tile_ends = groups == 1;
        const bool last = planes.fused ? tile_ends && depth_words <= 4 : words <= kPieceWords;
        if (piece_ends) {
            words -= kPieceWords;
            if (tile_ends) {
                depth_words -= 4;
                first_tile = false;
            }
            groups = tile_ends ? planes.groups : ap_uint<7>(groups - 1);
        }
        plane = piece_ends ? ap_uint<3>(0) : plane_ends ? ap_uint<3>(plane + 1) : plane;
        left = plane_ends ? piece(planes) : ap_uint<6>(left - 1);
        return !(piece_ends && last);
    }
};

}  // namespace blocks
}  // namespace trivit

#endif
