// The block that selects tokens: rows of [CLS] with many ties against a repeated search; in hostile
// worlds the same words; the clocks of a search at the sizes of DeiT.
#include "../csim/direct.hpp"
#include "expected_report.hpp"
#include "harness.hpp"
#include "trivit/blocks/tops.hpp"

using namespace trivit::blocks;

namespace {

typedef std::vector<simulation::Timed<Word>> Results;

struct Job {
    std::vector<Command> commands;
    std::vector<Word> cls;
    std::vector<Word> lists;
    std::vector<KeptWord> kept;
    std::vector<Report> reports;

    void add(csim::Random& random, uint32_t heads, uint32_t tokens, uint32_t keep) {
        const uint32_t tag = uint32_t(random.between(0, 2047));
        Command command = 0;
        TagField::put(command, tag);
        SelectFields::Heads::put(command, heads);
        SelectFields::Tokens::put(command, tokens);
        const bool send_kept = random.one_in(2);
        SelectFields::Keep::put(command, keep);
        SelectFields::SendKept::put(command, send_kept);
        commands.push_back(command);
        // Few distinct values make ties; all at the largest happens too.
        const int64_t kind = random.between(0, 3);
        const int64_t top = kind == 0 ? 0 : kind == 1 ? random.between(1, 3) : 32767;
        const bool largest = random.one_in(8);
        std::vector<int64_t> sums(tokens, 0);
        for (uint32_t head = 0; head < heads; ++head) {
            for (uint32_t first = 0; first < tokens; first += kLanes) {
                Word word = 0;
                for (uint32_t token = first; token < std::min(tokens, first + kLanes); ++token) {
                    const int64_t p = largest ? 32767 : random.between(0, top);
                    sums[token] += p;
                    const int lane = int(token - first);
                    word.range(16 * lane + 15, 16 * lane) = uint32_t(p);
                }
                cls.push_back(word);
            }
        }
        const csim::Row list = direct::select_tokens(sums, keep)[0];
        for (std::size_t first = 0; first < list.size(); first += kLanes) {
            Word word = 0;
            for (int lane = 0; lane < kLanes; ++lane)
                word.range(16 * lane + 15, 16 * lane) = list[first + std::size_t(lane)];
            lists.push_back(word);
        }
        for (uint32_t first = 0; send_kept && first < tokens; first += kLanes) {
            KeptWord bits = 0;
            for (uint32_t i = 0; i <= keep; ++i) {
                const uint32_t token = uint32_t(list[i]);
                if (token / kLanes == first / kLanes) bits[int(token % kLanes)] = 1;
            }
            kept.push_back(bits);
        }
        reports.push_back(expected::report(tag));
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }
};

Results run(const Job& job, const harness::World& world, csim::Checker& checker) {
    harness::Run run(world);
    hls::stream<Command> commands("commands");
    hls::stream<Word> cls("cls");
    hls::stream<Word> lists("lists");
    hls::stream<KeptWord> kept("kept");
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(cls, job.cls);
    const auto got = run.drain(lists);
    const auto got_kept = run.drain(kept);
    const auto got_reports = run.drain(reports);
    trivit_select(commands, cls, lists, kept, reports);
    run.finish();
    checker.holds(harness::words(*got) == job.lists, "lists");
    checker.holds(harness::words(*got_kept) == job.kept, "bits of the kept tokens");
    checker.holds(harness::words(*got_reports) == job.reports, "reports");
    return *got;
}

}  // namespace

int main() {
    csim::Checker checker("select block");
    csim::Random random(14);
    for (int i = 0; i < 60; ++i) {
        Job job;
        for (int commands = int(random.between(0, 4)); commands > 0; --commands) {
            const uint32_t tokens =
                uint32_t(random.between(2, random.one_in(6) ? trivit::kMaxTokens : 60));
            const uint32_t keep =
                random.one_in(4) ? tokens - 1 : uint32_t(random.between(1, tokens - 1));
            job.add(random, uint32_t(random.one_in(8) ? 16 : random.between(1, 6)), tokens, keep);
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
    if (!harness::kSimulates) return checker.finish();

    for (uint32_t tokens : {577u, 405u, 197u, 139u, 98u}) {
        Job job;
        job.add(random, 3, tokens, (tokens - 1) * 7 / 10);
        job.end();
        // Three heads of words come one a clock, from clock 1 on.
        const uint64_t in = 3 * ((tokens + 7) / 8);
        const uint64_t clocks = run(job, harness::steady(), checker).back().clock - in;
        const uint64_t doubled = run(job, harness::doubled(), checker).back().clock - in;
        std::printf(
            "%u tokens: list complete %llu clocks behind the last probability, double "
            "depths %llu\n",
            tokens, static_cast<unsigned long long>(clocks),
            static_cast<unsigned long long>(doubled));
        // The first pass is behind its last word then, and the search begins its first pause.
        const uint64_t passes = 10 * ((tokens + 7) / 8) + 10 * 8;
        checker.holds(clocks >= passes && clocks < passes + 40, "ten passes, ten pauses", tokens);
    }
    return checker.finish();
}
