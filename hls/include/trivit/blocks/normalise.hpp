// Layer normalisation of rows, once (docs/numerics.md, normalise): a process that takes the sums of
// rows as they pass (row_sums.hpp), one that makes a row's scale of them, a row a clock, and one
// that normalises eight elements of two rows a clock.
#ifndef TRIVIT_BLOCKS_NORMALISE_HPP
#define TRIVIT_BLOCKS_NORMALISE_HPP

#include "../../../generated/tables.hpp"
#include "arithmetic.hpp"
#include "commands.hpp"
#include "memory.hpp"
#include "process.hpp"
#include "row_sums.hpp"

namespace trivit {
namespace blocks {

typedef ap_uint<2 * 64> ScalePair;         // of two rows, the even one low
typedef ap_uint<2 * 16 * kLanes> Vectors;  // a word of gamma, above it one of beta

// A row's sums are known behind its last word, so a row group waits, and the next one comes in
// while the first scales are on their way.
static const int kRowDepth = 2048;
static const int kScaleDepth = 16;
static const int kNormaliseFew = 8;

static_assert(kRowDepth >= kMaxDepthWords * kPairs + 128, "a row group, and the way of its scales");

static const int32_t kMeanLimit = 1 << 23;

// What a row's elements are normalised with: centred on mean, times gain * 2^-(halvings + 2).
struct Scale {
    ap_int<25> mean;   // at 8 fraction bits beyond x
    ap_uint<30> gain;  // at 22 fraction bits
    ap_uint<5> halvings;
};

inline ap_uint<64> pack_scale(const Scale& scale) {
#pragma HLS INLINE
    ap_uint<64> packed = 0;
    packed.range(24, 0) = ap_uint<25>(scale.mean);
    packed.range(54, 25) = scale.gain;
    packed.range(59, 55) = scale.halvings;
    return packed;
}

inline Scale unpack_scale(const ap_uint<64>& packed) {
#pragma HLS INLINE
    Scale scale;
    scale.mean = ap_uint<25>(packed.range(24, 0));
    scale.gain = packed.range(54, 25);
    scale.halvings = packed.range(59, 55);
    return scale;
}

// 1/sqrt(power) = root * 2^-24 * 2^-halvings; power: 1 to 2^62.
inline ap_uint<25> inverse_root(const ap_uint<64>& power, ap_uint<5>& halvings) {
#pragma HLS INLINE
    TablePorts ports;
    halvings = 0;
    for (int pair = 1; pair < 32; ++pair) {
#pragma HLS UNROLL
        if (power.range(2 * pair + 1, 2 * pair) != 0) halvings = pair;
    }
    const ap_uint<6> shift = ap_uint<6>(ap_uint<5>(ap_uint<5>(31) - halvings)) << 1;
    const ap_uint<24> top = ap_uint<64>(power << shift).range(63, 40);
    const ap_uint<24> offset = top - (1 << 22);
    const ap_uint<12> index = offset.range(23, 12);
    const ap_uint<12> remainder = offset.range(11, 0);
    const ap_uint<25> here = ports.read(kRsqrtTable, int(index));
    const ap_uint<25> after = ports.read(kRsqrtTable, int(index) + 1);
    const ap_uint<14> slope = here - after;
    return ap_uint<25>(((ap_uint<37>(here) << 12) - slope * remainder) >> 12);
}

// `Fields` names inv_width, words, epsilon and sqrt_width.
template <class Fields>
Scale scale_row(const Command& command, const RowSums& sums) {
#pragma HLS INLINE
    const ap_int<kRowSumBits> sum = sum_of(sums);
    const ap_uint<kRowSquareBits> squares = squares_of(sums);
    const ap_uint<30> inv_width = Fields::InvWidth::of(command);
    const ap_int<60> centre = (sum * inv_width + ap_int<25>(1 << 23)) >> 24;
    Scale scale;
    scale.mean = centre > kMeanLimit    ? ap_int<25>(kMeanLimit)
                 : centre < -kMeanLimit ? ap_int<25>(-kMeanLimit)
                                        : ap_int<25>(centre);
    const ap_uint<12> width = ap_uint<12>(Fields::Words::of(command)) << 3;
    const ap_int<39> slope = width * scale.mean - (ap_int<39>(sum) << 9);
    const ap_int<64> power =
        (ap_int<64>(squares) << 16) + scale.mean * slope + ap_int<58>(Fields::Epsilon::of(command));
    const ap_uint<64> positive = power < 1 ? ap_int<64>(1) : power;
    const ap_uint<25> root = inverse_root(positive, scale.halvings);
    const ap_int<49> gain = root * Fields::SqrtWidth::of(command);
    scale.gain = round_half_even(gain, ap_uint<5>(18));
    return scale;
}

// A row a clock. Recurs: counters.
template <class Fields>
struct Scales {
    static const char* name() { return "scales"; }
    // Products 5, 4, 6, clamp and sums 4, leading bit and shift 5, table 2, products 4, 5,
    // rounding 3.
    static const int kDepth = 38;

    Scales() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<RowSumsPair>& sums,
                 hls::stream<Command>& next, hls::stream<ScalePair>& scales) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        const ap_uint<10> here = first ? Fields::Rows::of(c) : left;
        const bool second = !first && odd;
        if (!second) both = sums.read();
        const RowSums row = second ? both.range(2 * kRowSumsBits - 1, kRowSumsBits)
                                   : both.range(kRowSumsBits - 1, 0);
        const ap_uint<64> packed = pack_scale(scale_row<Fields>(c, row));
        ScalePair pair = 0;
        pair.range(63, 0) = second ? even_scale : packed;
        pair.range(127, 64) = packed;
        if (second || here == 1) scales.write(pair);
        even_scale = packed;
        odd = !second;
        command = c;
        left = here - 1;
        active = here != 1;
        return true;
    }

    Command command;
    ap_uint<10> left;
    RowSumsPair both;        // of this row and the one beside it
    ap_uint<64> even_scale;  // of the row before
    bool odd;
    bool active;
};

// A normalised value at 20 fraction bits.
inline ap_int<27> normal_value(const ap_int<16>& x, const Scale& scale) {
#pragma HLS INLINE
    const ap_int<25> centred = (ap_int<25>(x) << 8) - scale.mean;
    const ap_int<55> product = centred * scale.gain;
    // halvings + 2 as a fixed step of two bits, the lost ones kept as one, and a narrow shift.
    ap_int<54> rest = ap_int<54>(product >> 2) << 1;
    rest[0] = product.range(1, 0) != 0;
    const ap_int<55> rounded = round_half_even(rest, ap_uint<6>(ap_uint<6>(scale.halvings) + 1));
    return rounded > (1 << 26) - 1 ? ap_int<27>((1 << 26) - 1)
           : rounded < -(1 << 26)  ? ap_int<27>(-(1 << 26))
                                   : ap_int<27>(rounded);
}

inline ap_int<16> normalise_lane(const ap_int<16>& x, const Scale& scale, const ap_int<16>& gamma,
                                 const ap_int<16>& beta, const ap_uint<5>& beta_shift,
                                 const ap_uint<5>& norm_shift, bool& saturated) {
#pragma HLS INLINE
    const ap_int<47> y = normal_value(x, scale) * gamma + (ap_int<47>(beta) << beta_shift);
    return clamp_int16(round_half_even(y, norm_shift), saturated);
}

// Order: row group, word, pair of rows. Recurs: counters, the sum of saturations.
struct Normalise {
    static const char* name() { return "normalise"; }
    // Difference 1, product 6, rounding 4, product and sum 6, rounding 3, clamp and count 3,
    // streams 1.
    static const int kDepth = 24;
    // A word of the vectors is read again behind a row group of four pairs.
    static const int kDistance = 4;

    Normalise() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<ScalePair>& scales,
                 hls::stream<Vectors>& vectors, hls::stream<WordPair>& rows,
                 hls::stream<WordPair>& results, hls::stream<Report>& reports) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (EndField::of(c)) {
            reports.write(end_report());
            return false;
        }
        WordPlace<NormaliseFields> here = place;
        if (first) here.begin(c);
        const WordPair x = rows.read();
        if (here.word == 0) scale[here.pair] = scales.read();
        if (here.pair == 0) {
            if (here.first_group) {
                vector = vectors.read();
                memory.write(int(here.word), vector);
            } else {
                vector = memory.read(int(here.word));
            }
        }
        const ScalePair both = scale[here.pair];
        const Scale even = unpack_scale(both.range(63, 0));
        const Scale odd = unpack_scale(both.range(127, 64));
        WordPair result = 0;
        bool changed[2 * kLanes];
        for (int lane = 0; lane < 2 * kLanes; ++lane) {
#pragma HLS UNROLL
            const bool exists = lane < kLanes || here.has_odd();
            bool clamped = false;
            const ap_int<16> y = normalise_lane(
                lane16(x, lane), lane < kLanes ? even : odd, lane16(vector, lane % kLanes),
                lane16(vector, lane % kLanes + kLanes), NormaliseFields::BetaShift::of(c),
                NormaliseFields::NormShift::of(c), clamped);
            result.range(16 * lane + 15, 16 * lane) = exists ? y : ap_int<16>(0);
            changed[lane] = exists && clamped;
        }
        results.write(result);
        saturated = (first ? ap_uint<24>(0) : saturated) + count_ones(changed);
        largest = larger(first ? ap_uint<16>(0) : largest, largest_magnitude(result));
        active = here.advance(c);
        if (!active) reports.write(done_report(c, saturated, largest));
        command = c;
        place = here;
        return true;
    }

    Command command;
    WordPlace<NormaliseFields> place;
    ScalePair scale[kPairs];
    Vectors vector;
    Memory<Vectors, kMaxDepthWords, kDistance> memory;
    ap_uint<24> saturated;
    ap_uint<16> largest;
    bool active;
};

}  // namespace blocks
}  // namespace trivit

#endif
