// Softmax and selection together, scores as the array of DeiT's heads paces them: the same integers
// in every world, softmax never in the array's way, and the list of tokens ready before the
// attention ends.
#include "attention_job.hpp"
#include "harness.hpp"
#include "trivit/blocks/tops.hpp"

using namespace trivit::blocks;
using attention_job::Job;
using softmax_job::array_clocks;
using softmax_job::Sizes;

namespace {

struct Ends {
    uint64_t probabilities;
    uint64_t list;
};

Ends run(const Job& attention, const harness::World& world, csim::Checker& checker) {
    harness::Run run(world);
    hls::stream<Command> commands("commands");
    hls::stream<TileRow> scores("scores");
    hls::stream<OpenKeys> open("open");
    hls::stream<WordPair> results("results");
    hls::stream<Word> cls("cls");
    hls::stream<LivePair> all("all");
    hls::stream<Report> reports("reports");
    hls::stream<Command> select_commands("select_commands");
    hls::stream<Word> lists("lists");
    hls::stream<KeptWord> kept("kept");
    hls::stream<Report> select_reports("select_reports");
    run.feed(commands, attention.softmax.commands);
    run.feed(scores, attention.softmax.scores);
    run.feed(open, attention.softmax.open);
    run.feed(select_commands, attention.select);
    const auto got = run.drain(results);
    const auto got_lists = run.drain(lists);
    run.drain(reports);
    const auto got_reports = run.drain(select_reports);
    trivit_softmax(commands, scores, open, results, cls, all, reports);
    trivit_select(select_commands, cls, lists, kept, select_reports);
    run.finish();
    checker.holds(harness::words(*got) == attention.softmax.results, "probabilities");
    checker.holds(harness::words(*got_lists) == attention.lists, "lists");
    checker.holds(harness::words(*got_reports) == attention.select_reports, "reports");
    return {got->back().clock, got_lists->back().clock};
}

}  // namespace

int main() {
    csim::Checker checker("attention");
    csim::Random random(15);
    for (int i = 0; i < 4; ++i) {
        Job attention;
        for (int commands = 0; commands < 2; ++commands) {
            const uint32_t tokens = uint32_t(random.between(2, 45));
            attention.add(random, {uint32_t(random.between(1, 3)), tokens, tokens},
                          uint32_t(random.between(1, tokens - 1)), 0);
        }
        attention.end();
        run(attention, harness::plain(), checker);
        if (!harness::kSimulates) continue;
        run(attention, harness::hostile(uint64_t(i) + 1), checker);
    }
    if (!harness::kSimulates) return checker.finish();

    for (uint32_t tokens : {577u, 405u, 197u, 139u, 98u}) {
        const Sizes size = {3, tokens, tokens};
        const uint64_t cadence = array_clocks(tokens);
        const uint64_t begins = cadence * (size.heads * size.groups() - 1);  // the last row group
        Job attention;
        attention.add(random, size, (tokens * 7 + 9) / 10 - 1, cadence);
        attention.end();
        const Ends ends = run(attention, harness::steady(), checker);
        const Ends late = run(attention, harness::doubled(), checker);
        std::printf(
            "%u tokens: last probability %llu clocks behind the last group's first score, "
            "list %llu clocks before it; doubled %llu, %llu\n",
            tokens, static_cast<unsigned long long>(ends.probabilities - begins),
            static_cast<unsigned long long>(ends.probabilities - ends.list),
            static_cast<unsigned long long>(late.probabilities - begins),
            static_cast<unsigned long long>(late.probabilities - late.list));
        checker.holds(ends.list < begins && late.list < begins, "selection hides", tokens);
        checker.holds(ends.probabilities < begins + 4 * cadence, "softmax keeps pace", tokens);
    }
    return checker.finish();
}
