// Words and counts of the engine in C++. Widths are those of the fields in hls/kernel.yaml.
#ifndef TRIVIT_ENGINE_TYPES_HPP
#define TRIVIT_ENGINE_TYPES_HPP

#include "../blocks/arithmetic.hpp"
#include "../blocks/commands.hpp"
#include "../blocks/memory.hpp"
#include "../blocks/process.hpp"

namespace trivit {
namespace blocks {

typedef decltype(EngineFields::Source::of(Command())) BankAddress;
typedef decltype(EngineFields::TargetSlot::of(Command())) Slot;
typedef decltype(EngineFields::SourceFirst::of(Command())) GroupCount;  // of row groups
typedef decltype(EngineFields::OutWords::of(Command())) WordCount;      // of a row, or of tiles
typedef decltype(EngineFields::Rows::of(Command())) RowCount;
typedef decltype(LoadFields::Rows::of(Command())) TokenCount;
typedef decltype(SoftmaxWriterFields::Heads::of(Command())) HeadCount;
typedef decltype(EngineFields::OutShift::of(Command())) Shift;
typedef ap_uint<2 * WordCount::width + 2> MatrixWords;  // and more than one matrix
typedef decltype(TagField::of(Command())) Tag;
typedef ap_uint<4> FewRows;   // of a row group
typedef ap_uint<3> FewWords;  // of a tile
typedef ap_uint<kRows> RowMask;
typedef ap_int<kEngineSumBits> Sum;

static const int kSlots = 1 << Slot::width;

constexpr int bits_of(int places) { return places <= 1 ? 0 : 1 + bits_of((places + 1) / 2); }

// Counts run modulo twice the places, so that all and none are told apart.
static const int kRingBits = bits_of(kWeightDepth) + 1;
static const int kBiasBits = bits_of(kWeightTiles) + 1;
typedef ap_uint<kRingBits> RingCount;
typedef ap_uint<kBiasBits> BiasCount;
typedef ap_uint<12> ProductNumber;  // modulo; far fewer are under way
typedef ap_int<12> ProductDistance;

// A command that the guard has seen.
struct Checked {
    Command command;
    GroupCount groups;
    WordCount tiles;
    ap_uint<8> error;  // code of hls/kernel.yaml; not 0: it must touch nothing
};

// An access of all banks to one address through their second port.
struct PortAccess {
    bool writes;
    BankAddress address;
    RowMask rows;  // that are written
    Word data[kRows];
};

// Whether a stream has a word. The engine serves whoever comes; what it computes does not depend on
// that (README.md).
template <class Type>
bool offered(hls::stream<Type>& stream) {
#pragma HLS INLINE
    return !stream.empty();
}

inline RowMask first_rows(const FewRows& rows) {
#pragma HLS INLINE
    RowMask mask = 0;
    for (int row = 0; row < kRows; ++row) {
#pragma HLS UNROLL
        mask[row] = row < rows;
    }
    return mask;
}

template <int kBits>
FewRows rows_of_group(const ap_uint<kBits>& left) {
#pragma HLS INLINE
    return left > kRows ? FewRows(kRows) : FewRows(left);
}

// Words of the tile that begins with `left` words to come.
inline FewWords words_of_tile(const WordCount& left) {
#pragma HLS INLINE
    return left > kWordsPerTile ? FewWords(kWordsPerTile) : FewWords(left);
}

}  // namespace blocks
}  // namespace trivit

#endif
