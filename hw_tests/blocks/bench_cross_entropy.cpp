// The block of the loss: rows of logits of many sizes against the direct form, one-hot, smoothed
// and senseless targets; in hostile worlds the same words; the clocks of a row.
#include "cross_entropy_job.hpp"
#include "harness.hpp"
#include "trivit/blocks/tops.hpp"

using namespace trivit::blocks;
using cross_entropy_job::Job;

namespace {

typedef std::vector<simulation::Timed<TileRow>> Results;

Results run(const Job& job, const harness::World& world, csim::Checker& checker) {
    harness::Run run(world);
    hls::stream<Command> commands("commands");
    hls::stream<TileRow> logits("logits");
    hls::stream<TileRow> targets("targets");
    hls::stream<TileRow> results("results");
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(logits, job.logits);
    run.feed(targets, job.targets);
    const auto got = run.drain(results);
    const auto got_reports = run.drain(reports);
    trivit_cross_entropy(commands, logits, targets, results, reports);
    run.finish();
    checker.holds(harness::words(*got) == job.results, "results");
    checker.holds(harness::words(*got_reports) == job.reports, "reports");
    return *got;
}

void add_row(Job& job, csim::Random& random, std::size_t classes) {
    csim::Row logits(classes);
    csim::Row target(classes, 0);
    const int bits = int(random.between(0, 15));
    for (int16_t& z : logits)
        z = random.value(bits);
    const int64_t kind = random.between(0, 2);
    const int64_t share = kind == 0 ? 0 : 1638 / int64_t(classes);
    for (int16_t& t : target)
        t = kind == 2 ? random.value(15) : int16_t(share);
    if (kind != 2) {
        int16_t& label = target[std::size_t(random.between(0, int64_t(classes) - 1))];
        label = int16_t(label + 16384 - share * int64_t(classes));
    }
    // exp_multiplier * 2^-exp_shift is log2(e) * 2^(20 - f_logits), and now and then anything.
    direct::LossNumbers n;
    const bool any = random.one_in(4);
    n.exp_multiplier = any ? uint32_t(random.between(1 << 23, (1 << 24) - 1)) : 12102203;
    n.exp_shift = int(any ? random.between(0, 40) : random.between(3, 18));
    n.frac = int(random.one_in(3) ? random.between(0, 46) : random.between(8, 15));
    job.add(logits, target, n);
}

}  // namespace

int main() {
    csim::Checker checker("cross entropy block");
    csim::Random random(18);
    uint64_t saturated = 0;
    for (int i = 0; i < 30; ++i) {
        Job job;
        for (int commands = int(random.between(0, 4)); commands > 0; --commands)
            add_row(job, random, std::size_t(random.between(1, 130)));
        job.end();
        saturated += job.saturated;
        run(job, harness::plain(), checker);
        for (uint64_t seed = 1; harness::kSimulates && seed <= 2; ++seed)
            run(job, harness::hostile(seed + uint64_t(i) * 2), checker);
    }
    checker.holds(saturated > 0, "some gradients saturate");

    // The largest row that the fields allow, and its sum: all logits equal.
    Job largest;
    add_row(largest, random, 8000);
    largest.add(csim::Row(8191, -5), csim::Row(8191, 2), {12102203, 11, 20});
    largest.end();
    run(largest, harness::plain(), checker);
    if (!harness::kSimulates) return checker.finish();
    run(largest, harness::steady(), checker);

    Job row;
    add_row(row, random, 1000);
    row.end();
    const Results timed = run(row, harness::steady(), checker);
    const Results doubled = run(row, harness::doubled(), checker);
    std::printf(
        "cross entropy: 1000 classes, first and last word %llu and %llu clocks behind the "
        "first logits, double depths %llu and %llu\n",
        static_cast<unsigned long long>(timed.front().clock - 1),
        static_cast<unsigned long long>(timed.back().clock - 1),
        static_cast<unsigned long long>(doubled.front().clock - 1),
        static_cast<unsigned long long>(doubled.back().clock - 1));
    checker.holds(timed.back().clock < 3200, "three values of a class a clock each");
    for (uint64_t seed = 1; seed <= 2; ++seed)
        checker.holds(harness::same_clocks(run(row, harness::shuffled(seed), checker), timed),
                      "order changes no clock", int64_t(seed));
    return checker.finish();
}
