// Rows of logits for the block of the loss: what comes in, and what must come out.
#ifndef TRIVIT_BLOCKS_CROSS_ENTROPY_JOB_HPP
#define TRIVIT_BLOCKS_CROSS_ENTROPY_JOB_HPP

#include "../csim/direct_loss.hpp"
#include "clocked/timed.hpp"
#include "expected_report.hpp"
#include "trivit/blocks/cross_entropy.hpp"

namespace cross_entropy_job {

using namespace trivit::blocks;

struct Job {
    std::vector<Command> commands;
    std::vector<TileRow> logits;
    std::vector<TileRow> targets;
    std::vector<TileRow> results;
    std::vector<Report> reports;
    uint64_t saturated = 0;

    void add(const csim::Row& row, const csim::Row& target, const direct::LossNumbers& n) {
        const uint64_t tag = commands.size() + 9;
        Command c = 0;
        TagField::put(c, tag);
        UnitField::put(c, kUnitCrossEntropy);
        CrossEntropyFields::Classes::put(c, row.size());
        CrossEntropyFields::ExpMultiplier::put(c, n.exp_multiplier);
        CrossEntropyFields::ExpShift::put(c, uint64_t(n.exp_shift));
        CrossEntropyFields::Frac::put(c, uint64_t(n.frac));
        commands.push_back(c);
        uint64_t clamped = 0;
        const csim::Row gradient = direct::cross_entropy(row, target, n, clamped);
        saturated += clamped;
        int largest = 0;
        for (const int16_t g : gradient)
            largest = expected::larger(largest, g);
        append(logits, row);
        append(targets, target);
        append(results, gradient);
        reports.push_back(expected::report(tag, clamped, largest));
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }

private:
    static void append(std::vector<TileRow>& words, const csim::Row& values) {
        for (std::size_t first = 0; first < values.size(); first += kColumns) {
            TileRow word = 0;
            for (std::size_t i = first; i < std::min(values.size(), first + kColumns); ++i) {
                const int lane = int(i - first);
                word.range(16 * lane + 15, 16 * lane) = uint16_t(values[i]);
            }
            words.push_back(word);
        }
    }
};

}  // namespace cross_entropy_job

#endif
