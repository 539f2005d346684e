// GELU of the rows of a tile, 32 values a clock (docs/numerics.md, GELU).
#ifndef TRIVIT_BLOCKS_GELU_HPP
#define TRIVIT_BLOCKS_GELU_HPP

#include "../../../generated/step_tables.hpp"
#include "arithmetic.hpp"
#include "commands.hpp"
#include "memory.hpp"
#include "process.hpp"

namespace trivit {
namespace blocks {

struct GeluLane {
    ap_int<16> value;
    bool saturated;
};

inline GeluLane gelu_lane(const ap_int<16>& x, const ap_uint<4>& in_frac,
                          const ap_uint<5>& out_frac, TablePorts& ports) {
#pragma HLS INLINE
    const bool negative = x < 0;
    const ap_uint<16> magnitude = negative ? ap_int<17>(-x) : ap_int<17>(x);
    // At 15 fraction bits; from 8 on, where bits are left above these 18, the table's function is
    // 0.
    const ap_uint<31> at_15 = ap_uint<31>(magnitude) << ap_uint<4>(ap_uint<4>(15) - in_frac);
    const bool inside = at_15 < (1 << 18);
    const ap_uint<32> step = ports.read(kGeluSteps, int(at_15.range(17, 8)));
    const ap_uint<18> here = step.range(17, 0);
    const ap_int<14> slope = ap_uint<14>(step.range(31, 18));
    const ap_uint<8> remainder = at_15.range(7, 0);
    const ap_int<28> table = (ap_int<28>(here) << 8) + slope * ap_int<9>(remainder);
    const ap_int<28> delta = inside ? table : ap_int<28>(0);
    const ap_int<45> positive = negative ? ap_int<45>(0) : ap_int<45>(x);
    const ap_int<45> exact = (positive << ap_uint<5>(28 - in_frac)) - delta;
    GeluLane lane;
    lane.value = clamp_int16(round_half_even(exact, ap_uint<5>(28 - out_frac)), lane.saturated);
    return lane;
}

// Two lanes share the two ports of one table. Not inlined: each instance owns its copy.
inline void gelu_pair(const ap_int<16>& x0, const ap_int<16>& x1, const ap_uint<4>& in_frac,
                      const ap_uint<5>& out_frac, GeluLane& y0, GeluLane& y1) {
#pragma HLS INLINE off
#pragma HLS PIPELINE II = 1
    TablePorts ports;
    y0 = gelu_lane(x0, in_frac, out_frac, ports);
    y1 = gelu_lane(x1, in_frac, out_frac, ports);
}

// Recurs from one iteration to the next: a counter, the sum of saturations, the largest magnitude.
struct Gelu {
    static const char* name() { return "gelu"; }
    // Magnitude 1, shift 2, table 2, product 4, difference 1, shift 2, rounding 3, clamp 1,
    // count and largest 3, streams 1.
    static const int kDepth = 20;

    Gelu() : left(0), saturated(0), largest(0) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<TileRow>& rows,
                 hls::stream<TileRow>& results, hls::stream<Report>& reports) {
#pragma HLS INLINE
        const bool first = left == 0;
        const Command c = first ? commands.read() : command;
        if (EndField::of(c)) {
            reports.write(end_report());
            return false;
        }
        const ap_uint<24> here = first ? GeluFields::TileRows::of(c) : left;
        const TileRow row = rows.read();
        TileRow result = 0;
        bool changed[kColumns];
        for (int column = 0; column < kColumns; column += 2) {
#pragma HLS UNROLL
            GeluLane even;
            GeluLane odd;
            gelu_pair(lane16(row, column), lane16(row, column + 1), GeluFields::InFrac::of(c),
                      GeluFields::OutFrac::of(c), even, odd);
            result.range(16 * column + 15, 16 * column) = even.value;
            result.range(16 * column + 31, 16 * column + 16) = odd.value;
            changed[column] = even.saturated;
            changed[column + 1] = odd.saturated;
        }
        results.write(result);
        const ap_uint<24> before = first ? ap_uint<24>(0) : saturated;
        saturated = before + count_ones(changed);
        largest = larger(first ? ap_uint<16>(0) : largest, largest_magnitude(result));
        command = c;
        left = here - 1;
        if (here == 1) reports.write(done_report(c, saturated, largest));
        return true;
    }

    Command command;
    ap_uint<24> left;  // rows that the command still waits for
    ap_uint<24> saturated;
    ap_uint<16> largest;
};

}  // namespace blocks
}  // namespace trivit

#endif
