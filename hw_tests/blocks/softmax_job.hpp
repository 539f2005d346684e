// Attentions for the softmax block: what the engine sends, and what must come out.
#ifndef TRIVIT_BLOCKS_SOFTMAX_JOB_HPP
#define TRIVIT_BLOCKS_SOFTMAX_JOB_HPP

#include "../csim/direct.hpp"
#include "clocked/timed.hpp"
#include "expected_report.hpp"
#include "trivit/blocks/softmax.hpp"

namespace softmax_job {

using namespace trivit::blocks;

struct Sizes {
    uint32_t heads;
    uint32_t rows;
    uint32_t keys;
    uint32_t tiles() const { return (keys + kColumns - 1) / kColumns; }
    uint32_t words() const { return (keys + kLanes - 1) / kLanes; }
    uint32_t groups() const { return (rows + kRows - 1) / kRows; }
};

struct Job {
    std::vector<Command> commands;
    std::vector<simulation::Timed<TileRow>> scores;
    std::vector<OpenKeys> open;
    std::vector<WordPair> results;
    std::vector<Word> cls;
    std::vector<LivePair> all;
    direct::Scores sums;  // of the last attention over its heads, -1 for closed keys
    std::vector<Report> reports;

    // Scores of a step come one a clock, a step every `cadence` clocks. One key in `closing` is
    // closed, or those of `mask`, which then come from elsewhere.
    void add(csim::Random& random, const Sizes& size, const direct::AttentionNumbers& n,
             int closing, bool send_cls, uint64_t cadence, bool send_all = false,
             const std::vector<std::vector<bool>>* mask = nullptr) {
        Command command = 0;
        const uint32_t tag = uint32_t(random.between(0, 2047));
        TagField::put(command, tag);
        SoftmaxFields::Heads::put(command, size.heads);
        SoftmaxFields::Rows::put(command, size.rows);
        SoftmaxFields::Keys::put(command, size.keys);
        SoftmaxFields::Masked::put(command, mask || closing > 1);
        SoftmaxFields::SendCls::put(command, send_cls);
        SoftmaxFields::SendAll::put(command, send_all);
        SoftmaxFields::ExpMultiplier::put(command, n.exp_multiplier);
        SoftmaxFields::ExpShift::put(command, uint64_t(n.exp_shift));
        SoftmaxFields::ProbFrac::put(command, uint64_t(n.prob_frac));
        commands.push_back(command);
        sums.assign(size.rows, std::vector<int64_t>(size.keys, 0));
        const std::size_t before = results.size();
        uint64_t saturated = 0;
        uint64_t step = 0;
        for (uint32_t head = 0; head < size.heads; ++head) {
            for (uint32_t group = 0; group < size.groups(); ++group) {
                const uint32_t rows = std::min(uint32_t(kRows), size.rows - group * kRows);
                add_group(random, size, n, closing, rows, cadence * step++, saturated,
                          send_cls && group == 0, send_all, mask, group * kRows);
            }
        }
        int largest = 0;
        for (std::size_t i = before; i < results.size(); ++i)
            for (int lane = 0; lane < 2 * kLanes; ++lane)
                largest = expected::larger(largest, int(lane16(results[i], lane)));
        reports.push_back(expected::report(tag, saturated, largest));
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }

private:
    void add_group(csim::Random& random, const Sizes& size, const direct::AttentionNumbers& n,
                   int closing, uint32_t rows, uint64_t clock, uint64_t& saturated, bool send_cls,
                   bool send_all, const std::vector<std::vector<bool>>* mask, uint32_t first) {
        const int bits = int(random.between(3, 15));
        std::vector<csim::Row> s(rows, csim::Row(size.tiles() * kColumns));
        std::vector<std::vector<bool>> live(rows, std::vector<bool>(size.keys));
        std::vector<csim::Row> p;
        for (uint32_t r = 0; r < rows; ++r) {
            const bool none = !mask && closing > 1 && random.one_in(20);
            for (int16_t& x : s[r])
                x = random.value(bits);
            for (uint32_t j = 0; j < size.keys; ++j)
                live[r][j] = mask ? (*mask)[first + r][j]
                                  : !none && (closing == 1 || !random.one_in(closing));
            const csim::Row real(s[r].begin(), s[r].begin() + size.keys);
            p.push_back(direct::softmax_row(real, live[r], n, saturated));
            p.back().resize(size.tiles() * kColumns, 0);
            for (uint32_t j = 0; j < size.keys; ++j) {
                int64_t& sum = sums[first + r][j];
                sum = live[r][j] ? sum + p[r][j] : -1;
            }
        }
        for (uint32_t tile = 0; tile < size.tiles(); ++tile) {
            for (uint32_t r = 0; r < rows; ++r) {
                TileRow row = 0;
                OpenKeys keys = 0;
                for (uint32_t c = 0; c < uint32_t(kColumns); ++c) {
                    const uint32_t key = tile * kColumns + c;
                    row.range(int(16 * c + 15), int(16 * c)) = s[r][key];
                    // Bits beyond the keys may be anything.
                    keys[int(c)] = key < size.keys ? bool(live[r][key]) : random.one_in(2);
                }
                scores.push_back({row, clock++});
                if (!mask && closing > 1) open.push_back(keys);
            }
            for (uint32_t pair = 0; pair < (rows + 1) / 2; ++pair) {
                for (uint32_t w = tile * 4; w < std::min(size.words(), tile * 4 + 4); ++w) {
                    WordPair result = 0;
                    LivePair measured = 0;
                    for (uint32_t lane = 0; lane < 2 * uint32_t(kLanes); ++lane) {
                        const uint32_t r = 2 * pair + lane / kLanes;
                        const int16_t x = r < rows ? p[r][w * kLanes + lane % kLanes] : int16_t(0);
                        result.range(int(16 * lane + 15), int(16 * lane)) = x;
                        const uint32_t key = w * kLanes + lane % kLanes;
                        measured[int(2 * 16 * kLanes + lane)] =
                            r < rows && key < size.keys && live[r][key];
                    }
                    measured.range(2 * 16 * kLanes - 1, 0) = result;
                    if (send_all) all.push_back(measured);
                    results.push_back(result);
                    if (send_cls && pair == 0) cls.push_back(Word(result.range(127, 0)));
                }
            }
        }
    }
};

inline direct::AttentionNumbers numbers(csim::Random& random) {
    direct::AttentionNumbers n = direct::AttentionNumbers();
    n.exp_multiplier = uint32_t(random.between(1 << 23, (1 << 24) - 1));
    n.exp_shift = int(random.one_in(5) ? random.between(0, 40) : random.between(6, 18));
    n.prob_frac = int(random.one_in(3) ? random.between(0, 15) : 15);
    return n;
}

inline uint64_t array_clocks(uint32_t tokens) {  // of a step with heads of 64
    return (tokens + 31) / 32 * 8 + 2 * ((tokens + 7) / 8);
}

}  // namespace softmax_job

#endif
