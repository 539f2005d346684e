// Chosen keys, numbered among all that there were, as bits of those that stay.
#ifndef TRIVIT_BLOCKS_CONNECTION_BITS_HPP
#define TRIVIT_BLOCKS_CONNECTION_BITS_HPP

#include "commands.hpp"
#include "process.hpp"
#include "select.hpp"
#include "threshold.hpp"

namespace trivit {
namespace blocks {

static const int kWide = 2 * kLanes;  // keys that the search compares at once

// A bit for each of sixteen keys that is opened; above them, for each that stays.
typedef ap_uint<2 * kWide> Chosen;

inline ap_uint<5> wide_words(const Command& command) {
#pragma HLS INLINE
    return (ConnectionsFields::Keys::of(command) + kWide - 1) >> 4;
}

// Bits of the keys that stay, moved together: eight candidates a clock, words of 32 keys. Recurs:
// the bits that do not fill a word yet, and how many they are.
struct ConnectionBits {
    static const char* name() { return "connection_bits"; }
    // Places 2, moving together 1, shift 1, choice 1, streams 1.
    static const int kDepth = 6;

    ConnectionBits() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<Chosen>& chosen,
                 hls::stream<Command>& next, hls::stream<OpenKeys>& bits) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        if (ConnectionsFields::Replay::of(c)) return true;
        const ap_uint<8> left = first ? ap_uint<8>(ConnectionsFields::Kept::of(c) - 1) : rows;
        const ap_uint<5> w = first ? ap_uint<5>(0) : word;
        const ap_uint<5> had = first ? ap_uint<5>(0) : count;
        const bool flush = w == 2 * wide_words(c);
        if (!flush && !w[0]) held = chosen.read();
        KeptWord open = held.range(kLanes - 1, 0);
        KeptWord stay = held.range(kWide + kLanes - 1, kWide);
        if (flush) stay = 0;
        held >>= kLanes;
        KeptWord together = 0;
        for (int place = 0; place < kLanes; ++place) {
#pragma HLS UNROLL
            for (int lane = place; lane < kLanes; ++lane) {
#pragma HLS UNROLL
                if (stay[lane] && count_below(stay, lane) == place) together[place] = open[lane];
            }
        }
        const OpenKeys before = first ? OpenKeys(0) : pending;
        const ap_uint<kColumns + kLanes> gathered =
            before | (ap_uint<kColumns + kLanes>(together) << had);
        const ap_uint<6> has = had + count_below(stay, kLanes);
        const bool full = has >= kColumns;
        if (full || (flush && has != 0)) bits.write(OpenKeys(gathered.range(kColumns - 1, 0)));
        pending = flush  ? OpenKeys(0)
                  : full ? OpenKeys(gathered.range(kColumns + kLanes - 1, kColumns))
                         : OpenKeys(gathered.range(kColumns - 1, 0));
        count = flush ? ap_uint<5>(0) : ap_uint<5>(has);  // modulo 32
        word = flush ? ap_uint<5>(0) : ap_uint<5>(w + 1);
        rows = flush ? ap_uint<8>(left - 1) : left;
        active = !(flush && left == 1);
        command = c;
        return true;
    }

    Command command;
    ap_uint<8> rows;  // from this one on
    ap_uint<5> word;
    ap_uint<5> count;
    OpenKeys pending;
    Chosen held;
    bool active;
};

}  // namespace blocks
}  // namespace trivit

#endif
