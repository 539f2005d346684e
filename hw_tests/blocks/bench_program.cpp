// The sequencer in front of the five others: several programs one after the other. Each block
// computes its part, answers the end of each program behind all else, and is there for the next.
#include "attention_job.hpp"
#include "connections_job.hpp"
#include "gelu_job.hpp"
#include "harness.hpp"
#include "normalise_job.hpp"
#include "trivit/blocks/tops.hpp"

using namespace trivit::blocks;

namespace {

struct Programs {
    gelu_job::Job gelu;
    attention_job::Job attention;
    normalise_job::Job normalise;
    connections_job::Job connections;
    std::vector<JobWord> jobs;
    std::vector<Command> descriptors;
    std::size_t others = 0;  // commands for units that are not here

    void add(csim::Random& random, int commands) {
        jobs.push_back(0);
        for (int i = 0; i < commands; ++i)
            add_command(random);
        gelu.end();
        attention.end();
        normalise.end();
        connections.end();
        connections.mask.clear();
        send(kUnitSequencer, Command(1));
    }

    void end() {
        JobWord job = 0;
        JobFields::End::put(job, 1);
        jobs.push_back(job);
    }

private:
    void add_command(csim::Random& random) {
        const int64_t kind = random.between(0, 4);
        if (kind == 0) {
            std::vector<int16_t> values(std::size_t(random.between(1, 9)) * kColumns);
            for (int16_t& x : values)
                x = random.value(13);
            gelu.add(values, int(random.between(0, 15)), int(random.between(0, 24)));
            send(kUnitGelu, gelu.commands.back());
        } else if (kind == 1) {
            const uint32_t rows = uint32_t(random.between(1, 20));
            softmax_job::Sizes size = {uint32_t(random.between(1, 2)), rows,
                                       uint32_t(random.between(1, 40))};
            attention.softmax.add(random, size, softmax_job::numbers(random),
                                  int(random.between(1, 3)), false, 0);
            send(kUnitSoftmax, attention.softmax.commands.back());
        } else if (kind == 2) {
            const uint32_t heads = uint32_t(random.between(1, 2));
            const uint32_t tokens = uint32_t(random.between(2, 40));
            const bool connect = random.one_in(2);
            attention.add(random, {heads, tokens, tokens}, uint32_t(random.between(1, tokens - 1)),
                          0, connect);
            send(kUnitSoftmax, attention.softmax.commands.back());
            send(kUnitSelect, attention.select.back());
            if (!connect) return;
            connections.choose(random, heads, tokens, attention.softmax.sums, attention.kept,
                               uint32_t(random.between(1, tokens / 2)));
            send(kUnitConnections, connections.commands.back());
            if (random.one_in(2)) return;
            connections.replay(random, heads);
            send(kUnitConnections, connections.commands.back());
        } else if (kind == 3) {
            normalise.add(random, uint32_t(random.between(1, 20)), uint32_t(random.between(1, 8)));
            send(kUnitNormalise, normalise.commands.back());
        } else {
            send(random.one_in(2) ? kUnitEngine : kUnitLoad, Command(0));
            ++others;
        }
    }

    void send(Unit unit, Command command) {
        UnitField::put(command, unit);
        descriptors.push_back(command);
    }
};

// Called again when it returns, as ap_ctrl_none does: by the simulator, or here for each program.
template <class Top, class... Streams>
void call(const harness::World& world, std::size_t programs, Top top, Streams&... streams) {
    for (std::size_t i = 0; i < (world.clocked ? 1 : programs); ++i)
        top(streams...);
}

void run(const Programs& programs, harness::World world, csim::Checker& checker) {
    world.options.restart = true;
    harness::Run run(world);
    hls::stream<JobWord> jobs("jobs");
    hls::stream<Command> descriptors("descriptors");
    run.feed(jobs, programs.jobs);
    run.feed(descriptors, programs.descriptors);
    std::deque<hls::stream<Command>> u;
    for (int unit = 0; unit < kUnits; ++unit)
        u.emplace_back(("commands" + std::to_string(unit)).c_str());
    std::deque<hls::stream<Move>> m(12);
    hls::stream<ap_uint<24>> program_end("program_end");

    hls::stream<TileRow> gelu_rows("gelu_rows");
    hls::stream<TileRow> gelu_results("gelu_results");
    hls::stream<TileRow> scores("scores");
    hls::stream<OpenKeys> open("open");
    hls::stream<WordPair> probabilities("probabilities");
    hls::stream<Word> cls("cls");
    hls::stream<LivePair> all("all");
    hls::stream<Word> lists("lists");
    hls::stream<KeptWord> kept("kept");
    hls::stream<OpenKeys> later("later");
    hls::stream<WordPair> norm_rows("norm_rows");
    hls::stream<Vectors> vectors("vectors");
    hls::stream<WordPair> norm_results("norm_results");
    hls::stream<Report> gelu_reports("gelu_reports");
    hls::stream<Report> softmax_reports("softmax_reports");
    hls::stream<Report> norm_reports("norm_reports");
    hls::stream<Report> select_reports("select_reports");
    hls::stream<Report> connections_reports("connections_reports");
    run.feed(gelu_rows, programs.gelu.rows);
    run.feed(scores, programs.attention.softmax.scores);
    run.feed(open, programs.attention.softmax.open);
    run.feed(norm_rows, programs.normalise.rows);
    run.feed(vectors, programs.normalise.vectors);

    const std::size_t count = programs.jobs.size() - 1;
    trivit_sequencer(jobs, descriptors, u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10],
                     u[11], u[15], u[16], m[0], m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8],
                     m[9], m[10], m[11], program_end);
    call(world, count, trivit_gelu, u[kUnitGelu], gelu_rows, gelu_results, gelu_reports);
    call(world, count, trivit_softmax, u[kUnitSoftmax], scores, open, probabilities, cls, all,
         softmax_reports);
    call(world, count, trivit_normalise, u[kUnitNormalise], norm_rows, vectors, norm_results,
         norm_reports);
    call(world, count, trivit_select, u[kUnitSelect], cls, lists, kept, select_reports);
    call(world, count, trivit_connections, u[kUnitConnections], all, kept, later,
         connections_reports);

    const auto got_gelu = run.drain(gelu_results);
    const auto got_probabilities = run.drain(probabilities);
    const auto got_lists = run.drain(lists);
    const auto got_norm = run.drain(norm_results);
    const auto got_gelu_reports = run.drain(gelu_reports);
    const auto got_softmax_reports = run.drain(softmax_reports);
    const auto got_norm_reports = run.drain(norm_reports);
    const auto got_select_reports = run.drain(select_reports);
    const auto got_later = run.drain(later);
    const auto got_connections_reports = run.drain(connections_reports);
    const auto got_ends = run.drain(program_end);
    std::size_t others = 0;
    std::vector<harness::Taken<Command>> elsewhere;
    for (int unit : {1, 6, 7, 8, 9, 10, 11, 16})
        elsewhere.push_back(run.drain(u[std::size_t(unit)]));
    run.finish();

    checker.holds(harness::words(*got_gelu) == programs.gelu.results, "gelu");
    checker.holds(harness::words(*got_probabilities) == programs.attention.softmax.results,
                  "probabilities");
    checker.holds(harness::words(*got_lists) == programs.attention.lists, "lists");
    checker.holds(harness::words(*got_norm) == programs.normalise.results, "normalised rows");
    checker.holds(harness::words(*got_gelu_reports) == programs.gelu.reports, "gelu's reports");
    checker.holds(harness::words(*got_softmax_reports) == programs.attention.softmax.reports,
                  "softmax's reports");
    checker.holds(harness::words(*got_norm_reports) == programs.normalise.reports,
                  "normalise's reports");
    checker.holds(harness::words(*got_select_reports) == programs.attention.select_reports,
                  "select's reports");
    checker.holds(connections_job::same_keys(harness::words(*got_later), programs.connections),
                  "open keys");
    checker.holds(harness::words(*got_connections_reports) == programs.connections.reports,
                  "connections' reports");
    checker.equal(int64_t(got_ends->size()), int64_t(count), "program ends");
    for (const auto& each : elsewhere)
        others += each->size();
    // Six of those units answer ends.
    checker.equal(int64_t(others), int64_t(programs.others + 6 * count), "commands of others");
}

}  // namespace

int main() {
    csim::Checker checker("program");
    csim::Random random(17);
    for (int i = 0; i < 4; ++i) {
        Programs programs;
        for (int count = int(random.between(1, 3)); count > 0; --count)
            programs.add(random, int(random.between(0, 12)));
        programs.end();
        run(programs, harness::plain(), checker);
        if (!harness::kSimulates) continue;
        run(programs, harness::steady(), checker);
        run(programs, harness::doubled(), checker);
        for (uint64_t seed = 1; seed <= 2; ++seed)
            run(programs, harness::hostile(seed + uint64_t(i) * 2), checker);
    }
    return checker.finish();
}
