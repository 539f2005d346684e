// Movers: one process a port, direction and stream. Their moves are those of the sequencer; those
// of rows pass a gate, where they wait for stores.
#ifndef TRIVIT_ENGINE_MOVER_HPP
#define TRIVIT_ENGINE_MOVER_HPP

#include <hls_burst_maxi.h>

#include "../blocks/sequencer.hpp"
#include "types.hpp"

namespace trivit {
namespace blocks {

typedef ap_uint<kAddressBits> MemoryAddress;  // in words
typedef ap_uint<kMoveWordBits> MoveWords;
typedef hls::burst_maxi<Word> MemoryPort;

static const int kBeats = 16;  // of a burst, which ends at a multiple of so many
static const int kAhead = 8;   // bursts that are under way
static const int kAheadWords = kAhead * kBeats;

// Where a move is. A matrix by columns is a row of pieces (hls/rtl/README.md).
struct Moving {
    MemoryAddress address;
    MoveWords left;                // of the piece, or of the move
    ap_uint<8> tiles, tiles_left;  // 0: no matrix by columns
    ap_uint<9> across;             // words of a row from this piece on
    ap_uint<13> stride;            // from a tile's piece to the next tile's
    MemoryAddress piece, first;    // where this one begins, and the first of its columns

    void begin(const Move& move) {
#pragma HLS INLINE
        address = move.range(kAddressBits - 1, 0);
        left = move.range(kAddressBits + kMoveWordBits - 1, kAddressBits);
        tiles = move.range(kMoveTilesBit + 7, kMoveTilesBit);
        if (tiles == 0) return;
        across = left;
        stride = across * kLanes + 1;
        piece = first = address;
        tiles_left = tiles;
        left = piece_words();
    }

    MoveWords piece_words() const {
        return kLanes * (across > kParamPorts ? ap_uint<9>(kParamPorts) : across);
    }

    // Words of the next burst.
    ap_uint<5> beats() const {
#pragma HLS INLINE
        const ap_uint<5> whole = kBeats - address.range(3, 0);
        return left < whole ? ap_uint<5>(left) : whole;
    }

    void advance(const ap_uint<5>& words) {
#pragma HLS INLINE
        address += words;
        left -= words;
        const bool last_tile = tiles_left == 1;
        if (left != 0 || tiles == 0 || (last_tile && across <= kParamPorts)) return;
        if (last_tile) {
            first += kLanes * kParamPorts;
            piece = first;
            across -= kParamPorts;
            tiles_left = tiles;
        } else {
            piece += stride;
            tiles_left -= 1;
        }
        address = piece;
        left = piece_words();
    }
};

// Asks for a burst or brings a word an iteration, or both. While words are under way it waits for
// one only when it can ask for nothing more. Recurs: counters.
struct MoverRead {
    static const char* name() { return "mover_read"; }
    // Burst 2, streams 1.
    static const int kDepth = 3;

    MoverRead() : away(0) { moving.left = 0; }

    bool iterate(hls::stream<Move>& moves, MemoryPort& memory, hls::stream<Word>& words) {
#pragma HLS INLINE
        const bool asks = moving.left != 0 && away <= kAheadWords - kBeats;
        if (asks) {
            const ap_uint<5> beats = moving.beats();
            memory.read_request(moving.address, beats);
            moving.advance(beats);
            away += beats;
        } else if (moving.left == 0 && (away == 0 || offered(moves))) {
            moving.begin(moves.read());
            return true;
        }
        // Words of a burst that is asked for in this iteration do not come in it.
        if (away > kAheadWords - kBeats || (!asks && away != 0)) {
            words.write(memory.read());
            away -= 1;
        }
        return true;
    }

    Moving moving;
    ap_uint<8> away;  // words that are asked for and have not come
};

// Tells when a move's last response has come, one without words too.
typedef ap_uint<1> Finished;

// A word an iteration; a burst begins with its first word. Recurs: counters.
struct MoverWrite {
    static const char* name() { return "mover_write"; }
    // Burst 2, streams 1.
    static const int kDepth = 3;

    MoverWrite() : beats(0), open(0), active(false) { moving.left = 0; }

    bool iterate(hls::stream<Move>& moves, hls::stream<Word>& words, MemoryPort& memory,
                 hls::stream<Finished>& finished) {
#pragma HLS INLINE
        if (beats == 0 && open != 0 && (open == kAhead || moving.left == 0)) {
            memory.write_response();
            open -= 1;
            return true;
        }
        if (beats == 0 && moving.left == 0) {
            if (active) {
                finished.write(1);
            } else {
                moving.begin(moves.read());
            }
            active = !active;
            return true;
        }
        if (beats == 0) {
            beats = moving.beats();
            memory.write_request(moving.address, beats);
            moving.advance(beats);
            open += 1;
        }
        memory.write(words.read());
        beats -= 1;
        return true;
    }

    Moving moving;
    ap_uint<5> beats;  // of the burst, to come
    ap_uint<4> open;   // bursts without a response
    bool active;       // a move is not finished
};

// What a gate asks: the ports that must have finished so many stores, above their number.
typedef ap_uint<16 + kParamPorts> Ask;

// A move on its way to the mover, behind its fence. Recurs: the move.
struct MoverGate {
    static const char* name() { return "mover_gate"; }
    // Streams 1, 1.
    static const int kDepth = 2;

    MoverGate() : asked(false) {}

    bool iterate(hls::stream<Move>& moves, hls::stream<Ask>& asks, hls::stream<Finished>& answers,
                 hls::stream<Move>& passed) {
#pragma HLS INLINE
        if (asked) {
            answers.read();
            passed.write(move);
            asked = false;
            return true;
        }
        move = moves.read();
        asked = move.range(79, kFencePortsAt) != 0;
        if (asked) {
            asks.write(Ask(move.range(79, kFenceAt)));
        } else {
            passed.write(move);
        }
        return true;
    }

    Move move;
    bool asked;  // it waits
};

// Counts what all ports have stored and answers the gates. It waits for nobody: a gate has asked
// once at most, and has room for the answer. Recurs: counters, questions.
struct MoverFences {
    static const char* name() { return "mover_fences"; }
    // Count 1, choice 1, streams 1.
    static const int kDepth = 3;

    MoverFences() {
        for (int port = 0; port < kParamPorts; ++port) {
            count[port] = 0;
            open[port] = false;
        }
    }

    bool iterate(hls::stream<Finished>& finished0, hls::stream<Finished>& finished1,
                 hls::stream<Finished>& finished2, hls::stream<Finished>& finished3,
                 hls::stream<Ask>& asks0, hls::stream<Ask>& asks1, hls::stream<Ask>& asks2,
                 hls::stream<Ask>& asks3, hls::stream<Finished>& answers0,
                 hls::stream<Finished>& answers1, hls::stream<Finished>& answers2,
                 hls::stream<Finished>& answers3) {
#pragma HLS INLINE
        step(0, finished0, asks0, answers0);
        step(1, finished1, asks1, answers1);
        step(2, finished2, asks2, answers2);
        step(3, finished3, asks3, answers3);
        return true;
    }

    void step(int port, hls::stream<Finished>& finished, hls::stream<Ask>& asks,
              hls::stream<Finished>& answers) {
#pragma HLS INLINE
        if (offered(finished)) {
            finished.read();
            count[port] += 1;
        }
        if (open[port] && passes(ask[port])) {
            answers.write(1);
            open[port] = false;
        } else if (!open[port] && offered(asks)) {
            ask[port] = asks.read();
            open[port] = true;
        }
    }

    // A count up to 32,767 stores back is reached.
    bool passes(const Ask& wanted) const {
#pragma HLS INLINE
        bool all = true;
        for (int port = 0; port < kParamPorts; ++port) {
#pragma HLS UNROLL
            const StoreCount ahead = count[port] - StoreCount(wanted.range(15, 0));
            if (wanted[16 + port] && ahead[15]) all = false;
        }
        return all;
    }

    StoreCount count[kParamPorts];
    Ask ask[kParamPorts];
    bool open[kParamPorts];  // asked and not answered
};

}  // namespace blocks
}  // namespace trivit

#endif
