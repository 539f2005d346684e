// Rows for layer normalisation: what comes in, and what must come out.
#ifndef TRIVIT_BLOCKS_NORMALISE_JOB_HPP
#define TRIVIT_BLOCKS_NORMALISE_JOB_HPP

#include <cmath>

#include "../csim/direct.hpp"
#include "clocked/timed.hpp"
#include "expected_report.hpp"
#include "trivit/blocks/normalise.hpp"

namespace normalise_job {

using namespace trivit::blocks;

inline Word word_of(const csim::Row& row, uint32_t word) {
    Word result = 0;
    for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane)
        result.range(int(16 * lane + 15), int(16 * lane)) = row[word * kLanes + lane];
    return result;
}

inline csim::Row random_row(csim::Random& random, uint32_t words) {
    csim::Row x = random.tensor(1, words, int(random.between(1, 15)))[0];
    if (random.one_in(8)) x.assign(x.size(), random.value(15));  // no variance
    if (random.one_in(8)) {
        for (std::size_t c = 0; c < x.size(); ++c)
            x[c] = c % 2 ? 32767 : -32768;
    }
    if (random.one_in(12)) x.assign(x.size(), -32768);
    return x;
}

inline direct::NormaliseNumbers numbers(csim::Random& random, uint32_t width) {
    direct::NormaliseNumbers n;
    n.inv_width = uint32_t((0x100000000ull + width / 2) / width);
    n.sqrt_width = uint32_t(std::llround(std::sqrt(double(width)) * 65536));
    const double step = 1e-6 * width * std::ldexp(1.0, int(2 * (random.between(0, 24) + 8)));
    n.epsilon = random.one_in(4) ? 0 : uint64_t(step);
    n.beta_shift = int(random.one_in(4) ? random.between(0, 30) : random.between(14, 24));
    n.norm_shift = int(random.one_in(4) ? random.between(0, 31) : random.between(18, 26));
    if (random.one_in(5)) {
        n.inv_width = uint32_t(random.between(0, n.inv_width));
        n.sqrt_width = uint32_t(random.between(0, 1 << 22));
        n.epsilon = uint64_t(random.between(0, int64_t(1) << 56));
    }
    return n;
}

struct Job {
    uint32_t most_words = 1;
    std::vector<Command> commands;
    std::vector<Vectors> vectors;
    std::vector<WordPair> rows;
    std::vector<WordPair> results;
    std::vector<Report> reports;

    void add(csim::Random& random, uint32_t count, uint32_t words) {
        const direct::NormaliseNumbers n = numbers(random, words * kLanes);
        const uint32_t tag = uint32_t(random.between(0, 2047));
        Command command = 0;
        TagField::put(command, tag);
        NormaliseFields::Rows::put(command, count);
        NormaliseFields::Words::put(command, words);
        NormaliseFields::BetaShift::put(command, uint64_t(n.beta_shift));
        NormaliseFields::NormShift::put(command, uint64_t(n.norm_shift));
        NormaliseFields::InvWidth::put(command, n.inv_width);
        NormaliseFields::SqrtWidth::put(command, n.sqrt_width);
        NormaliseFields::Epsilon::put(command, n.epsilon);
        commands.push_back(command);
        most_words = std::max(most_words, words);

        const csim::Row gamma = random.tensor(1, words, 15)[0];
        const csim::Row beta = random.tensor(1, words, int(random.between(4, 15)))[0];
        for (uint32_t w = 0; w < words; ++w) {
            Vectors both = 0;
            both.range(127, 0) = word_of(gamma, w);
            both.range(255, 128) = word_of(beta, w);
            vectors.push_back(both);
        }
        uint64_t saturated = 0;
        csim::Tensor x;
        csim::Tensor y;
        for (uint32_t r = 0; r < count; ++r) {
            x.push_back(random_row(random, words));
            y.push_back(
                direct::normalise_row(x[r], direct::row_sums(x[r]), gamma, beta, n, saturated));
        }
        const csim::Row padding(words * kLanes, 0);
        for (uint32_t group = 0; group < count; group += kRows) {
            for (uint32_t w = 0; w < words; ++w) {
                for (uint32_t r = group; r < std::min(count, group + kRows); r += 2) {
                    // What comes for a row that does not exist may be anything.
                    const Word beyond = ~Word(0);
                    WordPair pair = 0;
                    pair.range(127, 0) = word_of(x[r], w);
                    pair.range(255, 128) = r + 1 < count ? word_of(x[r + 1], w) : beyond;
                    rows.push_back(pair);
                    pair.range(127, 0) = word_of(y[r], w);
                    pair.range(255, 128) = word_of(r + 1 < count ? y[r + 1] : padding, w);
                    results.push_back(pair);
                }
            }
        }
        int largest = 0;
        for (const csim::Row& row : y)
            for (const int value : row)
                largest = expected::larger(largest, value);
        reports.push_back(expected::report(tag, saturated, largest));
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }
};

}  // namespace normalise_job

#endif
