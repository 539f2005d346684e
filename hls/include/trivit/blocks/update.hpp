// SGD with momentum on masters of 32 or 16 bits (docs/on-device-training.md, Update), two elements
// a clock and port. For each port a process takes the planes apart, one computes, and one puts the
// new planes together; one adds up what the ports count.
#ifndef TRIVIT_BLOCKS_UPDATE_HPP
#define TRIVIT_BLOCKS_UPDATE_HPP

#include "process.hpp"
#include "update_figures.hpp"
#include "update_pieces.hpp"
#include "update_place.hpp"
#include "update_sgd.hpp"

namespace trivit {
namespace blocks {

inline Planes planes_of_update(const Command& c, int port) {
#pragma HLS INLINE
    Planes planes;
    planes.end = EndField::of(c);
    planes.fused = UpdateFields::Groups::of(c) != 0;
    planes.count = 3 + int(UpdateFields::Masters::of(c));
    planes.words = UpdateFields::Words::of(c);
    planes.depth_words = UpdateFields::DepthWords::of(c);
    planes.groups = groups_of_port(UpdateFields::Groups::of(c), port);
    return planes;
}

// A command a clock, to all who need it.
struct UpdateCommands {
    static const char* name() { return "update_commands"; }
    // Counts 1, streams 1.
    static const int kDepth = 2;

    bool iterate(hls::stream<Command>& commands, hls::stream<PlanesWord>& take0,
                 hls::stream<PlanesWord>& take1, hls::stream<PlanesWord>& take2,
                 hls::stream<PlanesWord>& take3, hls::stream<Command>& elements0,
                 hls::stream<Command>& elements1, hls::stream<Command>& elements2,
                 hls::stream<Command>& elements3, hls::stream<PlanesWord>& give0,
                 hls::stream<PlanesWord>& give1, hls::stream<PlanesWord>& give2,
                 hls::stream<PlanesWord>& give3, hls::stream<Command>& reports) {
#pragma HLS INLINE
        const Command c = commands.read();
        const PlanesWord planes0 = pack_planes(planes_of_update(c, 0));
        const PlanesWord planes1 = pack_planes(planes_of_update(c, 1));
        const PlanesWord planes2 = pack_planes(planes_of_update(c, 2));
        const PlanesWord planes3 = pack_planes(planes_of_update(c, 3));
        take0.write(planes0);
        take1.write(planes1);
        take2.write(planes2);
        take3.write(planes3);
        elements0.write(c);
        elements1.write(c);
        elements2.write(c);
        elements3.write(c);
        give0.write(planes0);
        give1.write(planes1);
        give2.write(planes2);
        give3.write(planes3);
        reports.write(c);
        return !EndField::of(c);
    }
};

// A word a clock. Recurs: counters.
struct UpdateTake {
    static const char* name() { return "update_take"; }
    // Place 2, choice 1, streams 1.
    static const int kDepth = 4;

    UpdateTake() : active(false) {}

    bool iterate(hls::stream<PlanesWord>& commands, hls::stream<Word>& words,
                 hls::stream<Word>& high, hls::stream<Word>& low, hls::stream<Word>& momentum,
                 hls::stream<Word>& gradient) {
#pragma HLS INLINE
        const bool first = !active;
        if (first) planes = unpack_planes(commands.read());
        if (planes.end) return false;
        if (PiecePlace::nothing(planes)) return true;
        if (first) place.begin(planes);
        const Word word = words.read();
        if (place.plane == 0) high.write(word);
        if (place.plane == 1 && planes.count == 4) low.write(word);
        if (place.plane + 2 == planes.count) momentum.write(word);
        if (place.plane + 1 == planes.count) gradient.write(word);
        active = place.advance(planes, planes.count);
        return true;
    }

    Planes planes;
    PiecePlace place;
    bool active;
};

// A word a clock, in the same order. Recurs: counters.
struct UpdateGive {
    static const char* name() { return "update_give"; }
    // Place 2, choice 1, streams 1.
    static const int kDepth = 4;

    UpdateGive() : active(false) {}

    bool iterate(hls::stream<PlanesWord>& commands, hls::stream<Word>& high, hls::stream<Word>& low,
                 hls::stream<Word>& momentum, hls::stream<Word>& results) {
#pragma HLS INLINE
        const bool first = !active;
        if (first) planes = unpack_planes(commands.read());
        if (planes.end) return false;
        if (PiecePlace::nothing(planes)) return true;
        if (first) place.begin(planes);
        const ap_uint<3> count = planes.count - 1;
        Word word;
        if (place.plane == 0)
            word = high.read();
        else if (place.plane + 1 == count)
            word = momentum.read();
        else
            word = low.read();
        results.write(word);
        active = place.advance(planes, count);
        return true;
    }

    Planes planes;
    PiecePlace place;
    bool active;
};

// Two elements a clock. Recurs: the place, words of which elements go and come, counts.
template <int kPort>
struct UpdateElements {
    static const char* name() { return "update_elements"; }
    // Place 2, product 4, shift and rounding 4, sum 2, rounding and clamp 2, product 4, shift 2,
    // difference 1, clamp 2, counts 3, streams 1.
    static const int kDepth = 27;

    UpdateElements() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<Word>& high, hls::stream<Word>& low,
                 hls::stream<Word>& momentum, hls::stream<Word>& gradient,
                 hls::stream<Word>& new_high, hls::stream<Word>& new_low,
                 hls::stream<Word>& new_momentum, hls::stream<UpdateFiguresWord>& figures) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (EndField::of(c)) return false;
        if (ElementPlace<UpdateFields>::nothing(c, kPort)) {
            figures.write(UpdateFiguresWord(0));
            return true;
        }
        if (first) {
            place.begin(c, kPort);
            lane = 0;
            weights.clear();
            biases.clear();
        }
        const bool wide = UpdateFields::Masters::of(c);
        if (lane == 0) {
            highs = high.read();
            if (wide) lows = low.read();
            momenta = momentum.read();
            gradients = gradient.read();
        }
        UpdatedElement updated[kUpdateLanes];
        ap_int<16> gradient_here[kUpdateLanes];
        ap_uint<16 * kUpdateLanes> next_high = 0;
        ap_uint<16 * kUpdateLanes> next_low = 0;
        ap_uint<16 * kUpdateLanes> next_momentum = 0;
        for (int i = 0; i < kUpdateLanes; ++i) {
#pragma HLS UNROLL
            const Element element = {lane16(highs, i), lane16(lows, i), lane16(momenta, i),
                                     lane16(gradients, i)};
            gradient_here[i] = element.gradient;
            updated[i] = update_element(c, place.is_bias, element, place.element() + lane + i);
            next_high.range(16 * i + 15, 16 * i) = ap_uint<16>(updated[i].high);
            next_low.range(16 * i + 15, 16 * i) = ap_uint<16>(updated[i].low);
            next_momentum.range(16 * i + 15, 16 * i) = ap_uint<16>(updated[i].momentum);
        }
        UpdateCounts counts = place.is_bias ? biases : weights;
        counts.add(updated, gradient_here);
        if (place.is_bias)
            biases = counts;
        else
            weights = counts;
        highs >>= 16 * kUpdateLanes;
        lows >>= 16 * kUpdateLanes;
        momenta >>= 16 * kUpdateLanes;
        gradients >>= 16 * kUpdateLanes;
        new_highs = push_elements<kUpdateLanes>(new_highs, next_high);
        new_lows = push_elements<kUpdateLanes>(new_lows, next_low);
        new_momenta = push_elements<kUpdateLanes>(new_momenta, next_momentum);
        const bool word_ends = lane == kLanes - kUpdateLanes;
        active = true;
        if (word_ends) {
            new_high.write(new_highs);
            if (wide) new_low.write(new_lows);
            new_momentum.write(new_momenta);
            active = place.advance(c, kPort);
        }
        if (!active) {
            UpdateFiguresWord all = weights.packed();
            all.range(2 * kUpdateFigures * kFigureBits - 1, kUpdateFigures * kFigureBits) =
                biases.packed();
            figures.write(all);
        }
        lane = word_ends ? ap_uint<3>(0) : ap_uint<3>(lane + kUpdateLanes);
        command = c;
        return true;
    }

    Command command;
    ElementPlace<UpdateFields> place;
    ap_uint<3> lane;  // of the word, the lowest of those in this clock
    Word highs;
    Word lows;
    Word momenta;
    Word gradients;
    Word new_highs;
    Word new_lows;
    Word new_momenta;
    UpdateCounts weights;
    UpdateCounts biases;
    bool active;
};

}  // namespace blocks
}  // namespace trivit

#endif
