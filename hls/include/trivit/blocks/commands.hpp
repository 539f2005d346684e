// What the sequencer tells the HLS blocks and what they report. This header is the only place that
// knows where a field lies; README.md says what the fields mean.
#ifndef TRIVIT_BLOCKS_COMMANDS_HPP
#define TRIVIT_BLOCKS_COMMANDS_HPP

#include <ap_int.h>
#include <hls_stream.h>

#include "../../../generated/kernel_spec.hpp"

namespace trivit {
namespace blocks {

static const int kLanes = kTileDepth;  // int16 elements in a word
static const int kRows = kTileTokens;  // in a row group
static const int kColumns = kTileOutputs;
static const int kPairs = kRows / 2;  // softmax and normalise take two rows at once
static const int kWordsPerTile = kColumns / kLanes;
static const int kKeyWords = (kMaxTokens + kLanes - 1) / kLanes;

typedef ap_uint<16 * kLanes> Word;          // elements of one row
typedef ap_uint<16 * kColumns> TileRow;     // a row of a tile, as the engine sends it
typedef ap_uint<2 * 16 * kLanes> WordPair;  // of the rows 2 p and 2 p + 1, the even one low
typedef ap_uint<256> Command;
typedef ap_uint<64> Report;

// A field of a command.
template <int kLow, int kBits>
struct Field {
    static ap_uint<kBits> of(const Command& command) {
#pragma HLS INLINE
        return ap_uint<kBits>(command.range(kLow + kBits - 1, kLow));
    }

    static void put(Command& command, uint64_t value) {
        command.range(kLow + kBits - 1, kLow) = ap_uint<kBits>(value);
    }

    static const int kEnd = kLow + kBits;
};

// Of every command: the last one of a program ends the block's call, and the tag comes back with
// the report.
typedef Field<0, 1> EndField;
typedef Field<1, 15> TagField;
static const int kFirstField = 16;

struct GeluFields {
    typedef Field<kFirstField, 4> InFrac;
    typedef Field<InFrac::kEnd, 5> OutFrac;
    typedef Field<OutFrac::kEnd, 24> TileRows;  // that pass through, 1 or more
};

// One attention: all heads, all row groups.
struct SoftmaxFields {
    typedef Field<kFirstField, 5> Heads;
    typedef Field<Heads::kEnd, 10> Rows;  // queries
    typedef Field<Rows::kEnd, 10> Keys;
    typedef Field<Keys::kEnd, 1> Masked;     // a word of `open` comes with every row of a tile
    typedef Field<Masked::kEnd, 1> SendCls;  // probabilities of row 0 go to `select` too
    typedef Field<SendCls::kEnd, 24> ExpMultiplier;
    typedef Field<ExpMultiplier::kEnd, 6> ExpShift;
    typedef Field<ExpShift::kEnd, 4> ProbFrac;
};

// Rows of one layer normalisation.
struct NormaliseFields {
    typedef Field<kFirstField, 10> Rows;
    typedef Field<Rows::kEnd, 9> Words;  // of a row
    typedef Field<Words::kEnd, 5> BetaShift;
    typedef Field<BetaShift::kEnd, 5> NormShift;
    typedef Field<NormShift::kEnd, 30> InvWidth;
    typedef Field<InvWidth::kEnd, 23> SqrtWidth;
    typedef Field<SqrtWidth::kEnd, 57> Epsilon;
};

struct SelectFields {
    typedef Field<kFirstField, 5> Heads;
    typedef Field<Heads::kEnd, 10> Tokens;
    typedef Field<Tokens::kEnd, 10> Keep;  // patches, [CLS] not counted
};

inline Report done_report(const Command& command, const ap_uint<32>& saturated) {
#pragma HLS INLINE
    Report report = 0;
    report.range(31, 0) = saturated;
    report.range(46, 32) = TagField::of(command);
    return report;
}

// Answers the end command, behind all other reports.
inline Report end_report() {
#pragma HLS INLINE
    Report report = 0;
    report[63] = 1;
    return report;
}

}  // namespace blocks
}  // namespace trivit

#endif
