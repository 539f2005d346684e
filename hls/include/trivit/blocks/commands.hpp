// Words between the HLS blocks, and the reports that answer commands. The fields of commands are
// generated from hls/kernel.yaml; README.md says what they mean.
#ifndef TRIVIT_BLOCKS_COMMANDS_HPP
#define TRIVIT_BLOCKS_COMMANDS_HPP

#include <ap_int.h>
#include <hls_stream.h>

#include "../../../generated/commands.hpp"
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
typedef ap_uint<kColumns> OpenKeys;         // a bit for each key that a row sees, of a tile
// Probabilities of two rows and, above them, a bit for each key that is open.
typedef ap_uint<2 * kLanes * (16 + 1)> LivePair;
typedef ap_uint<64> Report;
static const int kFigureBits = 52;  // of a report, below its tag

// What a unit tells behind a command: any figure of `kFigureBits`.
inline Report figure_report(const Command& command, const ap_uint<kFigureBits>& figure) {
#pragma HLS INLINE
    Report report = 0;
    report.range(kFigureBits - 1, 0) = figure;
    report.range(62, 52) = TagField::of(command);
    return report;
}

// Saturated values, modulo 2^24, and the largest magnitude of the integers that the unit wrote: 0
// to 32768 (largest_magnitude in arithmetic.hpp).
inline Report done_report(const Command& command, const ap_uint<24>& saturated,
                          const ap_uint<16>& largest) {
#pragma HLS INLINE
    ap_uint<kFigureBits> figure = 0;
    figure.range(23, 0) = saturated;
    figure.range(39, 24) = largest;
    return figure_report(command, figure);
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
