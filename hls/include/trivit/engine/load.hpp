// Rows of the four ports on their way to the banks, and vectors on their way to `normalise`.
#ifndef TRIVIT_ENGINE_LOAD_HPP
#define TRIVIT_ENGINE_LOAD_HPP

#include "../blocks/normalise.hpp"
#include "types.hpp"

namespace trivit {
namespace blocks {

typedef ap_uint<kParamPorts * 16 * kLanes> LoadWords;  // one of each port

// Where the words go. Rows that follow each other may lie in two row groups: low first, then high.
struct LoadPlace {
    BankAddress low, high;
    RowMask low_rows, high_rows;
    ap_uint<3> bank;  // of port 0's word
    Slot slot;
    bool low_completes, high_completes;  // a row group
    bool finishes, ends;                 // the command, the program
    bool announced;                      // the command's first: waits for a token
    Tag tag;
};

inline PortAccess load_access(const LoadPlace& place, const LoadWords& words) {
#pragma HLS INLINE
    PortAccess access;
    access.writes = true;
    access.address = place.low;
    access.rows = place.low_rows;
    for (int bank = 0; bank < kRows; ++bank) {
#pragma HLS UNROLL
        const ap_uint<2> port = ap_uint<2>(bank - place.bank);
        for (int p = 0; p < kParamPorts; ++p) {
#pragma HLS UNROLL
            if (p == port)
                access.data[bank] = words.range(16 * kLanes * (p + 1) - 1, 16 * kLanes * p);
        }
    }
    return access;
}

// What is left when the low rows are written.
inline LoadPlace rest_of(const LoadPlace& place) {
#pragma HLS INLINE
    LoadPlace rest = place;
    rest.low = place.high;
    rest.low_rows = place.high_rows;
    rest.low_completes = place.high_completes;
    rest.high_rows = 0;
    return rest;
}

// A word of every port an iteration, or half a word of the vectors. Recurs: counters.
struct Load {
    static const char* name() { return "load"; }
    // Place 3, streams 1.
    static const int kDepth = 4;
    typedef LoadFields F;

    Load() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<Word>& rows0, hls::stream<Word>& rows1,
                 hls::stream<Word>& rows2, hls::stream<Word>& rows3, hls::stream<LoadPlace>& places,
                 hls::stream<LoadWords>& words, hls::stream<Vectors>& vectors) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) begin(c);
        LoadPlace place;
        place.low = row_group + word;
        place.high = place.low + F::TargetStride::of(c);
        place.low_rows = place.high_rows = 0;
        place.bank = bank;
        place.slot = F::Complete::of(c) ? F::Slot::of(c) : Slot(0);
        place.low_completes = place.high_completes = false;
        place.finishes = false;
        place.ends = EndField::of(c) != 0;
        place.announced = !place.ends && waits;
        place.tag = TagField::of(c);
        LoadWords together = 0;
        if (place.ends) {
            place.finishes = true;
            places.write(place);
            words.write(together);
            return false;
        }
        const Word word0 = rows0.read();
        if (F::Vectors::of(c)) {
            const bool last = word + 1 == F::Words::of(c);
            if (odd) {
                Vectors both = 0;
                both.range(16 * kLanes - 1, 0) = gamma;
                both.range(2 * 16 * kLanes - 1, 16 * kLanes) = word0;
                vectors.write(both);
                place.finishes = last;
                if (last) {
                    places.write(place);
                    words.write(together);
                }
                word += 1;
            }
            active = !(odd && last);
            gamma = word0;
            odd = !odd;
        } else {
            together.range(16 * kLanes - 1, 0) = word0;
            together.range(2 * 16 * kLanes - 1, 16 * kLanes) = rows1.read();
            together.range(3 * 16 * kLanes - 1, 2 * 16 * kLanes) = rows2.read();
            together.range(4 * 16 * kLanes - 1, 3 * 16 * kLanes) = rows3.read();
            const bool last_word = word + 1 == F::Words::of(c);
            const bool last = left <= kParamPorts;
            for (int port = 0; port < kParamPorts; ++port) {
#pragma HLS UNROLL
                const bool high = bank + port >= kRows;
                const ap_uint<3> at = ap_uint<3>(bank + port);
                if (port < left) (high ? place.high_rows : place.low_rows)[at] = 1;
            }
            const bool crosses = place.high_rows != 0;
            place.low_completes = last_word && (crosses || place.low_rows[kRows - 1] || last);
            place.high_completes = last_word && last && crosses;
            place.finishes = last_word && last;
            places.write(place);
            words.write(together);
            waits = false;
            word = last_word ? WordCount(0) : WordCount(word + 1);
            if (last_word) {
                if (bank + kParamPorts >= kRows) row_group += F::TargetStride::of(c);
                bank += kParamPorts;
                left -= kParamPorts;
            }
            active = !(last_word && last);
        }
        command = c;
        return true;
    }

    void begin(const Command& c) {
#pragma HLS INLINE
        left = F::Rows::of(c);
        bank = F::FirstRow::of(c).range(2, 0);
        row_group = F::Target::of(c) + (F::FirstRow::of(c) / kRows) * F::TargetStride::of(c);
        word = 0;
        odd = false;
        waits = F::Announced::of(c) != 0;
        active = true;
    }

    Command command;
    bool active, odd;
    bool waits;       // nothing of an announced command has left
    TokenCount left;  // rows
    ap_uint<3> bank;
    WordCount word;
    BankAddress row_group;
    Word gamma;
};

}  // namespace blocks
}  // namespace trivit

#endif
