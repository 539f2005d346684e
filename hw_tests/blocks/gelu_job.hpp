// Rows for the GELU block: what comes in, and what must come out.
#ifndef TRIVIT_BLOCKS_GELU_JOB_HPP
#define TRIVIT_BLOCKS_GELU_JOB_HPP

#include "../csim/direct.hpp"
#include "clocked/timed.hpp"
#include "expected_report.hpp"
#include "trivit/blocks/gelu.hpp"

namespace gelu_job {

using namespace trivit::blocks;

struct Job {
    std::vector<Command> commands;
    std::vector<TileRow> rows;
    std::vector<TileRow> results;
    std::vector<Report> reports;

    // `values`: whole rows of a tile.
    void add(const std::vector<int16_t>& values, int in_frac, int out_frac) {
        Command command = 0;
        TagField::put(command, commands.size() + 5);
        GeluFields::InFrac::put(command, uint64_t(in_frac));
        GeluFields::OutFrac::put(command, uint64_t(out_frac));
        GeluFields::TileRows::put(command, values.size() / kColumns);
        commands.push_back(command);
        uint64_t saturated = 0;
        int largest = 0;
        for (std::size_t i = 0; i < values.size(); i += kColumns) {
            TileRow row = 0;
            TileRow result = 0;
            for (int c = 0; c < kColumns; ++c) {
                const int16_t y = direct::gelu(values[i + c], in_frac, out_frac, saturated);
                largest = expected::larger(largest, y);
                row.range(16 * c + 15, 16 * c) = values[i + c];
                result.range(16 * c + 15, 16 * c) = y;
            }
            rows.push_back(row);
            results.push_back(result);
        }
        reports.push_back(expected::report(commands.size() + 4, saturated, largest));
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }
};

}  // namespace gelu_job

#endif
