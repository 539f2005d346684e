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
    kUnitGeluBackward = 16,
    kUnitSoftmaxBackward = 17,
    kUnitCrossEntropy = 18,
    kUnitNormaliseBackward = 19,
    kUnitUpdate = 20,
    kUnitAdamwConstants = 21,
    kUnitUpdateAdamw = 22,
};
static const int kUnits = 23;

typedef CommandField<0, 1> EndField;
typedef CommandField<1, 11> TagField;
typedef CommandField<12, 5> UnitField;

struct SequencerFields {
    typedef CommandField<17, 24> Reports;
};

struct EngineFields {
    typedef CommandField<17, 1> Place;
    typedef CommandField<18, 1> Transposed;
    typedef CommandField<19, 1> RowsOuter;
    typedef CommandField<20, 1> HasBias;
    typedef CommandField<21, 1> HasResidual;
    typedef CommandField<22, 1> ToBanks;
    typedef CommandField<23, 3> Stream;
    typedef CommandField<26, 1> Partner;
    typedef CommandField<27, 1> Sums;
    typedef CommandField<28, 1> SkipFirst;
    typedef CommandField<29, 5> SumShift;
    typedef CommandField<34, 1> Fill;
    typedef CommandField<35, 1> Keep;
    typedef CommandField<36, 1> Claim;
    typedef CommandField<37, 1> AnnounceReader;
    typedef CommandField<38, 1> AnnounceStore;
    typedef CommandField<39, 1> AnnounceLoad;
    typedef CommandField<40, 3> SourceSlot;
    typedef CommandField<43, 3> ResidualSlot;
    typedef CommandField<46, 3> TargetSlot;
    typedef CommandField<49, 3> ClearSlot;
    typedef CommandField<52, 11> SourceFirst;
    typedef CommandField<63, 11> ResidualFirst;
    typedef CommandField<74, 10> RingOffset;
    typedef CommandField<84, 14> Source;
    typedef CommandField<98, 14> SourceStride;
    typedef CommandField<112, 14> Residual;
    typedef CommandField<126, 14> Target;
    typedef CommandField<140, 14> TargetStride;
    typedef CommandField<154, 12> Rows;
    typedef CommandField<166, 9> DepthWords;
    typedef CommandField<175, 9> OutWords;
    typedef CommandField<184, 4> LastRows;
    typedef CommandField<188, 5> BiasShift;
    typedef CommandField<193, 5> ResidualShift;
    typedef CommandField<198, 5> OutShift;
};

struct GeluFields {
    typedef CommandField<17, 4> InFrac;
    typedef CommandField<21, 5> OutFrac;
    typedef CommandField<26, 24> TileRows;
};

struct SoftmaxFields {
    typedef CommandField<17, 5> Heads;
    typedef CommandField<22, 10> Rows;
    typedef CommandField<32, 10> Keys;
    typedef CommandField<42, 1> Masked;
    typedef CommandField<43, 1> SendCls;
    typedef CommandField<44, 1> SendAll;
    typedef CommandField<45, 24> ExpMultiplier;
    typedef CommandField<69, 6> ExpShift;
    typedef CommandField<75, 4> ProbFrac;
};

struct NormaliseFields {
    typedef CommandField<17, 10> Rows;
    typedef CommandField<27, 9> Words;
    typedef CommandField<36, 5> BetaShift;
    typedef CommandField<41, 5> NormShift;
    typedef CommandField<46, 30> InvWidth;
    typedef CommandField<76, 23> SqrtWidth;
    typedef CommandField<99, 57> Epsilon;
};

struct SelectFields {
    typedef CommandField<17, 5> Heads;
    typedef CommandField<22, 10> Tokens;
    typedef CommandField<32, 10> Keep;
    typedef CommandField<42, 1> SendKept;
};

struct RowWriterFields {
    typedef CommandField<17, 1> List;
    typedef CommandField<18, 1> Direct;
    typedef CommandField<19, 2> Backward;
    typedef CommandField<21, 1> RowsOuter;
    typedef CommandField<22, 1> Compact;
    typedef CommandField<23, 10> FirstRow;
    typedef CommandField<33, 10> Rows;
    typedef CommandField<43, 10> Kept;
    typedef CommandField<53, 9> Words;
    typedef CommandField<62, 14> Target;
    typedef CommandField<76, 14> TargetStride;
    typedef CommandField<90, 3> Slot;
};

struct SoftmaxWriterFields {
    typedef CommandField<17, 5> Heads;
    typedef CommandField<22, 10> Rows;
    typedef CommandField<32, 9> Words;
    typedef CommandField<41, 14> Target;
    typedef CommandField<55, 14> TargetStride;
    typedef CommandField<69, 9> Wrap;
    typedef CommandField<78, 3> Slot;
};

struct NormWriterFields {
    typedef CommandField<17, 10> Rows;
    typedef CommandField<27, 9> Words;
    typedef CommandField<36, 14> Target;
    typedef CommandField<50, 14> TargetStride;
    typedef CommandField<64, 3> Slot;
    typedef CommandField<67, 1> Backward;
};

struct RowReaderFields {
    typedef CommandField<17, 10> Rows;
    typedef CommandField<27, 9> Words;
    typedef CommandField<36, 14> Source;
    typedef CommandField<50, 14> SourceStride;
    typedef CommandField<64, 3> Slot;
    typedef CommandField<67, 11> First;
    typedef CommandField<78, 2> Tensors;
    typedef CommandField<80, 14> Second;
    typedef CommandField<94, 14> Third;
};

struct LoadFields {
    typedef CommandField<17, 1> Vectors;
    typedef CommandField<18, 1> Backward;
    typedef CommandField<19, 10> FirstRow;
    typedef CommandField<29, 10> Rows;
    typedef CommandField<39, 9> Words;
    typedef CommandField<48, 14> Target;
    typedef CommandField<62, 14> TargetStride;
    typedef CommandField<76, 3> Slot;
    typedef CommandField<79, 1> Complete;
    typedef CommandField<80, 1> Announced;
};

struct StoreFields {
    typedef CommandField<17, 10> Rows;
    typedef CommandField<27, 9> Words;
    typedef CommandField<36, 14> Source;
    typedef CommandField<50, 14> SourceStride;
    typedef CommandField<64, 3> Slot;
    typedef CommandField<67, 11> First;
    typedef CommandField<78, 1> Spread;
};

struct MoveWeightsFields {
    typedef CommandField<17, 2> Base;
    typedef CommandField<19, 4> Ports;
    typedef CommandField<23, 24> Words;
    typedef CommandField<47, 32> Address;
    typedef CommandField<79, 32> PortStride;
    typedef CommandField<111, 9> Groups;
};

struct MoveRowsFields {
    typedef CommandField<17, 2> Base;
    typedef CommandField<19, 4> Ports;
    typedef CommandField<23, 24> Words;
    typedef CommandField<47, 32> Address;
    typedef CommandField<79, 32> PortStride;
    typedef CommandField<111, 1> Fenced;
    typedef CommandField<112, 1> Update;
    typedef CommandField<113, 3> Planes;
    typedef CommandField<116, 32> PlaneStride;
};

struct MoveStoreFields {
    typedef CommandField<17, 2> Base;
    typedef CommandField<19, 4> Ports;
    typedef CommandField<23, 24> Words;
    typedef CommandField<47, 32> Address;
    typedef CommandField<79, 32> PortStride;
    typedef CommandField<111, 9> Groups;
    typedef CommandField<120, 1> Update;
    typedef CommandField<121, 3> Planes;
    typedef CommandField<124, 32> PlaneStride;
    typedef CommandField<156, 1> Bias;
};

struct ConnectionsFields {
    typedef CommandField<17, 1> Replay;
    typedef CommandField<18, 5> Heads;
    typedef CommandField<23, 10> Rows;
    typedef CommandField<33, 10> Keys;
    typedef CommandField<43, 10> Kept;
    typedef CommandField<53, 10> Keep;
};

struct GeluBackwardFields {
    typedef CommandField<17, 4> InFrac;
    typedef CommandField<21, 6> Shift;
    typedef CommandField<27, 24> TileRows;
};

struct SoftmaxBackwardFields {
    typedef CommandField<17, 10> Rows;
    typedef CommandField<27, 10> Keys;
    typedef CommandField<37, 4> ProbFrac;
    typedef CommandField<41, 16> Scale;
    typedef CommandField<57, 7> Shift;
};

struct CrossEntropyFields {
    typedef CommandField<17, 13> Classes;
    typedef CommandField<30, 24> ExpMultiplier;
    typedef CommandField<54, 6> ExpShift;
    typedef CommandField<60, 6> Frac;
};

struct NormaliseBackwardFields {
    typedef CommandField<17, 10> Rows;
    typedef CommandField<27, 10> Normalised;
    typedef CommandField<37, 9> Words;
    typedef CommandField<46, 30> InvWidth;
    typedef CommandField<76, 23> SqrtWidth;
    typedef CommandField<99, 57> Epsilon;
    typedef CommandField<156, 6> Shift;
    typedef CommandField<162, 1> Addend;
    typedef CommandField<163, 7> AddendShift;
    typedef CommandField<170, 6> GammaShift;
};

struct UpdateFields {
    typedef CommandField<17, 24> Words;
    typedef CommandField<41, 13> Line;
    typedef CommandField<54, 9> DepthWords;
    typedef CommandField<63, 1> Masters;
    typedef CommandField<64, 1> Stochastic;
    typedef CommandField<65, 17> Momentum;
    typedef CommandField<82, 17> Clip;
    typedef CommandField<99, 24> Rate;
    typedef CommandField<123, 16> Decay;
    typedef CommandField<139, 7> DecayShift;
    typedef CommandField<146, 7> GradientShift;
    typedef CommandField<153, 7> RateShift;
    typedef CommandField<160, 32> Key;
    typedef CommandField<192, 7> BiasGradientShift;
    typedef CommandField<199, 7> BiasRateShift;
    typedef CommandField<206, 32> BiasKey;
    typedef CommandField<238, 9> Groups;
};

struct AdamwConstantsFields {
    typedef CommandField<17, 17> Beta1;
    typedef CommandField<34, 24> Alpha2;
    typedef CommandField<58, 17> Clip;
    typedef CommandField<75, 24> Rate;
    typedef CommandField<99, 16> Correction;
    typedef CommandField<115, 7> BiasMeanShift;
    typedef CommandField<122, 8> BiasSquareShift;
    typedef CommandField<130, 8> BiasDirectionShift;
    typedef CommandField<138, 7> BiasRateShift;
    typedef CommandField<145, 32> BiasKey;
    typedef CommandField<177, 32> BiasSecondKey;
    typedef CommandField<209, 41> BiasFloor;
};

struct UpdateAdamwFields {
    typedef CommandField<17, 24> Words;
    typedef CommandField<41, 13> Line;
    typedef CommandField<54, 9> DepthWords;
    typedef CommandField<63, 9> Groups;
    typedef CommandField<72, 1> Masters;
    typedef CommandField<73, 1> Stochastic;
    typedef CommandField<74, 16> Decay;
    typedef CommandField<90, 7> DecayShift;
    typedef CommandField<97, 7> MeanShift;
    typedef CommandField<104, 8> SquareShift;
    typedef CommandField<112, 8> DirectionShift;
    typedef CommandField<120, 7> RateShift;
    typedef CommandField<127, 32> Key;
    typedef CommandField<159, 32> SecondKey;
    typedef CommandField<191, 41> Floor;
};

}  // namespace blocks
}  // namespace trivit

#endif
