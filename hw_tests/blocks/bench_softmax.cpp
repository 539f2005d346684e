// The softmax block: attentions of random sizes, masks and formats against the direct form; in
// hostile worlds the same words; the clocks of a row group at the sizes of DeiT.
#include "../csim/direct.hpp"
#include "harness.hpp"
#include "trivit/blocks/softmax.hpp"

using namespace trivit::blocks;

void trivit_softmax(hls::stream<Command>&, hls::stream<TileRow>&, hls::stream<OpenKeys>&,
                    hls::stream<WordPair>&, hls::stream<Word>&, hls::stream<Report>&);

namespace {

typedef std::vector<simulation::Timed<WordPair>> Results;

struct Sizes {
    uint32_t heads;
    uint32_t rows;
    uint32_t keys;
    uint32_t tiles() const { return (keys + kColumns - 1) / kColumns; }
    uint32_t words() const { return (keys + kLanes - 1) / kLanes; }
    uint32_t groups() const { return (rows + kRows - 1) / kRows; }
};

struct Job {
    std::vector<Command> commands;
    std::vector<simulation::Timed<TileRow>> scores;
    std::vector<OpenKeys> open;
    std::vector<WordPair> results;
    std::vector<Word> cls;
    std::vector<Report> reports;

    // Scores of a step come one a clock, a step every `cadence` clocks.
    void add(csim::Random& random, const Sizes& size, const direct::AttentionNumbers& n,
             int closing, bool send_cls, uint64_t cadence) {
        Command command = 0;
        const uint32_t tag = uint32_t(random.between(0, 32767));
        TagField::put(command, tag);
        SoftmaxFields::Heads::put(command, size.heads);
        SoftmaxFields::Rows::put(command, size.rows);
        SoftmaxFields::Keys::put(command, size.keys);
        SoftmaxFields::Masked::put(command, closing > 1);
        SoftmaxFields::SendCls::put(command, send_cls);
        SoftmaxFields::ExpMultiplier::put(command, n.exp_multiplier);
        SoftmaxFields::ExpShift::put(command, uint64_t(n.exp_shift));
        SoftmaxFields::ProbFrac::put(command, uint64_t(n.prob_frac));
        commands.push_back(command);
        uint64_t saturated = 0;
        uint64_t step = 0;
        for (uint32_t head = 0; head < size.heads; ++head) {
            for (uint32_t group = 0; group < size.groups(); ++group) {
                const uint32_t rows = std::min(uint32_t(kRows), size.rows - group * kRows);
                add_group(random, size, n, closing, rows, cadence * step++, saturated,
                          send_cls && group == 0);
            }
        }
        Report report = 0;
        report.range(31, 0) = uint32_t(saturated);
        report.range(46, 32) = tag;
        reports.push_back(report);
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }

private:
    void add_group(csim::Random& random, const Sizes& size, const direct::AttentionNumbers& n,
                   int closing, uint32_t rows, uint64_t clock, uint64_t& saturated, bool send_cls) {
        const int bits = int(random.between(3, 15));
        std::vector<csim::Row> s(rows, csim::Row(size.tiles() * kColumns));
        std::vector<std::vector<bool>> live(rows, std::vector<bool>(size.keys));
        std::vector<csim::Row> p;
        for (uint32_t r = 0; r < rows; ++r) {
            const bool none = closing > 1 && random.one_in(20);
            for (int16_t& x : s[r])
                x = random.value(bits);
            for (uint32_t j = 0; j < size.keys; ++j)
                live[r][j] = !none && (closing == 1 || !random.one_in(closing));
            const csim::Row real(s[r].begin(), s[r].begin() + size.keys);
            p.push_back(direct::softmax_row(real, live[r], n, saturated));
            p.back().resize(size.tiles() * kColumns, 0);
        }
        for (uint32_t tile = 0; tile < size.tiles(); ++tile) {
            for (uint32_t r = 0; r < rows; ++r) {
                TileRow row = 0;
                OpenKeys keys = 0;
                for (uint32_t c = 0; c < uint32_t(kColumns); ++c) {
                    const uint32_t key = tile * kColumns + c;
                    row.range(int(16 * c + 15), int(16 * c)) = s[r][key];
                    // Bits beyond the keys may be anything.
                    keys[int(c)] = key < size.keys ? bool(live[r][key]) : random.one_in(2);
                }
                scores.push_back({row, clock++});
                if (closing > 1) open.push_back(keys);
            }
            for (uint32_t pair = 0; pair < (rows + 1) / 2; ++pair) {
                for (uint32_t w = tile * 4; w < std::min(size.words(), tile * 4 + 4); ++w) {
                    WordPair result = 0;
                    for (uint32_t lane = 0; lane < 2 * uint32_t(kLanes); ++lane) {
                        const uint32_t r = 2 * pair + lane / kLanes;
                        const int16_t x = r < rows ? p[r][w * kLanes + lane % kLanes] : int16_t(0);
                        result.range(int(16 * lane + 15), int(16 * lane)) = x;
                    }
                    results.push_back(result);
                    if (send_cls && pair == 0) cls.push_back(Word(result.range(127, 0)));
                }
            }
        }
    }
};

Results run(const Job& job, const harness::World& world, csim::Checker& checker,
            std::size_t* most_powers = nullptr) {
    harness::Run run(world);
    hls::stream<Command> commands("commands");
    hls::stream<TileRow> scores("scores");
    hls::stream<OpenKeys> open("open");
    hls::stream<WordPair> results("results");
    hls::stream<Word> cls("cls");
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(scores, job.scores);
    run.feed(open, job.open);
    const auto got = run.drain(results);
    const auto got_cls = run.drain(cls);
    const auto got_reports = run.drain(reports);
    trivit_softmax(commands, scores, open, results, cls, reports);
    run.finish();
    checker.holds(harness::words(*got) == job.results, "probabilities");
    checker.holds(harness::words(*got_cls) == job.cls, "row of [CLS]");
    checker.holds(harness::words(*got_reports) == job.reports, "reports");
    if (most_powers) *most_powers = run.simulator().most("powers");
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
    hls::stream<Report> reports("reports");
    run.feed(commands, job.commands);
    run.feed(scores, job.scores);
    run.feed(open, job.open);
    run.drain(results);
    run.drain(cls);
    run.drain(reports);
    trivit_softmax(commands, scores, open, results, cls, reports);
    return run.ends();
}

direct::AttentionNumbers numbers(csim::Random& random) {
    direct::AttentionNumbers n = direct::AttentionNumbers();
    n.exp_multiplier = uint32_t(random.between(1 << 23, (1 << 24) - 1));
    n.exp_shift = int(random.one_in(5) ? random.between(0, 40) : random.between(6, 18));
    n.prob_frac = int(random.one_in(3) ? random.between(0, 15) : 15);
    return n;
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

uint64_t array_clocks(uint32_t tokens) {  // of a step with heads of 64
    return (tokens + 31) / 32 * 8 + 2 * ((tokens + 7) / 8);
}

}  // namespace

int main() {
    csim::Checker checker("softmax block");
    csim::Random random(12);
    for (int i = 0; i < 24; ++i) {
        Job job;
        for (int commands = int(random.between(0, 3)); commands > 0; --commands) {
            const uint32_t most = random.one_in(6) ? 208 : 45;
            const Sizes size = {uint32_t(random.between(1, 3)), uint32_t(random.between(1, 25)),
                                uint32_t(random.one_in(8) ? most : random.between(1, most))};
            job.add(random, size, numbers(random), int(random.between(1, 4)), random.one_in(2), 0);
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

    std::printf(
        "tokens: clocks a group alone | every so many: first, last probability, most powers\n");
    for (uint32_t tokens : {197u, 139u, 98u, 69u}) {
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
    longest.add(random, {2, 16, 208}, n, 1, false, 0);
    longest.end();
    const std::pair<const char*, int> least[] = {
        {"even_scores", 25}, {"odd_scores", 25}, {"powers", 98}};
    for (const auto& stream : least) {
        checker.holds(ends(longest, stream.first, stream.second), "deep enough", stream.second);
        checker.holds(!ends(longest, stream.first, stream.second - 1), "just", stream.second);
    }
    return checker.finish();
}
