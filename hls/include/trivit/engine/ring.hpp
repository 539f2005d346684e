// The ring of weights and the biases beside it: filled from the four streams, or by blocks from the
// banks, in the order of the commands. Transposed matrices come from the streams by columns.
#ifndef TRIVIT_ENGINE_RING_HPP
#define TRIVIT_ENGINE_RING_HPP

#include "columns.hpp"

namespace trivit {
namespace blocks {

struct Fill {
    bool placed;      // from the banks
    bool by_columns;  // from the streams, transposed
    bool bias;
    WordCount tiles, depth, outputs;
};

// Iterations from a word's write to the read that sees it.
static const int kRingDistance = 4;
static const int kFills = 16;  // that wait

typedef ap_uint<kParamPorts * 16 * kLanes> BiasRow;  // of a tile

struct Ring {
    Ring()
        : active(false),
          first(0),
          waiting(0),
          position(0),
          biases(0),
          released(0),
          released_biases(0),
          filled(0),
          under_way(0) {}

    bool has_room() const { return waiting < kFills; }

    void push(const Fill& fill) {
#pragma HLS INLINE
        queue.write(int(ap_uint<4>(first + waiting)), fill);
        waiting += 1;
    }

    // Of each iteration, before anything is written.
    void advance() {
#pragma HLS INLINE
        filled += under_way[kRingDistance - 1] ? 1 : 0;
        under_way <<= 1;
        if (active || waiting == 0) return;
        now = queue.read(int(first));
        first += 1;
        waiting -= 1;
        at_bias = now.bias;
        lane = 0;
        words = now.depth;
        tiles = now.tiles;
        if (now.by_columns) columns.begin(position, now.depth, now.outputs);
        active = true;
    }

    bool room() const {
        return at_bias ? BiasCount(biases - released_biases) < kWeightTiles
                       : RingCount(position - released) < kWeightDepth;
    }
    // From which streams a word must come in this iteration.
    bool wants_words(bool (&wanted)[kParamPorts]) const {
#pragma HLS INLINE
        for (int port = 0; port < kParamPorts; ++port) {
#pragma HLS UNROLL
            wanted[port] = !now.by_columns || columns.wants(port);
        }
        const bool has_room = now.by_columns ? columns.room(released) : room();
        return active && !now.placed && has_room;
    }
    bool wants_block() const { return active && now.placed && room(); }

    // A word of each port (biases, or weights of outputs `lane` of all ports; by columns, of those
    // that are wanted), or a block from the banks (weights of all outputs of one port), or neither.
    void take(bool streams, const Word (&word)[kParamPorts], bool banks, const ap_uint<2>& port,
              const Word (&block)[kLanes]) {
#pragma HLS INLINE
        const bool turns = streams && now.by_columns;
        const bool biases_come = streams && at_bias;
        const bool weights_come = streams && !at_bias && !turns;
        if (turns) columns.turn(lane, word);
        if (biases_come) {
            BiasRow row = 0;
            for (int p = 0; p < kParamPorts; ++p) {
#pragma HLS UNROLL
                row.range(16 * kLanes * (p + 1) - 1, 16 * kLanes * p) = word[p];
            }
            bias.write(int(ap_uint<kBiasBits - 1>(biases)), row);
            biases += 1;
            at_bias = false;
        }
        for (int output = 0; output < kColumns; ++output) {
#pragma HLS UNROLL
            const bool from_stream = weights_come && output % kLanes == lane;
            const bool from_banks = banks && output / kLanes == port;
            const int here = output / kLanes;
            const bool from_columns = turns && lane == kLanes - 1 && columns.ends_block(here);
            if (from_stream || from_banks || from_columns)
                weight[output].write(from_columns ? columns.place(here) : place(),
                                     from_columns  ? columns.word(here, output % kLanes)
                                     : from_stream ? word[here]
                                                   : block[output % kLanes]);
        }
        const bool last_lane = lane == kLanes - 1;
        const bool column_ends = turns && last_lane && columns.ends_block(kParamPorts - 1);
        if ((weights_come && last_lane) || (banks && port == kParamPorts - 1) || column_ends)
            end_word();
        if (turns && last_lane) columns.advance();
        if (weights_come || turns) lane = last_lane ? ap_uint<3>(0) : ap_uint<3>(lane + 1);
    }

    int place() const { return int(ap_uint<kRingBits - 1>(position)); }

    void end_word() {
#pragma HLS INLINE
        under_way[0] = 1;
        position += 1;
        words -= 1;
        if (words != 0) return;
        words = now.depth;
        tiles -= 1;
        at_bias = now.bias;
        active = tiles != 0;
    }

    bool idle() const { return !active && waiting == 0; }

    Memory<Word, kWeightDepth, kRingDistance> weight[kColumns];
    Memory<BiasRow, kWeightTiles, kRingDistance> bias;
    Memory<Fill, kFills, 1> queue;
    Fill now;
    Columns columns;
    bool active, at_bias;
    ap_uint<4> first;
    ap_uint<5> waiting;
    ap_uint<3> lane;
    WordCount words, tiles;  // to come of the tile, of the matrix
    RingCount position;
    BiasCount biases;
    RingCount released;
    BiasCount released_biases;
    RingCount filled;  // what a read sees
    ap_uint<kRingDistance> under_way;
};

}  // namespace blocks
}  // namespace trivit

#endif
