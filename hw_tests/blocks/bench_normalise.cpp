// The block for layer normalisation: rows of random sizes and formats against the direct form; in
// hostile worlds the same words; the clocks of row groups, and how deep the FIFO of rows must be.
#include "harness.hpp"
#include "normalise_job.hpp"
#include "trivit/blocks/tops.hpp"

using namespace trivit::blocks;
using normalise_job::Job;

namespace {

typedef std::vector<simulation::Timed<WordPair>> Results;

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
    run.collect();
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
    job.add(random, 16, words);
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

    for (uint32_t words : {2u, 24u, 48u}) {
        const Job job = steady_job(random, words);
        const Results got = run(job, harness::steady(), checker);
        const Results doubled = run(job, harness::doubled(), checker);
        checker.holds(no_gap(got), "no gap between row groups and commands", words);
        checker.holds(no_gap(doubled), "with double depths neither", words);
        checker.equal(int64_t(got.front().clock - 1), 4 * words + 76, "first result", words);
        checker.equal(int64_t(doubled.front().clock - 1), 4 * words + 155, "doubled", words);
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
