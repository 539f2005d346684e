// AdamW in the place of SGD (docs/on-device-training.md, AdamW), an element a clock and port: the
// processes of update.hpp with two planes more.
#ifndef TRIVIT_BLOCKS_UPDATE_ADAMW_HPP
#define TRIVIT_BLOCKS_UPDATE_ADAMW_HPP

#include "adamw_element.hpp"
#include "process.hpp"
#include "update_figures.hpp"
#include "update_pieces.hpp"
#include "update_place.hpp"

namespace trivit {
namespace blocks {

inline bool adamw_constants(const Command& c) {
#pragma HLS INLINE
    return UnitField::of(c) == kUnitAdamwConstants && !EndField::of(c);
}

inline Planes planes_of_adamw(const Command& c, int port) {
#pragma HLS INLINE
    Planes planes;
    planes.end = EndField::of(c);
    planes.fused = UpdateAdamwFields::Groups::of(c) != 0;
    planes.count = 5 + int(UpdateAdamwFields::Masters::of(c));
    planes.words = UpdateAdamwFields::Words::of(c);
    planes.depth_words = UpdateAdamwFields::DepthWords::of(c);
    planes.groups = groups_of_port(UpdateAdamwFields::Groups::of(c), port);
    return planes;
}

// A command a clock, to all who need it: constants to those who compute.
struct AdamwCommands {
    static const char* name() { return "adamw_commands"; }
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
        elements0.write(c);
        elements1.write(c);
        elements2.write(c);
        elements3.write(c);
        if (!adamw_constants(c)) {
            const PlanesWord planes0 = pack_planes(planes_of_adamw(c, 0));
            const PlanesWord planes1 = pack_planes(planes_of_adamw(c, 1));
            const PlanesWord planes2 = pack_planes(planes_of_adamw(c, 2));
            const PlanesWord planes3 = pack_planes(planes_of_adamw(c, 3));
            take0.write(planes0);
            take1.write(planes1);
            take2.write(planes2);
            take3.write(planes3);
            give0.write(planes0);
            give1.write(planes1);
            give2.write(planes2);
            give3.write(planes3);
            reports.write(c);
        }
        return !EndField::of(c);
    }
};

// A word a clock. Recurs: counters.
struct AdamwTake {
    static const char* name() { return "adamw_take"; }
    // Place 2, choice 1, streams 1.
    static const int kDepth = 4;

    AdamwTake() : active(false) {}

    bool iterate(hls::stream<PlanesWord>& commands, hls::stream<Word>& words,
                 hls::stream<Word>& high, hls::stream<Word>& low, hls::stream<Word>& mean,
                 hls::stream<Word>& second_high, hls::stream<Word>& second_low,
                 hls::stream<Word>& gradient) {
#pragma HLS INLINE
        const bool first = !active;
        if (first) planes = unpack_planes(commands.read());
        if (planes.end) return false;
        if (PiecePlace::nothing(planes)) return true;
        if (first) place.begin(planes);
        const Word word = words.read();
        if (place.plane == 0) high.write(word);
        if (place.plane == 1 && planes.count == 6) low.write(word);
        if (place.plane + 4 == planes.count) mean.write(word);
        if (place.plane + 3 == planes.count) second_high.write(word);
        if (place.plane + 2 == planes.count) second_low.write(word);
        if (place.plane + 1 == planes.count) gradient.write(word);
        active = place.advance(planes, planes.count);
        return true;
    }

    Planes planes;
    PiecePlace place;
    bool active;
};

// A word a clock, in the same order. Recurs: counters.
struct AdamwGive {
    static const char* name() { return "adamw_give"; }
    // Place 2, choice 1, streams 1.
    static const int kDepth = 4;

    AdamwGive() : active(false) {}

    bool iterate(hls::stream<PlanesWord>& commands, hls::stream<Word>& high, hls::stream<Word>& low,
                 hls::stream<Word>& mean, hls::stream<Word>& second_high,
                 hls::stream<Word>& second_low, hls::stream<Word>& results) {
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
            word = second_low.read();
        else if (place.plane + 2 == count)
            word = second_high.read();
        else if (place.plane + 3 == count)
            word = mean.read();
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

// An element a clock. Recurs: the place, words of which elements go and come, counts.
template <int kPort>
struct AdamwElements {
    static const char* name() { return "adamw_elements"; }
    // Place 2, product 4, rounding 2, square 4, product 5, shift and rounding 6, sum 2, rounding
    // and clamp 2, sum 1, leading bit and shift 5, table 2, product 4, products 5, 6, shift and
    // rounding 5, clamp and sum 2, product 6, shift 3, difference 1, clamp 2, counts 3, streams 1.
    static const int kDepth = 73;

    AdamwElements() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<Word>& high, hls::stream<Word>& low,
                 hls::stream<Word>& mean, hls::stream<Word>& second_high,
                 hls::stream<Word>& second_low, hls::stream<Word>& gradient,
                 hls::stream<Word>& new_high, hls::stream<Word>& new_low,
                 hls::stream<Word>& new_mean, hls::stream<Word>& new_second_high,
                 hls::stream<Word>& new_second_low, hls::stream<AdamwFiguresWord>& figures) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (EndField::of(c)) return false;
        if (adamw_constants(c)) {
            constants = c;
            return true;
        }
        if (ElementPlace<UpdateAdamwFields>::nothing(c, kPort)) {
            figures.write(AdamwFiguresWord(0));
            return true;
        }
        if (first) {
            place.begin(c, kPort);
            lane = 0;
            weights.clear();
            biases.clear();
        }
        const bool wide = UpdateAdamwFields::Masters::of(c);
        if (lane == 0) {
            highs = high.read();
            if (wide) lows = low.read();
            means = mean.read();
            second_highs = second_high.read();
            second_lows = second_low.read();
            gradients = gradient.read();
        }
        const AdamwElement element = {lane16(highs, 0),       lane16(lows, 0),
                                      lane16(means, 0),       lane16(second_highs, 0),
                                      lane16(second_lows, 0), lane16(gradients, 0)};
        const UpdatedAdamw updated =
            update_adamw_element(constants, c, place.is_bias, element, place.element() + lane);
        AdamwCounts counts = place.is_bias ? biases : weights;
        counts.add(updated, element.gradient);
        if (place.is_bias)
            biases = counts;
        else
            weights = counts;
        highs >>= 16;
        lows >>= 16;
        means >>= 16;
        second_highs >>= 16;
        second_lows >>= 16;
        gradients >>= 16;
        new_highs = push_elements<1>(new_highs, ap_uint<16>(updated.high));
        new_lows = push_elements<1>(new_lows, ap_uint<16>(updated.low));
        new_means = push_elements<1>(new_means, ap_uint<16>(updated.mean));
        new_second_highs = push_elements<1>(new_second_highs, ap_uint<16>(updated.second_high));
        new_second_lows = push_elements<1>(new_second_lows, ap_uint<16>(updated.second_low));
        active = true;
        if (lane == kLanes - 1) {
            new_high.write(new_highs);
            if (wide) new_low.write(new_lows);
            new_mean.write(new_means);
            new_second_high.write(new_second_highs);
            new_second_low.write(new_second_lows);
            active = place.advance(c, kPort);
        }
        if (!active) {
            AdamwFiguresWord all = weights.packed();
            all.range(2 * kAdamwFigures * kFigureBits - 1, kAdamwFigures * kFigureBits) =
                biases.packed();
            figures.write(all);
        }
        lane += 1;
        command = c;
        return true;
    }

    Command command;
    Command constants;
    ElementPlace<UpdateAdamwFields> place;
    ap_uint<3> lane;  // of the word
    Word highs;
    Word lows;
    Word means;
    Word second_highs;
    Word second_lows;
    Word gradients;
    Word new_highs;
    Word new_lows;
    Word new_means;
    Word new_second_highs;
    Word new_second_lows;
    AdamwCounts weights;
    AdamwCounts biases;
    bool active;
};

}  // namespace blocks
}  // namespace trivit

#endif
