// Rows for the derivative of GELU: what comes in, and what must come out.
#ifndef TRIVIT_BLOCKS_GELU_BACKWARD_JOB_HPP
#define TRIVIT_BLOCKS_GELU_BACKWARD_JOB_HPP

#include "../csim/direct_backward.hpp"
#include "clocked/timed.hpp"
#include "expected_report.hpp"
#include "trivit/blocks/gelu_backward.hpp"

namespace gelu_backward_job {

using namespace trivit::blocks;

struct Job {
    std::vector<Command> commands;
    std::vector<TileRow> rows;
    std::vector<TileRow> partners;
    std::vector<TileRow> results;
    std::vector<Report> reports;

    // Whole rows of a tile: gradients, and what GELU read.
    void add(const std::vector<int16_t>& dy, const std::vector<int16_t>& x, int in_frac,
             int shift) {
        Command command = 0;
        TagField::put(command, commands.size() + 5);
        GeluBackwardFields::InFrac::put(command, uint64_t(in_frac));
        GeluBackwardFields::Shift::put(command, uint64_t(shift));
        GeluBackwardFields::TileRows::put(command, x.size() / kColumns);
        commands.push_back(command);
        uint64_t saturated = 0;
        int largest = 0;
        for (std::size_t i = 0; i < x.size(); i += kColumns) {
            TileRow row = 0;
            TileRow partner = 0;
            TileRow result = 0;
            for (int c = 0; c < kColumns; ++c) {
                const int16_t y =
                    direct::gelu_backward(dy[i + c], x[i + c], in_frac, shift, saturated);
                largest = expected::larger(largest, y);
                row.range(16 * c + 15, 16 * c) = dy[i + c];
                partner.range(16 * c + 15, 16 * c) = x[i + c];
                result.range(16 * c + 15, 16 * c) = y;
            }
            rows.push_back(row);
            partners.push_back(partner);
            results.push_back(result);
        }
        reports.push_back(expected::report(commands.size() + 4, saturated, largest));
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }
};

}  // namespace gelu_backward_job

#endif
