// Attentions whose row of [CLS] selects tokens: for the softmax block and the one for selection.
#ifndef TRIVIT_BLOCKS_ATTENTION_JOB_HPP
#define TRIVIT_BLOCKS_ATTENTION_JOB_HPP

#include "softmax_job.hpp"
#include "trivit/blocks/select.hpp"

namespace attention_job {

using namespace trivit::blocks;

struct Job {
    softmax_job::Job softmax;
    std::vector<Command> select;
    std::vector<Word> lists;
    std::vector<Report> select_reports;
    std::vector<uint32_t> kept;  // by the last one

    // Chooses with `connect` for `connections`, too.
    void add(csim::Random& random, const softmax_job::Sizes& size, uint32_t keep, uint64_t cadence,
             bool connect = false, const std::vector<std::vector<bool>>* mask = nullptr) {
        const std::size_t before = softmax.cls.size();
        softmax.add(random, size, softmax_job::numbers(random), 1, true, cadence, connect, mask);
        Command command = 0;
        const uint32_t tag = uint32_t(random.between(0, 2047));
        TagField::put(command, tag);
        SelectFields::Heads::put(command, size.heads);
        SelectFields::Tokens::put(command, size.keys);
        SelectFields::Keep::put(command, keep);
        SelectFields::SendKept::put(command, connect);
        select.push_back(command);
        std::vector<int64_t> sums(size.words() * kLanes, 0);
        for (std::size_t i = before; i < softmax.cls.size(); ++i) {
            const std::size_t word = (i - before) % size.words();
            for (int lane = 0; lane < kLanes; ++lane)
                sums[word * kLanes + std::size_t(lane)] += int(lane16(softmax.cls[i], lane));
        }
        sums.resize(size.keys);
        const csim::Row list = direct::select_tokens(sums, keep)[0];
        kept.assign(list.begin(), list.begin() + 1 + keep);
        for (std::size_t first = 0; first < list.size(); first += kLanes) {
            Word word = 0;
            for (int lane = 0; lane < kLanes; ++lane)
                word.range(16 * lane + 15, 16 * lane) = list[first + std::size_t(lane)];
            lists.push_back(word);
        }
        select_reports.push_back(expected::report(tag));
    }

    void end() {
        softmax.end();
        select.push_back(Command(1));
        select_reports.push_back(end_report());
    }
};

}  // namespace attention_job

#endif
