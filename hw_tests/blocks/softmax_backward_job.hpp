// Rows for the gradient of scores: what comes in, and what must come out.
#ifndef TRIVIT_BLOCKS_SOFTMAX_BACKWARD_JOB_HPP
#define TRIVIT_BLOCKS_SOFTMAX_BACKWARD_JOB_HPP

#include "../csim/direct_backward.hpp"
#include "clocked/timed.hpp"
#include "expected_report.hpp"
#include "trivit/blocks/softmax_backward.hpp"

namespace softmax_backward_job {

using namespace trivit::blocks;

struct Job {
    std::vector<Command> commands;
    std::vector<TileRow> rows;
    std::vector<TileRow> partners;
    std::vector<TileRow> results;
    std::vector<Report> reports;

    // One head; probabilities of a row sum to little more than 1.
    void add(csim::Random& random, uint32_t count, uint32_t keys) {
        const int prob_frac = int(random.between(8, 15));
        const uint32_t scale = uint32_t(random.between(1 << 15, (1 << 16) - 1));
        const int shift = int(random.one_in(4) ? random.between(0, 127) : random.between(34, 50));
        const uint32_t tag = uint32_t(random.between(0, 2047));
        Command command = 0;
        TagField::put(command, tag);
        SoftmaxBackwardFields::Rows::put(command, count);
        SoftmaxBackwardFields::Keys::put(command, keys);
        SoftmaxBackwardFields::ProbFrac::put(command, uint64_t(prob_frac));
        SoftmaxBackwardFields::Scale::put(command, scale);
        SoftmaxBackwardFields::Shift::put(command, uint64_t(shift));
        commands.push_back(command);

        csim::Tensor p(count);
        csim::Tensor dp(count);
        csim::Tensor ds(count);
        uint64_t saturated = 0;
        int largest = 0;
        const int bits = int(random.between(1, 15));
        for (uint32_t r = 0; r < count; ++r) {
            p[r] = probabilities(random, keys, prob_frac);
            for (uint32_t k = 0; k < keys; ++k)
                dp[r].push_back(random.value(bits));
            ds[r] = direct::score_gradient(p[r], dp[r], prob_frac, scale, shift, saturated);
            for (int16_t value : ds[r])
                largest = expected::larger(largest, value);
        }
        for (uint32_t group = 0; group < count; group += kRows)
            for (uint32_t key = 0; key < keys; key += kColumns)
                for (uint32_t r = group; r < std::min(count, group + kRows); ++r) {
                    rows.push_back(tile_row(dp[r], key));
                    partners.push_back(tile_row(p[r], key));
                    results.push_back(tile_row(ds[r], key));
                }
        reports.push_back(expected::report(tag, saturated, largest));
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }

private:
    static csim::Row probabilities(csim::Random& random, uint32_t keys, int prob_frac) {
        csim::Row p(keys, 0);
        const int64_t one = int64_t(1) << prob_frac;
        if (random.one_in(5)) {  // one key has it all, as far as 16 bits go
            p[std::size_t(random.between(0, keys - 1))] = int16_t(std::min(one, int64_t(32767)));
            return p;
        }
        if (random.one_in(5)) {  // all have the same, each rounded up
            p.assign(keys, int16_t(std::min((one + keys - 1) / keys, int64_t(32767))));
            return p;
        }
        int64_t left = one;
        for (uint32_t k = 0; k < keys && left > 0; ++k) {
            p[k] = int16_t(random.between(0, std::min(left, int64_t(32767))));
            left -= p[k];
        }
        return p;
    }

    static TileRow tile_row(const csim::Row& row, uint32_t first) {
        TileRow result = 0;
        for (uint32_t c = first; c < std::min<std::size_t>(row.size(), first + kColumns); ++c)
            result.range(int(16 * (c - first) + 15), int(16 * (c - first))) = row[c];
        return result;
    }
};

}  // namespace softmax_backward_job

#endif
