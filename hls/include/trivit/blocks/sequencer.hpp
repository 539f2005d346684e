// Hands the commands of a program to the units, in program order, a command a clock.
#ifndef TRIVIT_BLOCKS_SEQUENCER_HPP
#define TRIVIT_BLOCKS_SEQUENCER_HPP

#include "commands.hpp"
#include "process.hpp"

namespace trivit {
namespace blocks {

// What a port of DDR is told: `move_t` in hls/rtl/mover_types.sv, address, words, fence, tiles,
// what belongs to an update, and the stride of planes from bit 0 on.
typedef ap_uint<128> Move;
static const int kAddressBits = 36;  // of words of 16 bytes
static const int kMoveWordBits = 24;
static const int kFenceAt = kAddressBits + kMoveWordBits;
static const int kFencePortsAt = kFenceAt + 16;
static const int kTilesAt = kFencePortsAt + 4;
static const int kPlanesAt = kTilesAt + 8;
static const int kUpdateAt = kPlanesAt + 3;
static const int kBiasAt = kUpdateAt + 1;
static const int kPlaneStrideAt = 96;
typedef ap_uint<16> StoreCount;  // of moves to DDR, modulo 2^16

// Where a program finds its data in DDR.
typedef ap_uint<256> JobWord;
struct JobFields {
    typedef CommandField<0, kAddressBits> Params;
    typedef CommandField<kAddressBits, kAddressBits> Input;
    typedef CommandField<2 * kAddressBits, kAddressBits> Output;
    typedef CommandField<3 * kAddressBits, 1> End;  // no job: the call ends
};

inline Command end_command(Unit unit) {
#pragma HLS INLINE
    Command command = 0;
    EndField::put(command, 1);
    UnitField::put(command, unit);
    return command;
}

// A command for one unit; at the end of a program, the unit's end command.
inline void send(hls::stream<Command>& to, Unit unit, const Command& command, bool ends) {
#pragma HLS INLINE
    if (ends) {
        to.write(end_command(unit));
    } else if (UnitField::of(command) == unit) {
        to.write(command);
    }
}

// Commands of training's units, and of numbers that no unit has, leave together: whoever takes them
// hands them out (hls/rtl/training_commands.sv), or refuses them.
inline void send_training(hls::stream<Command>& to, const Command& command, bool ends) {
#pragma HLS INLINE
    if (ends) {
        to.write(end_command(kUnitGeluBackward));
    } else if (UnitField::of(command) >= kUnitGeluBackward) {
        to.write(command);
    }
}

// Groups of 8 outputs lie in the ports in turn: how many tiles of them port `port` has.
inline ap_uint<8> tiles_of(const ap_uint<9>& groups, int port) {
#pragma HLS INLINE
    return ap_uint<8>((groups + kParamPorts - 1 - port) / kParamPorts);
}

// The three kinds of moves have the same fields. A store is told to every port, with no words to
// those that move nothing: so one count, `stores`, is that of all.
inline void send_move(hls::stream<Move>& to, Unit unit, int port, const Command& command,
                      const ap_uint<kAddressBits>& base, const StoreCount& stores) {
#pragma HLS INLINE
    // Weights and stores have the field at the same place; rows have none.
    const ap_uint<9> groups =
        unit == kUnitMoveRows ? ap_uint<9>(0) : MoveWeightsFields::Groups::of(command);
    const ap_uint<8> tiles = tiles_of(groups, port);
    const ap_uint<kAddressBits> offset = port * MoveRowsFields::PortStride::of(command);
    const bool moves = MoveRowsFields::Ports::of(command)[port] != 0;
    Move move = 0;
    move.range(kAddressBits - 1, 0) =
        ap_uint<kAddressBits>(base + MoveRowsFields::Address::of(command) + offset);
    if (moves && (groups == 0 || tiles != 0))
        move.range(kFenceAt - 1, kAddressBits) = MoveRowsFields::Words::of(command);
    if (moves) move.range(kTilesAt + 7, kTilesAt) = tiles;
    if (unit == kUnitMoveRows) {
        move.range(kUpdateAt - 1, kPlanesAt) = MoveRowsFields::Planes::of(command);
        move[kUpdateAt] = MoveRowsFields::Update::of(command);
        move.range(127, kPlaneStrideAt) = MoveRowsFields::PlaneStride::of(command);
    }
    if (unit == kUnitMoveStore) {
        move.range(kUpdateAt - 1, kPlanesAt) = MoveStoreFields::Planes::of(command);
        move[kUpdateAt] = MoveStoreFields::Update::of(command);
        move[kBiasAt] = MoveStoreFields::Bias::of(command);
        move.range(127, kPlaneStrideAt) = MoveStoreFields::PlaneStride::of(command);
    }
    if (unit == kUnitMoveRows && MoveRowsFields::Fenced::of(command)) {
        move.range(kFencePortsAt - 1, kFenceAt) = stores;
        move.range(kTilesAt - 1, kFencePortsAt) = -1;
    }
    if (UnitField::of(command) == unit && (moves || unit == kUnitMoveStore)) to.write(move);
}

// Recurs: the job, the number of stores.
struct Sequencer {
    static const char* name() { return "sequencer"; }
    // Route and base 1, address 2, streams 1.
    static const int kDepth = 4;

    Sequencer() : active(false), stores(0) {}

    bool iterate(hls::stream<JobWord>& jobs, hls::stream<Command>& descriptors,
                 hls::stream<Command>& engine, hls::stream<Command>& gelu,
                 hls::stream<Command>& softmax, hls::stream<Command>& normalise,
                 hls::stream<Command>& select, hls::stream<Command>& row_writer,
                 hls::stream<Command>& softmax_writer, hls::stream<Command>& norm_writer,
                 hls::stream<Command>& row_reader, hls::stream<Command>& load,
                 hls::stream<Command>& store, hls::stream<Command>& connections,
                 hls::stream<Command>& training, hls::stream<Move>& weights0,
                 hls::stream<Move>& weights1, hls::stream<Move>& weights2,
                 hls::stream<Move>& weights3, hls::stream<Move>& rows0, hls::stream<Move>& rows1,
                 hls::stream<Move>& rows2, hls::stream<Move>& rows3, hls::stream<Move>& stores0,
                 hls::stream<Move>& stores1, hls::stream<Move>& stores2, hls::stream<Move>& stores3,
                 hls::stream<ap_uint<24>>& program_end) {
#pragma HLS INLINE
        const bool first = !active;
        const JobWord j = first ? jobs.read() : job;
        if (JobFields::End::of(j)) return false;
        const Command c = descriptors.read();
        const bool ends = UnitField::of(c) == kUnitSequencer && EndField::of(c);
        send(engine, kUnitEngine, c, false);
        send(gelu, kUnitGelu, c, ends);
        send(softmax, kUnitSoftmax, c, ends);
        send(normalise, kUnitNormalise, c, ends);
        send(select, kUnitSelect, c, ends);
        send(row_writer, kUnitRowWriter, c, ends);
        send(softmax_writer, kUnitSoftmaxWriter, c, ends);
        send(norm_writer, kUnitNormWriter, c, ends);
        send(row_reader, kUnitRowReader, c, false);
        send(load, kUnitLoad, c, ends);
        send(store, kUnitStore, c, ends);
        send(connections, kUnitConnections, c, ends);
        send_training(training, c, ends);

        const ap_uint<2> region = MoveRowsFields::Base::of(c);
        const ap_uint<kAddressBits> base = region == 2   ? JobFields::Output::of(j)
                                           : region == 1 ? JobFields::Input::of(j)
                                                         : JobFields::Params::of(j);
        send_move(weights0, kUnitMoveWeights, 0, c, base, stores);
        send_move(weights1, kUnitMoveWeights, 1, c, base, stores);
        send_move(weights2, kUnitMoveWeights, 2, c, base, stores);
        send_move(weights3, kUnitMoveWeights, 3, c, base, stores);
        send_move(rows0, kUnitMoveRows, 0, c, base, stores);
        send_move(rows1, kUnitMoveRows, 1, c, base, stores);
        send_move(rows2, kUnitMoveRows, 2, c, base, stores);
        send_move(rows3, kUnitMoveRows, 3, c, base, stores);
        send_move(stores0, kUnitMoveStore, 0, c, base, stores);
        send_move(stores1, kUnitMoveStore, 1, c, base, stores);
        send_move(stores2, kUnitMoveStore, 2, c, base, stores);
        send_move(stores3, kUnitMoveStore, 3, c, base, stores);
        if (UnitField::of(c) == kUnitMoveStore) stores += 1;
        if (ends) program_end.write(SequencerFields::Reports::of(c));
        job = j;
        active = !ends;
        return true;
    }

    JobWord job;
    bool active;
    StoreCount stores;  // since the reset
};

}  // namespace blocks
}  // namespace trivit

#endif
