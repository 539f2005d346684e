// The derivative of GELU times the gradient behind it (docs/on-device-training.md, gelu_backward):
// 16 values a clock, so a row of a tile takes two.
#ifndef TRIVIT_BLOCKS_GELU_BACKWARD_HPP
#define TRIVIT_BLOCKS_GELU_BACKWARD_HPP

#include "../../../generated/step_tables.hpp"
#include "arithmetic.hpp"
#include "commands.hpp"
#include "memory.hpp"
#include "process.hpp"

namespace trivit {
namespace blocks {

static const int kSlopeLanes = kColumns / 2;

// gelu'(x) at 16 fraction bits, times dy, rounded.
inline ap_int<16> gelu_backward_lane(const ap_int<16>& dy, const ap_int<16>& x,
                                     const ap_uint<4>& in_frac, const ap_uint<6>& shift,
                                     TablePorts& ports, bool& saturated) {
#pragma HLS INLINE
    const bool negative = x < 0;
    const ap_uint<16> magnitude = negative ? ap_int<17>(-x) : ap_int<17>(x);
    const ap_uint<31> at_15 = ap_uint<31>(magnitude) << ap_uint<4>(ap_uint<4>(15) - in_frac);
    const bool inside = at_15 < (1 << 18);
    const ap_uint<35> step = ports.read(kGeluSlopeSteps, int(at_15.range(17, 8)));
    const ap_int<21> here = ap_uint<21>(step.range(20, 0));
    const ap_int<14> difference = ap_uint<14>(step.range(34, 21));
    const ap_uint<8> remainder = at_15.range(7, 0);
    const ap_int<30> table = (ap_int<30>(here) << 8) + difference * ap_int<9>(remainder);
    const ap_int<30> delta = inside ? table : ap_int<30>(0);
    const ap_int<30> exact = negative ? delta : ap_int<30>((1 << 28) - delta);
    const ap_int<18> slope = round_half_even(exact, ap_uint<5>(12));
    const ap_int<34> product = dy * slope;
    return clamp_int16(round_half_even(product, shift), saturated);
}

// Two lanes share the two ports of one table. Not inlined: each instance owns its copy.
inline void gelu_backward_pair(const ap_int<16>& dy0, const ap_int<16>& dy1, const ap_int<16>& x0,
                               const ap_int<16>& x1, const ap_uint<4>& in_frac,
                               const ap_uint<6>& shift, ap_int<16>& y0, ap_int<16>& y1,
                               bool& saturated0, bool& saturated1) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II = 1
    TablePorts ports;
    y0 = gelu_backward_lane(dy0, x0, in_frac, shift, ports, saturated0);
    y1 = gelu_backward_lane(dy1, x1, in_frac, shift, ports, saturated1);
}

// Recurs from one iteration to the next: a counter, what is left of a row (moved down by a half),
// the sum of saturations and the largest magnitude.
struct GeluBackward {
    static const char* name() { return "gelu_backward"; }
    // Magnitude 1, shift 2, table 2, product 4, difference and rounding 2, product 4, rounding 3,
    // clamp 1, count and largest 4, streams 1.
    static const int kDepth = 24;

    GeluBackward() : left(0), second(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<TileRow>& rows,
                 hls::stream<TileRow>& partners, hls::stream<TileRow>& results,
                 hls::stream<Report>& reports) {
#pragma HLS INLINE
        const bool first = left == 0;
        const Command c = first ? commands.read() : command;
        if (EndField::of(c)) {
            reports.write(end_report());
            return false;
        }
        const ap_uint<24> here = first ? GeluBackwardFields::TileRows::of(c) : left;
        if (!second) {
            row = rows.read();
            partner = partners.read();
        }
        HalfRow half = 0;
        bool changed[kSlopeLanes];
        for (int lane = 0; lane < kSlopeLanes; lane += 2) {
#pragma HLS UNROLL
            ap_int<16> even;
            ap_int<16> odd;
            gelu_backward_pair(lane16(row, lane), lane16(row, lane + 1), lane16(partner, lane),
                               lane16(partner, lane + 1), GeluBackwardFields::InFrac::of(c),
                               GeluBackwardFields::Shift::of(c), even, odd, changed[lane],
                               changed[lane + 1]);
            half.range(16 * lane + 15, 16 * lane) = even;
            half.range(16 * lane + 31, 16 * lane + 16) = odd;
        }
        if (second) {
            TileRow result = 0;
            result.range(16 * kSlopeLanes - 1, 0) = low;
            result.range(16 * kColumns - 1, 16 * kSlopeLanes) = half;
            results.write(result);
        }
        const bool fresh = first && !second;
        saturated = (fresh ? ap_uint<24>(0) : saturated) + count_ones(changed);
        largest = larger(fresh ? ap_uint<16>(0) : largest, largest_magnitude(half));
        if (second && here == 1) reports.write(done_report(c, saturated, largest));
        low = half;
        row >>= 16 * kSlopeLanes;
        partner >>= 16 * kSlopeLanes;
        command = c;
        left = second ? ap_uint<24>(here - 1) : here;
        second = !second;
        return true;
    }

    typedef ap_uint<16 * kSlopeLanes> HalfRow;
    Command command;
    ap_uint<24> left;  // rows that the command still waits for, this one included
    TileRow row;
    TileRow partner;
    HalfRow low;  // the result of the first half
    ap_uint<24> saturated;
    ap_uint<16> largest;
    bool second;
};

}  // namespace blocks
}  // namespace trivit

#endif
