// The gradient of scores: heads of random sizes against the direct form; in hostile worlds the same
// words; the clocks of row groups, and how deep the FIFO of a row group must be.
#include "harness.hpp"
#include "softmax_backward_job.hpp"
#include "trivit/blocks/tops.hpp"

using namespace trivit::blocks;
using softmax_backward_job::Job;

namespace {

typedef std::vector<simulation::Timed<TileRow>> Results;

struct Outputs {
    std::shared_ptr<Results> results;
    std::shared_ptr<std::vector<simulation::Timed<Report>>> reports;
};

Outputs build(harness::Run& run, const Job& job) {
    hls::stream<Command> commands("commands");
    hls::stream<TileRow> rows("rows");
    hls::stream<TileRow> partners("partners");
    hls::stream<TileRow> results("results");
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(rows, job.rows);
    run.feed(partners, job.partners);
    const Outputs outputs = {run.drain(results), run.drain(reports)};
    trivit_softmax_backward(commands, rows, partners, results, reports);
    run.collect();
    return outputs;
}

Results run(const Job& job, const harness::World& world, csim::Checker& checker) {
    harness::Run run(world);
    const Outputs outputs = build(run, job);
    run.finish();
    checker.holds(harness::words(*outputs.results) == job.results, "results");
    checker.holds(harness::words(*outputs.reports) == job.reports, "reports");
    return *outputs.results;
}

Job steady_job(csim::Random& random, uint32_t keys) {
    Job job;
    for (int head = 0; head < 2; ++head)
        job.add(random, 24, keys);
    job.end();
    return job;
}

bool ends(const Job& job, int depth) {
    harness::World world = harness::steady();
    world.options.depth["pairs"] = depth;
    harness::Run run(world);
    build(run, job);
    return run.ends();
}

}  // namespace

int main() {
    csim::Checker checker("softmax_backward block");
    csim::Random random(19);
    for (int i = 0; i < 30; ++i) {
        Job job;
        for (int heads = int(random.between(0, 4)); heads > 0; --heads)
            job.add(random, uint32_t(random.between(1, 25)),
                    uint32_t(random.one_in(6) ? random.between(65, 592) : random.between(1, 64)));
        job.end();
        run(job, harness::plain(), checker);
        if (!harness::kSimulates) continue;
        run(job, harness::hostile(uint64_t(i) + 1), checker);
    }
    if (!harness::kSimulates) return checker.finish();

    for (const uint32_t keys : {577u, 197u, 139u, 98u, 69u, 50u}) {
        const Job job = steady_job(random, keys);
        const Results timed = run(job, harness::steady(), checker);
        const Results doubled = run(job, harness::doubled(), checker);
        checker.holds(harness::same_clocks(run(job, harness::shuffled(keys), checker), timed),
                      "order changes no clock", keys);
        // Six groups: from the first result of one to that of the next.
        const std::size_t rows = timed.size() / 6;
        const auto group = [&](const Results& got, std::size_t first) {
            return got[first + rows].clock - got[first].clock;
        };
        const uint64_t words = 8 * ((keys + 7) / 8);
        for (std::size_t g = 0; g < 5; ++g) {
            checker.equal(int64_t(group(timed, g * rows)), int64_t(words), "clocks of a group");
            checker.equal(int64_t(group(doubled, g * rows)), int64_t(words), "doubled");
        }
        std::printf(
            "softmax_backward: %u keys: %llu clocks a group, first result behind %llu, "
            "double depths %llu\n",
            keys, static_cast<unsigned long long>(words),
            static_cast<unsigned long long>(timed.front().clock),
            static_cast<unsigned long long>(doubled.front().clock));
    }
    // Row 0's sum is known behind its last word: 18 whole tiles of eight rows and two words of the
    // last one.
    const int least = kRows * kWordsPerTile * 18 + 2;
    checker.holds(ends(steady_job(random, 592), least), "the least depth");
    checker.holds(!ends(steady_job(random, 592), least - 1), "one less is too little");
    return checker.finish();
}
