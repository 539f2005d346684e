// The GELU block: every input at many formats and random commands against the direct form; in
// hostile worlds the same words; 32 values a clock without a gap between commands.
#include "../csim/direct.hpp"
#include "harness.hpp"
#include "trivit/blocks/gelu.hpp"

using namespace trivit::blocks;

void trivit_gelu(hls::stream<Command>&, hls::stream<TileRow>&, hls::stream<TileRow>&,
                 hls::stream<Report>&);

namespace {

struct Job {
    std::vector<Command> commands;
    std::vector<TileRow> rows;
    std::vector<TileRow> results;
    std::vector<Report> reports;

    // `values`: whole rows of a tile.
    void add(const std::vector<int16_t>& values, int in_frac, int out_frac) {
        Command command = 0;
        TagField::put(command, commands.size() + 5);
        GeluFields::InFrac::put(command, uint64_t(in_frac));
        GeluFields::OutFrac::put(command, uint64_t(out_frac));
        GeluFields::TileRows::put(command, values.size() / kColumns);
        commands.push_back(command);
        uint64_t saturated = 0;
        for (std::size_t i = 0; i < values.size(); i += kColumns) {
            TileRow row = 0;
            TileRow result = 0;
            for (int c = 0; c < kColumns; ++c) {
                const int16_t y = direct::gelu(values[i + c], in_frac, out_frac, saturated);
                row.range(16 * c + 15, 16 * c) = values[i + c];
                result.range(16 * c + 15, 16 * c) = y;
            }
            rows.push_back(row);
            results.push_back(result);
        }
        Report report = 0;
        report.range(31, 0) = uint32_t(saturated);
        report.range(42, 32) = uint32_t(commands.size() + 4);
        reports.push_back(report);
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }
};

typedef std::vector<simulation::Timed<TileRow>> Results;

Results run(const Job& job, const harness::World& world, csim::Checker& checker) {
    harness::Run run(world);
    hls::stream<Command> commands("commands");
    hls::stream<TileRow> rows("rows");
    hls::stream<TileRow> results("results");
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(rows, job.rows);
    const auto got = run.drain(results);
    const auto got_reports = run.drain(reports);
    trivit_gelu(commands, rows, results, reports);
    run.finish();
    checker.holds(harness::words(*got) == job.results, "results");
    checker.holds(harness::words(*got_reports) == job.reports, "reports");
    return *got;
}

Job random_job(csim::Random& random) {
    Job job;
    for (int commands = int(random.between(0, 5)); commands > 0; --commands) {
        std::vector<int16_t> values(std::size_t(random.between(1, 40)) * kColumns);
        const int bits = int(random.between(1, 15));
        for (int16_t& x : values)
            x = random.value(bits);
        job.add(values, int(random.between(0, 15)), int(random.between(0, 24)));
    }
    job.end();
    return job;
}

}  // namespace

int main() {
    csim::Checker checker("gelu block");
    csim::Random random(11);

    std::vector<int16_t> all;
    for (int x = -32768; x <= 32767; ++x)
        all.push_back(int16_t(x));
    Job every;
    for (int f = 0; f <= 15; f += 3)
        every.add(all, f, (f * 7 + 5) % 25);
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

    // fc1's tiles of 197 rows: one row of a tile each clock, from the first to the last.
    Job tiles;
    for (int command = 0; command < 3; ++command)
        tiles.add(std::vector<int16_t>(std::size_t(4 * 197 * kColumns), 100), 12, 12);
    tiles.end();
    const Results timed = run(tiles, harness::steady(), checker);
    checker.equal(int64_t(timed.back().clock - timed.front().clock), int64_t(tiles.rows.size() - 1),
                  "no gap, not between commands either");
    std::printf("gelu: first result %llu clocks after the first row is offered\n",
                static_cast<unsigned long long>(timed.front().clock));
    for (uint64_t seed = 1; seed <= 4; ++seed)
        checker.holds(harness::same_clocks(run(tiles, harness::shuffled(seed), checker), timed),
                      "order changes no clock", int64_t(seed));
    return checker.finish();
}
