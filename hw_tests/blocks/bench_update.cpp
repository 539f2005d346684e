// The block that updates parameters by SGD: random tensors of every layout against the direct form;
// in hostile worlds the same words; the clocks of a word.
#include "harness.hpp"
#include "trivit/blocks/tops.hpp"
#include "update_job.hpp"

using namespace trivit::blocks;
using update_job::Job;
using update_job::Numbers;
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
    trivit_update(commands, words0, words1, words2, words3, results0, results1, results2, results3,
                  reports);
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
direct::SgdNumbers random_numbers(csim::Random& random, bool masters) {
    direct::SgdNumbers n;
    n.masters = masters;
    n.momentum = random.one_in(8) ? 0 : uint32_t(random.between(1, 65535));
    n.clip = random.one_in(4) ? 65536 : uint32_t(random.between(0, 65535));
    n.rate = random.one_in(8) ? 0 : uint32_t(random.between(1 << 23, (1 << 24) - 1));
    n.decay = random.one_in(2) ? 0 : uint32_t(random.between(1 << 15, (1 << 16) - 1));
    const bool any = random.one_in(4);
    n.decay_shift = int(any ? random.between(-8, 62) : random.between(8, 40));
    n.gradient_shift = int(any ? random.between(-24, 60) : random.between(-8, 12));
    n.rate_shift = int(any ? random.between(0, 127) : random.between(8, 40));
    return n;
}

std::vector<direct::SgdElement> random_values(csim::Random& random, std::size_t count,
                                              bool masters) {
    std::vector<direct::SgdElement> values(count);
    const int bits = int(random.between(1, 15));
    for (direct::SgdElement& e : values) {
        e.high = std::max<int16_t>(random.value(bits), -32767);
        e.low = masters ? random.value(15) : int16_t(0);
        e.momentum = random.value(bits);
        e.gradient = random.value(int(random.between(1, 15)));
    }
    return values;
}

void add_random(Job& job, csim::Random& random, const Tensor& tensor) {
    Numbers n;
    const bool masters = random.one_in(2);
    n.weights = random_numbers(random, masters);
    n.biases = random_numbers(random, masters);
    n.biases.momentum = n.weights.momentum;
    n.biases.clip = n.weights.clip;
    n.biases.rate = n.weights.rate;
    n.biases.decay = 0;
    n.stochastic = !random.one_in(4);
    n.key = uint32_t(random.next());
    n.bias_key = uint32_t(random.next());
    job.add(tensor, n,
            {random_values(random, tensor.padded_rows() * tensor.width(), masters),
             random_values(random, tensor.padded_rows(), masters)});
}

Job random_job(csim::Random& random) {
    Job job;
    for (int commands = int(random.between(0, 4)); commands > 0; --commands) {
        Tensor tensor;
        tensor.matrix = !random.one_in(3);
        tensor.fused = tensor.matrix && random.one_in(2);
        tensor.rows = uint32_t(random.between(1, tensor.matrix ? 80 : 9));
        tensor.depth_words = uint32_t(random.between(1, 9));
        add_random(job, random, tensor);
    }
    job.end();
    return job;
}

}  // namespace

int main() {
    csim::Checker checker("update block");
    csim::Random random(20);
    uint64_t momenta = 0;
    uint64_t weights = 0;
    for (int i = 0; i < 24; ++i) {
        const Job job = random_job(random);
        momenta += job.momentum_saturated;
        weights += job.weight_saturated;
        run(job, harness::plain(), checker);
        if (!harness::kSimulates) continue;
        for (uint64_t seed = 1; seed <= 2; ++seed)
            run(job, harness::hostile(seed + uint64_t(i) * 2), checker);
    }
    checker.holds(momenta > 0 && weights > 0, "the tensors saturate");
    if (!harness::kSimulates) return checker.finish();

    // A word a clock comes and may go: four clocks for eight elements, in every port.
    for (const bool fused : {false, true}) {
        Job job;
        for (int command = 0; command < 2; ++command)
            add_random(job, random, {96, 12, true, fused});
        job.end();
        const std::vector<Results> timed = run(job, harness::steady(), checker);
        const std::vector<Results> doubled = run(job, harness::doubled(), checker);
        const int64_t words = 2 * 3 * 97;
        const int64_t clocks = int64_t(timed[0].back().clock);
        const int64_t slower = int64_t(doubled[0].back().clock);
        std::printf(
            "update: %lld words of a port%s in %lld clocks, double depths %lld; the first "
            "result behind %llu and %llu\n",
            static_cast<long long>(words), fused ? ", fused," : "", static_cast<long long>(clocks),
            static_cast<long long>(slower),
            static_cast<unsigned long long>(timed[0].front().clock - 1),
            static_cast<unsigned long long>(doubled[0].front().clock - 1));
        checker.holds(clocks < 4 * words + 250, "four clocks a word");
        checker.holds(slower < 4 * words + 400, "with double depths too");
        for (uint64_t seed = 1; seed <= 2; ++seed)
            checker.holds(
                harness::same_clocks(run(job, harness::shuffled(seed), checker)[3], timed[3]),
                "order changes no clock", int64_t(seed));
    }
    return checker.finish();
}
