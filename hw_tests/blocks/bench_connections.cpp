// The block that selects connections: random sums with ties, closed keys and rows of fewer live
// keys than are wanted, against a repeated search, several choices in a row and replays between
// them; in hostile worlds the same words; behind softmax and selection, each choice masking the
// attention that makes the next one; the clocks of a choice at the sizes of DeiT.
#include "attention_job.hpp"
#include "connections_job.hpp"
#include "harness.hpp"
#include "trivit/blocks/tops.hpp"

using namespace trivit::blocks;
using connections_job::Job;
using connections_job::Mask;

namespace {

typedef std::vector<simulation::Timed<Report>> Reports;

Reports run(const Job& job, const harness::World& world, csim::Checker& checker) {
    harness::Run run(world);
    hls::stream<Command> commands("commands");
    hls::stream<LivePair> all("all");
    hls::stream<KeptWord> kept("kept");
    hls::stream<OpenKeys> open("open");
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(all, job.all);
    run.feed(kept, job.kept);
    const auto got = run.drain(open);
    const auto got_reports = run.drain(reports);
    trivit_connections(commands, all, kept, open, reports);
    run.finish();
    checker.holds(connections_job::same_keys(harness::words(*got), job), "open keys");
    checker.holds(harness::words(*got_reports) == job.reports, "reports");
    return *got_reports;
}

// Whether a job ends with candidates of another depth.
bool ends(const Job& job, int depth) {
    harness::World world = harness::steady();
    world.options.depth["candidates"] = depth;
    harness::Run run(world);
    hls::stream<Command> commands("commands");
    hls::stream<LivePair> all("all");
    hls::stream<KeptWord> kept("kept");
    hls::stream<OpenKeys> open("open");
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(all, job.all);
    run.feed(kept, job.kept);
    run.drain(open);
    run.drain(reports);
    trivit_connections(commands, all, kept, open, reports);
    return run.ends();
}

// Attentions of softmax, each but the first under the mask that the one before left.
struct Chain {
    attention_job::Job attention;
    Job connections;

    void add(csim::Random& random, uint32_t heads, uint32_t tokens, uint32_t keep_tokens,
             uint32_t keep, uint64_t cadence = 0) {
        const Mask mask = connections.mask;
        if (!mask.empty()) connections.replay(random, heads);
        attention.add(random, {heads, tokens, tokens}, keep_tokens, cadence, true,
                      mask.empty() ? nullptr : &mask);
        connections.choose(random, heads, tokens, attention.softmax.sums, attention.kept, keep);
    }
};

// Returns how many clocks before the last probability the last list was complete.
int64_t run(const Chain& chain, const harness::World& world, csim::Checker& checker) {
    harness::Run run(world);
    hls::stream<Command> softmax("softmax");
    hls::stream<TileRow> scores("scores");
    hls::stream<OpenKeys> open("open");
    hls::stream<WordPair> results("results");
    hls::stream<Word> cls("cls");
    hls::stream<LivePair> all("all");
    hls::stream<Report> softmax_reports("softmax_reports");
    hls::stream<Command> select("select");
    hls::stream<Word> lists("lists");
    hls::stream<KeptWord, kKeptDepth> kept("kept");
    hls::stream<Report> select_reports("select_reports");
    hls::stream<Command> connections("connections");
    hls::stream<Report> reports("reports");
    run.feed(softmax, chain.attention.softmax.commands);
    run.feed(scores, chain.attention.softmax.scores);
    run.feed(select, chain.attention.select);
    run.feed(connections, chain.connections.commands);
    const auto got = run.drain(results);
    const auto got_lists = run.drain(lists);
    run.drain(softmax_reports);
    run.drain(select_reports);
    const auto got_reports = run.drain(reports);
    trivit_softmax(softmax, scores, open, results, cls, all, softmax_reports);
    trivit_select(select, cls, lists, kept, select_reports);
    trivit_connections(connections, all, kept, open, reports);
    run.finish();
    checker.holds(harness::words(*got) == chain.attention.softmax.results, "probabilities");
    checker.holds(harness::words(*got_lists) == chain.attention.lists, "lists");
    checker.holds(harness::words(*got_reports) == chain.connections.reports, "reports");
    return int64_t(got->back().clock) - int64_t(got_lists->back().clock);
}

}  // namespace

int main() {
    csim::Checker checker("connections block");
    csim::Random random(18);
    for (int i = 0; i < 30; ++i) {
        Job job;
        for (int choices = int(random.between(0, 3)); choices > 0; --choices) {
            const uint32_t tokens =
                uint32_t(random.one_in(12) ? trivit::kMaxConnectionTokens
                                           : random.between(2, random.one_in(2) ? 70 : 20));
            const uint32_t kept =
                random.one_in(4) ? tokens - 1 : uint32_t(random.between(1, tokens - 1));
            const uint32_t keep = uint32_t(random.between(1, kept));
            job.measure(random, uint32_t(random.one_in(8) ? 16 : random.between(1, 3)), tokens,
                        kept, keep, 0);
            for (int replays = int(random.between(0, 2)); replays > 0; --replays)
                job.replay(random, uint32_t(random.between(1, 3)));
        }
        job.end();
        run(job, harness::plain(), checker);
        if (!harness::kSimulates) continue;
        const Reports in_order = run(job, harness::steady(), checker);
        const Reports in_another = run(job, harness::shuffled(uint64_t(i) + 1), checker);
        checker.holds(harness::same_clocks(in_order, in_another), "order changes no clock", i);
        run(job, i % 2 == 0 ? harness::doubled() : harness::hostile(uint64_t(i) + 1), checker);
    }

    // Softmax waits for connections, and connections for softmax: without a clock nothing moves.
    if (!harness::kSimulates) return checker.finish();
    for (int i = 0; i < 4; ++i) {
        Chain chain;
        uint32_t tokens = uint32_t(random.between(12, 45));
        while (tokens > 3) {
            const uint32_t kept = uint32_t(random.between(tokens / 2, tokens - 1));
            chain.add(random, uint32_t(random.between(1, 3)), tokens, kept,
                      uint32_t(random.between(1, kept / 2 + 1)));
            tokens = kept + 1;
        }
        chain.attention.end();
        chain.connections.end();
        run(chain, harness::steady(), checker);
        run(chain, harness::hostile(uint64_t(i) + 1), checker);
    }

    // The list does not wait for connections: who drops rows by it may begin before the attention
    // ends. Its place is that of the attention without them (bench_attention.cpp).
    Chain paced;
    paced.add(random, 3, 98, 68, 30, softmax_job::array_clocks(98));
    paced.attention.end();
    paced.connections.end();
    checker.holds(run(paced, harness::steady(), checker) > 400, "the list comes early");

    const uint32_t sizes[][2] = {{197, 139}, {139, 98}, {98, 69}};
    for (const auto& size : sizes) {
        Job job;
        const uint64_t cadence = softmax_job::array_clocks(size[0]);
        job.measure(random, 3, size[0], size[1] - 1, size[1] / 2, cadence);
        const uint64_t in = job.all.back().clock;
        job.replay(random, 1);
        job.end();
        const uint64_t clocks = run(job, harness::steady(), checker).front().clock - in;
        const uint64_t doubled = run(job, harness::doubled(), checker).front().clock - in;
        std::printf(
            "%u of %u tokens: connections known %llu clocks behind the last probability, "
            "%.1f a row; double depths %llu\n",
            size[1], size[0], static_cast<unsigned long long>(clocks),
            double(clocks) / double(size[1] - 1), static_cast<unsigned long long>(doubled));
        const uint64_t passes = (size[1] + 2) / 4 * 4 * 11 * ((size[0] + 15) / 16);
        checker.holds(clocks >= passes && clocks < passes + 240, "eleven passes, no pauses",
                      size[1]);
        if (size[1] == 69) checker.holds(ends(job, 2), "candidates may wait");
    }
    return checker.finish();
}
