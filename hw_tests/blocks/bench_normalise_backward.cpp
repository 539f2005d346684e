// The gradients of layer normalisation: rows of random sizes and formats against the direct form;
// in hostile worlds the same words; the clocks of row groups.
#include "harness.hpp"
#include "normalise_backward_job.hpp"
#include "trivit/blocks/tops.hpp"

using namespace trivit::blocks;
using normalise_backward_job::Job;

namespace {

typedef std::vector<simulation::Timed<WordPair>> Results;

Results run(const Job& job, const harness::World& world, csim::Checker& checker) {
    harness::Run run(world);
    hls::stream<Command> commands("commands");
    hls::stream<WordPair> rows("rows");
    hls::stream<Vectors> vectors("vectors");
    hls::stream<WordPair> results("results");
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(rows, job.rows);
    run.feed(vectors, job.vectors);
    const auto got = run.drain(results);
    const auto got_reports = run.drain(reports);
    trivit_normalise_backward(commands, rows, vectors, results, reports);
    run.finish();
    checker.holds(harness::words(*got) == job.results, "rows and dgamma");
    checker.holds(harness::words(*got_reports) == job.reports, "reports");
    return *got;
}

}  // namespace

int main() {
    csim::Checker checker("normalise_backward block");
    csim::Random random(23);
    for (int i = 0; i < 24; ++i) {
        Job job;
        for (int commands = int(random.between(0, 3)); commands > 0; --commands) {
            const uint32_t words = uint32_t(random.one_in(8) ? random.between(24, kBackwardWords)
                                                             : random.between(1, 9));
            job.add(random, uint32_t(random.between(1, 26)), words, random.one_in(2));
        }
        job.end();
        run(job, harness::plain(), checker);
        if (!harness::kSimulates) continue;
        run(job, harness::hostile(uint64_t(i) + 1), checker);
    }
    if (!harness::kSimulates) return checker.finish();

    for (const uint32_t words : {8u, 24u, 48u, 96u}) {
        Job job;
        job.add(random, 32, words, true);
        job.end();
        const Results timed = run(job, harness::steady(), checker);
        const Results doubled = run(job, harness::doubled(), checker);
        checker.holds(harness::same_clocks(run(job, harness::shuffled(words), checker), timed),
                      "order changes no clock", words);
        // 16 clocks a word of a row group; the last group against the one before.
        const std::size_t group = words * kPairs;
        for (const Results* got : {&timed, &doubled})
            checker.equal(int64_t((*got)[3 * group].clock - (*got)[2 * group].clock),
                          int64_t(16 * words), "clocks of a group", words);
        std::printf(
            "normalise_backward: %u words: first row group behind %llu clocks, double depths "
            "%llu; dgamma %llu behind the last row\n",
            words, static_cast<unsigned long long>(timed[group - 1].clock),
            static_cast<unsigned long long>(doubled[group - 1].clock),
            static_cast<unsigned long long>(timed.back().clock - timed[4 * group - 1].clock));
    }
    return checker.finish();
}
