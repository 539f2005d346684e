// The block for layer normalisation: rows of random sizes and formats against the direct form; in
// hostile worlds the same words; the clocks of row groups, and how deep the FIFO of rows must be.
#include <cmath>

#include "../csim/direct.hpp"
#include "harness.hpp"
#include "trivit/blocks/normalise.hpp"

using namespace trivit::blocks;

void trivit_normalise(hls::stream<Command>&, hls::stream<WordPair>&, hls::stream<Vectors>&,
                      hls::stream<WordPair>&, hls::stream<Report>&);

namespace {

typedef std::vector<simulation::Timed<WordPair>> Results;

Word word_of(const csim::Row& row, uint32_t word) {
    Word result = 0;
    for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane)
        result.range(int(16 * lane + 15), int(16 * lane)) = row[word * kLanes + lane];
    return result;
}

csim::Row random_row(csim::Random& random, uint32_t words) {
    csim::Row x = random.tensor(1, words, int(random.between(1, 15)))[0];
    if (random.one_in(8)) x.assign(x.size(), random.value(15));  // no variance
    if (random.one_in(8)) {
        for (std::size_t c = 0; c < x.size(); ++c)
            x[c] = c % 2 ? 32767 : -32768;
    }
    if (random.one_in(12)) x.assign(x.size(), -32768);
    return x;
}

direct::NormaliseNumbers numbers(csim::Random& random, uint32_t width) {
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
        Report report = 0;
        report.range(31, 0) = uint32_t(saturated);
        report.range(42, 32) = tag;
        reports.push_back(report);
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }
};

struct Outputs {
    std::shared_ptr<Results> results;
    std::shared_ptr<std::vector<simulation::Timed<Report>>> reports;
};

Outputs build(harness::Run& run, const Job& job) {
    hls::stream<Command> commands("commands");
    hls::stream<WordPair> rows("rows");
    hls::stream<Vectors> vectors("vectors");
    hls::stream<WordPair> results("results");
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(rows, job.rows);
    run.feed(vectors, job.vectors);
    const Outputs outputs = {run.drain(results), run.drain(reports)};
    trivit_normalise(commands, rows, vectors, results, reports);
    return outputs;
}

Results run(const Job& job, const harness::World& world, csim::Checker& checker) {
    harness::Run run(world);
    const Outputs outputs = build(run, job);
    run.finish();
    checker.holds(harness::words(*outputs.results) == job.results, "rows");
    checker.holds(harness::words(*outputs.reports) == job.reports, "reports");
    return *outputs.results;
}

// The same world with FIFOs of rows as deep as given.
harness::World with_rows(harness::World world, int depth) {
    world.options.depth["row_group"] = depth;
    return world;
}

bool ends(const Job& job, const harness::World& world) {
    harness::Run run(world);
    build(run, job);
    return run.ends();
}

// Below it the last word of a row group's first pair finds no room.
int least_rows(uint32_t words) { return int(kPairs * (words - 1) + 1); }

Job steady_job(csim::Random& random, uint32_t words) {
    Job job;
    job.add(random, 24, words);
    job.add(random, 8, words);
    job.end();
    return job;
}

// Whether results come without a gap. The pairs of the very first word wait for their scales, which
// come a row a clock.
bool no_gap(const Results& got) { return got.back().clock - got[3].clock == got.size() - 4; }

}  // namespace

int main() {
    csim::Checker checker("normalise block");
    csim::Random random(13);
    for (int i = 0; i < 30; ++i) {
        Job job;
        for (int commands = int(random.between(0, 3)); commands > 0; --commands) {
            job.add(random, uint32_t(random.between(1, 25)),
                    uint32_t(random.one_in(12) ? random.between(100, 384) : random.between(1, 12)));
        }
        job.end();
        run(job, harness::plain(), checker);
        if (!harness::kSimulates) continue;
        const Results in_order = run(job, harness::steady(), checker);
        const Results in_another = run(job, harness::shuffled(uint64_t(i) + 1), checker);
        checker.holds(harness::same_clocks(in_order, in_another), "order changes no clock", i);
        for (uint64_t seed = 1; seed <= 2; ++seed)
            run(job, harness::hostile(seed + uint64_t(i) * 2), checker);
        run(job, with_rows(harness::hostile(uint64_t(i) + 100), least_rows(job.most_words)),
            checker);
    }
    if (!harness::kSimulates) return checker.finish();

    for (uint32_t words : {2u, 24u, 48u, 384u}) {
        const Job job = steady_job(random, words);
        const Results got = run(job, harness::steady(), checker);
        const Results doubled = run(job, harness::doubled(), checker);
        checker.holds(no_gap(got), "no gap between row groups and commands", words);
        checker.holds(no_gap(doubled), "with double depths neither", words);
        std::printf(
            "%u words: %u clocks a row group, first result %llu clocks behind the first row, "
            "double depths %llu\n",
            words, 4 * words, static_cast<unsigned long long>(got.front().clock - 1),
            static_cast<unsigned long long>(doubled.front().clock - 1));
    }

    // The longest rows, with FIFOs of them that are just deep enough.
    const Job longest = steady_job(random, trivit::kMaxDepthWords);
    const int least = least_rows(trivit::kMaxDepthWords);
    run(longest, with_rows(harness::steady(), least), checker);
    checker.holds(!ends(longest, with_rows(harness::steady(), least - 1)), "no room", least);
    const std::pair<harness::World, int> smooth[] = {
        {harness::steady(), kPairs * trivit::kMaxDepthWords + 43},
        {harness::doubled(), kPairs * trivit::kMaxDepthWords + 85}};
    for (const auto& each : smooth) {
        checker.holds(no_gap(run(longest, with_rows(each.first, each.second), checker)),
                      "no gap in a FIFO so deep", each.second);
        checker.holds(!no_gap(run(longest, with_rows(each.first, each.second - 1), checker)),
                      "but in one less", each.second);
    }
    return checker.finish();
}
