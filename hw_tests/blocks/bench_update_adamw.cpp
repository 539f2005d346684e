// The block that updates parameters by AdamW: random tensors of every layout against the direct
// form; in hostile worlds the same words; the clocks of a word.
#include "harness.hpp"
#include "trivit/blocks/tops.hpp"
#include "update_adamw_job.hpp"

using namespace trivit::blocks;
using update_adamw_job::Job;
using update_adamw_job::Numbers;
using update_layout::Tensor;

namespace {

typedef std::vector<simulation::Timed<Word>> Results;

std::vector<Results> run(const Job& job, const harness::World& world, csim::Checker& checker) {
    harness::Run run(world);
    hls::stream<Command> commands("commands");
    hls::stream<Word> words0("words0"), words1("words1"), words2("words2"), words3("words3");
    hls::stream<Word> results0("results0"), results1("results1");
    hls::stream<Word> results2("results2"), results3("results3");
    hls::stream<Report> reports("reports");
    hls::stream<Word>* const words[4] = {&words0, &words1, &words2, &words3};
    hls::stream<Word>* const results[4] = {&results0, &results1, &results2, &results3};
    run.feed(commands, job.commands);
    std::vector<harness::Taken<Word>> taken;
    for (int port = 0; port < 4; ++port) {
        run.feed(*words[port], job.planes.words[port]);
        taken.push_back(run.drain(*results[port]));
    }
    const auto got_reports = run.drain(reports);
    trivit_update_adamw(commands, words0, words1, words2, words3, results0, results1, results2,
                        results3, reports);
    run.finish();
    std::vector<Results> got;
    for (int port = 0; port < 4; ++port) {
        checker.holds(harness::words(*taken[port]) == job.planes.results[port], "results", port);
        got.push_back(*taken[port]);
    }
    checker.holds(harness::words(*got_reports) == job.reports, "reports");
    return got;
}

// Shifts that leave something of an element, and now and then any.
void draw_shifts(csim::Random& random, direct::AdamwNumbers& n) {
    const bool any = random.one_in(4);
    n.mean_shift = int(any ? random.between(-24, 60) : random.between(-6, 8));
    n.square_shift = int(any ? random.between(-92, 92) : random.between(-6, 20));
    n.direction_shift = int(any ? random.between(-60, 90) : random.between(0, 24));
    n.rate_shift = int(any ? random.between(0, 127) : random.between(16, 36));
    n.floor = random.one_in(4) ? int64_t(random.between(1, int64_t(1) << 40))
                               : int64_t(random.between(1, 5));
}

Numbers random_numbers(csim::Random& random) {
    Numbers n;
    n.stochastic = !random.one_in(4);
    n.weights.masters = !random.one_in(3);
    n.weights.beta1 = uint32_t(random.between(0, 65535));
    n.weights.alpha2 = uint32_t(random.between(1, random.one_in(3) ? 1 << 23 : 1 << 16));
    n.weights.clip = random.one_in(4) ? 65536 : uint32_t(random.between(0, 65535));
    n.weights.rate = random.one_in(8) ? 0 : uint32_t(random.between(1 << 23, (1 << 24) - 1));
    n.weights.correction = uint32_t(random.between(1 << 15, (1 << 16) - 1));
    draw_shifts(random, n.weights);
    n.biases = n.weights;
    draw_shifts(random, n.biases);
    n.biases.decay = 0;
    n.biases.decay_shift = 12;
    n.weights.decay = random.one_in(2) ? 0 : uint32_t(random.between(1 << 15, (1 << 16) - 1));
    n.weights.decay_shift = int(random.between(n.weights.masters ? 12 : 0, 62));
    for (int which = 0; which < 2; ++which) {
        n.keys[which] = uint32_t(random.next());
        n.second_keys[which] = uint32_t(random.next());
    }
    return n;
}

std::vector<direct::AdamwElement> random_values(csim::Random& random, std::size_t count,
                                                bool masters) {
    std::vector<direct::AdamwElement> values(count);
    const int bits = int(random.between(1, 15));
    const int second_bits = int(random.between(0, 14));
    for (direct::AdamwElement& e : values) {
        e.high = std::max<int16_t>(random.value(bits), -32767);
        e.low = masters ? random.value(15) : int16_t(0);
        e.mean = random.value(bits);
        // 0 to 2^31 - 2^15 - 1.
        e.second_high = int16_t(random.between(0, int64_t(1) << second_bits));
        e.second_low = random.value(15);
        if (e.second_high == 0) e.second_low = int16_t(e.second_low & 32767);
        e.gradient = random.value(int(random.between(1, 15)));
    }
    return values;
}

void add_random(Job& job, csim::Random& random, const Tensor& tensor) {
    const Numbers n = random_numbers(random);
    job.add(tensor, n,
            {random_values(random, tensor.padded_rows() * tensor.width(), n.weights.masters),
             random_values(random, tensor.padded_rows(), n.weights.masters)});
}

Job random_job(csim::Random& random) {
    Job job;
    for (int commands = int(random.between(0, 4)); commands > 0; --commands) {
        Tensor tensor;
        tensor.matrix = !random.one_in(3);
        tensor.fused = tensor.matrix && random.one_in(2);
        tensor.rows = uint32_t(random.between(1, tensor.matrix ? 70 : 9));
        tensor.depth_words = uint32_t(random.between(1, 6));
        add_random(job, random, tensor);
    }
    job.end();
    return job;
}

}  // namespace

int main() {
    csim::Checker checker("update adamw block");
    csim::Random random(22);
    uint64_t means = 0;
    uint64_t weights = 0;
    uint64_t seconds = 0;
    for (int i = 0; i < 16; ++i) {
        const Job job = random_job(random);
        means += job.mean_saturated;
        weights += job.weight_saturated;
        seconds += job.second_saturated;
        run(job, harness::plain(), checker);
        if (harness::kSimulates) run(job, harness::hostile(uint64_t(i) + 1), checker);
    }
    checker.holds(means > 0 && weights > 0 && seconds > 0, "the tensors saturate");
    if (!harness::kSimulates) return checker.finish();

    // A word a clock comes and may go: eight clocks for eight elements, in every port.
    Job job;
    for (int command = 0; command < 2; ++command)
        add_random(job, random, {64, 8, true, false});
    job.end();
    const std::vector<Results> timed = run(job, harness::steady(), checker);
    const std::vector<Results> doubled = run(job, harness::doubled(), checker);
    const int64_t words = 2 * 2 * 65;
    const int64_t clocks = int64_t(timed[0].back().clock);
    const int64_t slower = int64_t(doubled[0].back().clock);
    std::printf(
        "update adamw: %lld words of a port in %lld clocks, double depths %lld; the first "
        "result behind %llu and %llu\n",
        static_cast<long long>(words), static_cast<long long>(clocks),
        static_cast<long long>(slower), static_cast<unsigned long long>(timed[0].front().clock - 1),
        static_cast<unsigned long long>(doubled[0].front().clock - 1));
    checker.holds(clocks < 8 * words + 350, "eight clocks a word");
    checker.holds(slower < 8 * words + 500, "with double depths too");
    checker.holds(harness::same_clocks(run(job, harness::shuffled(1), checker)[3], timed[3]),
                  "order changes no clock");
    return checker.finish();
}
