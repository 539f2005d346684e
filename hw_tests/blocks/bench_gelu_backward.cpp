// The derivative of GELU: every input at many formats and random commands against the direct form;
// in hostile worlds the same words; a row of a tile every second clock.
#include "gelu_backward_job.hpp"
#include "harness.hpp"
#include "trivit/blocks/tops.hpp"

using namespace trivit::blocks;
using gelu_backward_job::Job;

namespace {

typedef std::vector<simulation::Timed<TileRow>> Results;

Results run(const Job& job, const harness::World& world, csim::Checker& checker) {
    harness::Run run(world);
    hls::stream<Command> commands("commands");
    hls::stream<TileRow> rows("rows");
    hls::stream<TileRow> partners("partners");
    hls::stream<TileRow> results("results");
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(rows, job.rows);
    run.feed(partners, job.partners);
    const auto got = run.drain(results);
    const auto got_reports = run.drain(reports);
    trivit_gelu_backward(commands, rows, partners, results, reports);
    run.finish();
    checker.holds(harness::words(*got) == job.results, "results");
    checker.holds(harness::words(*got_reports) == job.reports, "reports");
    return *got;
}

std::vector<int16_t> random_values(csim::Random& random, std::size_t count) {
    std::vector<int16_t> values(count);
    const int bits = int(random.between(1, 15));
    for (int16_t& x : values)
        x = random.value(bits);
    return values;
}

Job random_job(csim::Random& random) {
    Job job;
    for (int commands = int(random.between(0, 5)); commands > 0; --commands) {
        const std::size_t count = std::size_t(random.between(1, 40)) * kColumns;
        job.add(random_values(random, count), random_values(random, count),
                int(random.between(0, 15)), int(random.between(0, 63)));
    }
    job.end();
    return job;
}

}  // namespace

int main() {
    csim::Checker checker("gelu_backward block");
    csim::Random random(17);

    std::vector<int16_t> all;
    for (int x = -32768; x <= 32767; ++x)
        all.push_back(int16_t(x));
    Job every;
    for (int f = 0; f <= 15; f += 3)
        every.add(random_values(random, all.size()), all, f, 10 + f);
    every.end();
    run(every, harness::plain(), checker);

    for (int i = 0; i < 40; ++i) {
        const Job job = random_job(random);
        run(job, harness::plain(), checker);
        if (!harness::kSimulates) continue;
        for (uint64_t seed = 1; seed <= 3; ++seed)
            run(job, harness::hostile(seed + uint64_t(i) * 3), checker);
    }
    if (!harness::kSimulates) return checker.finish();

    Job tiles;
    for (int command = 0; command < 3; ++command) {
        const std::vector<int16_t> values(std::size_t(197 * kColumns), 100);
        tiles.add(values, values, 12, 16);
    }
    tiles.end();
    const Results timed = run(tiles, harness::steady(), checker);
    const Results doubled = run(tiles, harness::doubled(), checker);
    for (const Results* each : {&timed, &doubled})
        checker.equal(int64_t(each->back().clock - each->front().clock),
                      2 * int64_t(tiles.rows.size() - 1), "two clocks a row, between commands too");
    std::printf(
        "gelu_backward: first result %llu clocks behind the first row, double depths %llu\n",
        static_cast<unsigned long long>(timed.front().clock - 1),
        static_cast<unsigned long long>(doubled.front().clock - 1));
    for (uint64_t seed = 1; seed <= 4; ++seed)
        checker.holds(harness::same_clocks(run(tiles, harness::shuffled(seed), checker), timed),
                      "order changes no clock", int64_t(seed));
    return checker.finish();
}
