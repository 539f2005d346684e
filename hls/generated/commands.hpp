// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
#ifndef TRIVIT_GENERATED_COMMANDS_HPP
#define TRIVIT_GENERATED_COMMANDS_HPP

#include <ap_int.h>

namespace trivit {
namespace blocks {

static const int kCommandBits = 256;
typedef ap_uint<kCommandBits> Command;

// A field of a command: its lowest bit and its width.
template <int kLow, int kBits>
struct CommandField {
    static ap_uint<kBits> of(const Command& command) {
#pragma HLS INLINE
        return ap_uint<kBits>(command.range(kLow + kBits - 1, kLow));
    }

    static void put(Command& command, unsigned long long value) {
        command.range(kLow + kBits - 1, kLow) = ap_uint<kBits>(value);
    }
};

enum Unit {
    kUnitSequencer = 0,
    kUnitEngine = 1,
    kUnitGelu = 2,
    kUnitSoftmax = 3,
    kUnitNormalise = 4,
    kUnitSelect = 5,
    kUnitRowWriter = 6,
    kUnitSoftmaxWriter = 7,
    kUnitNormWriter = 8,
    kUnitRowReader = 9,
    kUnitLoad = 10,
    kUnitStore = 11,
    kUnitMoveWeights = 12,
    kUnitMoveRows = 13,
    kUnitMoveStore = 14,
    kUnitConnections = 15,
};
static const int kUnits = 16;

typedef CommandField<0, 1> EndField;
typedef CommandField<1, 11> TagField;
typedef CommandField<12, 4> UnitField;

struct SequencerFields {
    typedef CommandField<16, 24> Reports;
};

struct EngineFields {
    typedef CommandField<16, 1> Place;
    typedef CommandField<17, 1> Transposed;
    typedef CommandField<18, 1> RowsOuter;
    typedef CommandField<19, 1> HasBias;
    typedef CommandField<20, 1> HasResidual;
    typedef CommandField<21, 1> ToBanks;
    typedef CommandField<22, 2> Stream;
    typedef CommandField<24, 1> Fill;
    typedef CommandField<25, 1> Keep;
    typedef CommandField<26, 1> Claim;
    typedef CommandField<27, 1> AnnounceReader;
    typedef CommandField<28, 1> AnnounceStore;
    typedef CommandField<29, 1> AnnounceLoad;
    typedef CommandField<30, 3> SourceSlot;
    typedef CommandField<33, 3> ResidualSlot;
    typedef CommandField<36, 3> TargetSlot;
    typedef CommandField<39, 3> ClearSlot;
    typedef CommandField<42, 11> SourceFirst;
    typedef CommandField<53, 11> ResidualFirst;
    typedef CommandField<64, 10> RingOffset;
    typedef CommandField<74, 14> Source;
    typedef CommandField<88, 14> SourceStride;
    typedef CommandField<102, 14> Residual;
    typedef CommandField<116, 14> Target;
    typedef CommandField<130, 14> TargetStride;
    typedef CommandField<144, 12> Rows;
    typedef CommandField<156, 9> DepthWords;
    typedef CommandField<165, 9> OutWords;
    typedef CommandField<174, 4> LastRows;
    typedef CommandField<178, 5> BiasShift;
    typedef CommandField<183, 5> ResidualShift;
    typedef CommandField<188, 5> OutShift;
};

struct GeluFields {
    typedef CommandField<16, 4> InFrac;
    typedef CommandField<20, 5> OutFrac;
    typedef CommandField<25, 24> TileRows;
};

struct SoftmaxFields {
    typedef CommandField<16, 5> Heads;
    typedef CommandField<21, 10> Rows;
    typedef CommandField<31, 10> Keys;
    typedef CommandField<41, 1> Masked;
    typedef CommandField<42, 1> SendCls;
    typedef CommandField<43, 1> SendAll;
    typedef CommandField<44, 24> ExpMultiplier;
    typedef CommandField<68, 6> ExpShift;
    typedef CommandField<74, 4> ProbFrac;
};

struct NormaliseFields {
    typedef CommandField<16, 10> Rows;
    typedef CommandField<26, 9> Words;
    typedef CommandField<35, 5> BetaShift;
    typedef CommandField<40, 5> NormShift;
    typedef CommandField<45, 30> InvWidth;
    typedef CommandField<75, 23> SqrtWidth;
    typedef CommandField<98, 57> Epsilon;
};

struct SelectFields {
    typedef CommandField<16, 5> Heads;
    typedef CommandField<21, 10> Tokens;
    typedef CommandField<31, 10> Keep;
    typedef CommandField<41, 1> SendKept;
};

struct RowWriterFields {
    typedef CommandField<16, 1> List;
    typedef CommandField<17, 1> Direct;
    typedef CommandField<18, 1> RowsOuter;
    typedef CommandField<19, 1> Compact;
    typedef CommandField<20, 10> FirstRow;
    typedef CommandField<30, 10> Rows;
    typedef CommandField<40, 10> Kept;
    typedef CommandField<50, 9> Words;
    typedef CommandField<59, 14> Target;
    typedef CommandField<73, 14> TargetStride;
    typedef CommandField<87, 3> Slot;
};

struct SoftmaxWriterFields {
    typedef CommandField<16, 5> Heads;
    typedef CommandField<21, 10> Rows;
    typedef CommandField<31, 9> Words;
    typedef CommandField<40, 14> Target;
    typedef CommandField<54, 14> TargetStride;
    typedef CommandField<68, 9> Wrap;
    typedef CommandField<77, 3> Slot;
};

struct NormWriterFields {
    typedef CommandField<16, 10> Rows;
    typedef CommandField<26, 9> Words;
    typedef CommandField<35, 14> Target;
    typedef CommandField<49, 14> TargetStride;
    typedef CommandField<63, 3> Slot;
};

struct RowReaderFields {
    typedef CommandField<16, 10> Rows;
    typedef CommandField<26, 9> Words;
    typedef CommandField<35, 14> Source;
    typedef CommandField<49, 14> SourceStride;
    typedef CommandField<63, 3> Slot;
    typedef CommandField<66, 11> First;
};

struct LoadFields {
    typedef CommandField<16, 1> Vectors;
    typedef CommandField<17, 10> FirstRow;
    typedef CommandField<27, 10> Rows;
    typedef CommandField<37, 9> Words;
    typedef CommandField<46, 14> Target;
    typedef CommandField<60, 14> TargetStride;
    typedef CommandField<74, 3> Slot;
    typedef CommandField<77, 1> Complete;
    typedef CommandField<78, 1> Announced;
};

struct StoreFields {
    typedef CommandField<16, 10> Rows;
    typedef CommandField<26, 9> Words;
    typedef CommandField<35, 14> Source;
    typedef CommandField<49, 14> SourceStride;
    typedef CommandField<63, 3> Slot;
    typedef CommandField<66, 11> First;
    typedef CommandField<77, 1> Spread;
};

struct MoveWeightsFields {
    typedef CommandField<16, 2> Base;
    typedef CommandField<18, 4> Ports;
    typedef CommandField<22, 24> Words;
    typedef CommandField<46, 32> Address;
    typedef CommandField<78, 32> PortStride;
    typedef CommandField<110, 9> Groups;
};

struct MoveRowsFields {
    typedef CommandField<16, 2> Base;
    typedef CommandField<18, 4> Ports;
    typedef CommandField<22, 24> Words;
    typedef CommandField<46, 32> Address;
    typedef CommandField<78, 32> PortStride;
    typedef CommandField<110, 1> Fenced;
};

struct MoveStoreFields {
    typedef CommandField<16, 2> Base;
    typedef CommandField<18, 4> Ports;
    typedef CommandField<22, 24> Words;
    typedef CommandField<46, 32> Address;
    typedef CommandField<78, 32> PortStride;
    typedef CommandField<110, 9> Groups;
};

struct ConnectionsFields {
    typedef CommandField<16, 1> Replay;
    typedef CommandField<17, 5> Heads;
    typedef CommandField<22, 10> Rows;
    typedef CommandField<32, 10> Keys;
    typedef CommandField<42, 10> Kept;
    typedef CommandField<52, 10> Keep;
};

}  // namespace blocks
}  // namespace trivit

#endif
