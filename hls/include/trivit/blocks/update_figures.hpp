// What the ports of an update count, and the reports that they make together.
#ifndef TRIVIT_BLOCKS_UPDATE_FIGURES_HPP
#define TRIVIT_BLOCKS_UPDATE_FIGURES_HPP

#include "arithmetic.hpp"
#include "commands.hpp"
#include "process.hpp"

namespace trivit {
namespace blocks {

typedef ap_uint<kFigureBits> Figure;

// Saturated values of a tensor, and its largest magnitude above them, as in a report.
inline Figure written_figure(const ap_uint<24>& saturated, const ap_uint<16>& largest) {
#pragma HLS INLINE
    Figure figure = 0;
    figure.range(23, 0) = saturated;
    figure.range(39, 24) = largest;
    return figure;
}

inline Figure add_written(const Figure& a, const Figure& b) {
#pragma HLS INLINE
    return written_figure(ap_uint<24>(a.range(23, 0)) + ap_uint<24>(b.range(23, 0)),
                          larger(a.range(39, 24), b.range(39, 24)));
}

// kFigures of the weights, lowest first, above them as many of the biases. The last one of each is
// the sum of squares.
template <int kFigures>
struct FiguresOf {
    typedef ap_uint<2 * kFigures * kFigureBits> Word;
};

// A report a clock. Recurs: counters, and the figures, moved down by one.
template <class Fields, int kFigures>
struct UpdateReports {
    static const char* name() { return "update_reports"; }
    // Sums and larger ones of four 3, choice 1, streams 1.
    static const int kDepth = 5;

    typedef typename FiguresOf<kFigures>::Word Figures;

    UpdateReports() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<Figures>& figures0,
                 hls::stream<Figures>& figures1, hls::stream<Figures>& figures2,
                 hls::stream<Figures>& figures3, hls::stream<Report>& reports) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (EndField::of(c)) {
            reports.write(end_report());
            return false;
        }
        if (first) {
            figures[0] = figures0.read();
            figures[1] = figures1.read();
            figures[2] = figures2.read();
            figures[3] = figures3.read();
            left = Fields::Line::of(c) != 0 ? 2 * kFigures : kFigures;
        }
        Figure figure[4];
        for (int port = 0; port < 4; ++port) {
#pragma HLS UNROLL
            figure[port] = figures[port].range(kFigureBits - 1, 0);
            figures[port] >>= kFigureBits;
        }
        const Figure written =
            add_written(add_written(figure[0], figure[1]), add_written(figure[2], figure[3]));
        const Figure squares = Figure(figure[0] + figure[1]) + Figure(figure[2] + figure[3]);
        const bool last_of_tensor = left == 1 || left == kFigures + 1;
        reports.write(figure_report(c, last_of_tensor ? squares : written));
        command = c;
        left -= 1;
        active = left != 0;
        return true;
    }

    Command command;
    Figures figures[4];
    ap_uint<4> left;
    bool active;
};

}  // namespace blocks
}  // namespace trivit

#endif
