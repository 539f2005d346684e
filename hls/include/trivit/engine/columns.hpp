// A transposed matrix on its way from the streams to the ring: blocks of 8 x 8, whose words have an
// element for each output (hls/rtl/README.md, Weights by columns). Stream p is p blocks behind
// stream 0, so that each of them brings a block for another port, and so is a port behind the one
// before it.
#ifndef TRIVIT_ENGINE_COLUMNS_HPP
#define TRIVIT_ENGINE_COLUMNS_HPP

#include "types.hpp"

namespace trivit {
namespace blocks {

struct Columns {
    // The block of a stream. Blocks that the matrix has not are passed without words.
    struct Block {
        bool valid;
        bool exists;      // its outputs do; otherwise it is zero
        WordCount group;  // depth word of stream 0
        RingCount place;  // of that depth word
    };

    Columns() : turn_of(0) {
        for (int port = 0; port < kParamPorts; ++port) {
#pragma HLS UNROLL
            at[port].valid = false;
        }
    }

    void begin(const RingCount& position, const WordCount& depth_words,
               const WordCount& output_words) {
#pragma HLS INLINE
        depth = depth_words;
        outputs = output_words;
        tile = 0;
        tile_place = position;
        turn_of = 0;
        const Block first = {true, true, 0, position};
        at[0] = first;
        for (int port = 1; port < kParamPorts; ++port) {
#pragma HLS UNROLL
            at[port].valid = false;
        }
    }

    // Whether stream `port` is at a block that goes to the ring, be it zero.
    bool writes(int port) const {
        return at[port].valid && ap_uint<WordCount::width + 1>(at[port].group + port) < depth;
    }
    bool wants(int port) const { return writes(port) && at[port].exists; }

    // The stream that brings a block for this port.
    ap_uint<2> stream_of(int port) const { return ap_uint<2>(turn_of - port); }

    // A depth word takes its place with its first port.
    bool room(const RingCount& released) const {
#pragma HLS INLINE
        const ap_uint<2> stream = stream_of(0);
        return !writes(int(stream)) ||
               RingCount(at[int(stream)].place + stream - released) < kWeightDepth;
    }

    void turn(const ap_uint<3>& lane, const Word (&word)[kParamPorts]) {
#pragma HLS INLINE
        for (int port = 0; port < kParamPorts; ++port) {
#pragma HLS UNROLL
            for (int output = 0; output < kLanes; ++output) {
#pragma HLS UNROLL
                for (int f = 0; f < kLanes; ++f) {
#pragma HLS UNROLL
                    if (lane == f)
                        turned[port][output].range(16 * f + 15, 16 * f) =
                            wants(port) ? lane16(word[port], output) : ap_int<16>(0);
                }
            }
        }
    }

    bool ends_block(int port) const { return writes(int(stream_of(port))); }
    int place(int port) const {
#pragma HLS INLINE
        const ap_uint<2> stream = stream_of(port);
        return int(ap_uint<kRingBits - 1>(at[int(stream)].place + stream));
    }
    Word word(int port, int output) const { return turned[int(stream_of(port))][output]; }

    // The next block of each stream.
    void advance() {
#pragma HLS INLINE
        for (int port = kParamPorts - 1; port > 0; --port) {
#pragma HLS UNROLL
            at[port] = at[port - 1];
        }
        turn_of += 1;
        if (turn_of == 0) {
            const ap_uint<WordCount::width + 1> group = at[0].group + kParamPorts;
            const bool tile_ends = group >= depth;
            if (tile_ends) {
                tile += kWordsPerTile;
                tile_place += depth;
            }
            at[0].valid = at[0].valid && tile < outputs;
            at[0].group = tile_ends ? WordCount(0) : WordCount(group);
            at[0].place = tile_place + at[0].group;
        }
        at[0].exists = tile + turn_of < outputs;
    }

    Block at[kParamPorts];
    Word turned[kParamPorts][kLanes];
    ap_uint<2> turn_of;                  // the port that stream 0 brings a block for
    WordCount depth, outputs;            // words
    ap_uint<WordCount::width + 1> tile;  // of stream 0, in words of outputs
    RingCount tile_place;
};

}  // namespace blocks
}  // namespace trivit

#endif
