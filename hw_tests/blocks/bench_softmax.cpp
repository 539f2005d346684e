// The softmax block: attentions of random sizes, masks and formats against the direct form; in
// hostile worlds the same words; the clocks of a row group at the sizes of DeiT.
#include "harness.hpp"
#include "softmax_job.hpp"
#include "trivit/blocks/tops.hpp"

using namespace trivit::blocks;
using namespace softmax_job;

namespace {

typedef std::vector<simulation::Timed<WordPair>> Results;

Results run(const Job& job, const harness::World& world, csim::Checker& checker,
            std::size_t* most_powers = nullptr) {
    harness::Run run(world);
    hls::stream<Command> commands("commands");
    hls::stream<TileRow> scores("scores");
    hls::stream<OpenKeys> open("open");
    hls::stream<WordPair> results("results");
    hls::stream<Word> cls("cls");
    hls::stream<LivePair> all("all");
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(scores, job.scores);
    run.feed(open, job.open);
    const auto got = run.drain(results);
    const auto got_cls = run.drain(cls);
    const auto got_all = run.drain(all);
    const auto got_reports = run.drain(reports);
    trivit_softmax(commands, scores, open, results, cls, all, reports);
    run.finish();
    checker.holds(harness::words(*got) == job.results, "probabilities");
    checker.holds(harness::words(*got_cls) == job.cls, "row of [CLS]");
    checker.holds(harness::words(*got_all) == job.all, "all rows with their open keys");
    checker.holds(harness::words(*got_reports) == job.reports, "reports");
    if (most_powers) *most_powers = run.most("powers");
    return *got;
}

// Whether a job ends when one stream has another depth.
bool ends(const Job& job, const std::string& stream, int depth) {
    harness::World world = harness::steady();
    world.options.depth[stream] = depth;
    harness::Run run(world);
    hls::stream<Command> commands("commands");
    hls::stream<TileRow> scores("scores");
    hls::stream<OpenKeys> open("open");
    hls::stream<WordPair> results("results");
    hls::stream<Word> cls("cls");
    hls::stream<LivePair> all("all");
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(scores, job.scores);
    run.feed(open, job.open);
    run.drain(results);
    run.drain(cls);
    run.drain(all);
    run.drain(reports);
    trivit_softmax(commands, scores, open, results, cls, all, reports);
    return run.ends();
}

// Row groups of full size, one head after the other; the engine begins one every `cadence` clocks,
// 0: as soon as it can. What each case prints is what README.md says.
struct Clocks {
    double each;     // from a group's last probability to the next one's
    uint64_t first;  // from the first score to the group's first probability
    uint64_t last;   // and to its last
    std::size_t most_powers;
};

Clocks clocks(uint32_t tokens, uint64_t cadence, const harness::World& world,
              csim::Checker& checker) {
    csim::Random random(5);
    Job job;
    const Sizes size = {2, tokens / kRows * kRows, tokens};
    direct::AttentionNumbers n = direct::AttentionNumbers();
    n.exp_multiplier = 1 << 23;
    n.exp_shift = 12;
    n.prob_frac = 15;
    job.add(random, size, n, 1, false, cadence);
    job.end();
    Clocks result;
    const Results got = run(job, world, checker, &result.most_powers);
    const std::size_t per_group = size.words() * kPairs;
    const std::size_t groups = got.size() / per_group;
    // The source writes its first word in clock 1.
    const std::size_t before = (groups - 2) * per_group;
    result.first = got[before].clock - 1 - cadence * (groups - 2);
    result.last = got[before + per_group - 1].clock - 1 - cadence * (groups - 2);
    result.each =
        double(got[groups * per_group - 1].clock - got[per_group - 1].clock) / double(groups - 1);
    return result;
}

}  // namespace

int main() {
    csim::Checker checker("softmax block");
    csim::Random random(12);
    for (int i = 0; i < 24; ++i) {
        Job job;
        for (int commands = int(random.between(0, 3)); commands > 0; --commands) {
            const uint32_t most = random.one_in(12) ? uint32_t(trivit::kMaxTokens) : 45;
            const Sizes size = {uint32_t(random.between(1, 3)), uint32_t(random.between(1, 25)),
                                uint32_t(random.one_in(8) ? most : random.between(1, most))};
            job.add(random, size, numbers(random), int(random.between(1, 4)), random.one_in(2), 0,
                    random.one_in(2));
        }
        job.end();
        run(job, harness::plain(), checker);
        if (!harness::kSimulates) continue;
        const Results in_order = run(job, harness::steady(), checker);
        const Results in_another = run(job, harness::shuffled(uint64_t(i) + 1), checker);
        checker.holds(harness::same_clocks(in_order, in_another), "order changes no clock", i);
        for (uint64_t seed = 1; seed <= 2; ++seed)
            run(job, harness::hostile(seed + uint64_t(i) * 2), checker);
    }
    // Sums at their largest: every score of a row is its peak, and nearly so.
    for (int frac : {0, 7, 15}) {
        Job largest;
        direct::AttentionNumbers n = direct::AttentionNumbers();
        n.exp_multiplier = 1 << 23;
        n.exp_shift = 40 - frac;
        n.prob_frac = frac;
        for (uint32_t keys : {uint32_t(trivit::kMaxTokens), 577u, 257u, 256u})
            largest.add(random, {1, 2, keys}, n, 1, false, 0);
        largest.end();
        run(largest, harness::plain(), checker);
    }
    if (!harness::kSimulates) return checker.finish();

    std::printf(
        "tokens: clocks a group alone | every so many: first, last probability, most powers\n");
    for (uint32_t tokens : {577u, 197u, 139u, 98u, 69u}) {
        const Clocks alone = clocks(tokens, 0, harness::steady(), checker);
        checker.equal(int64_t(alone.each), 4 * ((tokens + 7) / 8), "no gap between groups");
        const uint64_t cadence = array_clocks(tokens);
        const Clocks paced = clocks(tokens, cadence, harness::steady(), checker);
        checker.holds(paced.each == double(cadence), "softmax keeps up with the array", tokens);
        const Clocks doubled = clocks(tokens, cadence, harness::doubled(), checker);
        checker.holds(doubled.each == double(cadence), "with double depths too", tokens);
        std::printf("%u: %.2f | %llu: %llu, %llu, %zu | double depths: %llu, %llu\n", tokens,
                    alone.each, static_cast<unsigned long long>(cadence),
                    static_cast<unsigned long long>(paced.first),
                    static_cast<unsigned long long>(paced.last), paced.most_powers,
                    static_cast<unsigned long long>(doubled.first),
                    static_cast<unsigned long long>(doubled.last));
    }

    // Below these depths the longest rows never get their peaks or their sums.
    Job longest;
    direct::AttentionNumbers n = direct::AttentionNumbers();
    n.exp_multiplier = 1 << 23;
    longest.add(random, {2, 16, uint32_t(trivit::kMaxTokens)}, n, 1, false, 0);
    longest.end();
    const std::pair<const char*, int> least[] = {
        {"even_scores", 73}, {"odd_scores", 73}, {"powers", 290}};
    for (const auto& stream : least) {
        checker.holds(ends(longest, stream.first, stream.second), "deep enough", stream.second);
        checker.holds(!ends(longest, stream.first, stream.second - 1), "just", stream.second);
    }
    return checker.finish();
}
