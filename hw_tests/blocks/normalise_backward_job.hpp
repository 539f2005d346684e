// Rows for the gradients of layer normalisation: what comes in, and what must come out.
#ifndef TRIVIT_BLOCKS_NORMALISE_BACKWARD_JOB_HPP
#define TRIVIT_BLOCKS_NORMALISE_BACKWARD_JOB_HPP

#include "../csim/direct_backward.hpp"
#include "normalise_job.hpp"
#include "trivit/blocks/normalise_backward.hpp"

namespace normalise_backward_job {

using namespace trivit::blocks;
using normalise_job::word_of;

struct Job {
    std::vector<Command> commands;
    std::vector<Vectors> vectors;
    std::vector<WordPair> rows;
    std::vector<WordPair> results;
    std::vector<Report> reports;

    void add(csim::Random& random, uint32_t count, uint32_t words, bool adds) {
        const uint32_t width = words * kLanes;
        direct::NormaliseBackwardNumbers n = direct::NormaliseBackwardNumbers();
        n.forward.inv_width = uint32_t((0x100000000ull + width / 2) / width);
        n.forward.sqrt_width = uint32_t(std::llround(std::sqrt(double(width)) * 65536));
        n.forward.epsilon =
            uint64_t(1e-6 * width * std::ldexp(1.0, int(2 * (random.between(0, 24) + 8))));
        n.shift = int(random.one_in(4) ? random.between(0, 63) : random.between(0, 20));
        n.addend_shift = int(random.one_in(4) ? random.between(-40, 30) : random.between(0, 10));
        n.gamma_shift = int(random.one_in(4) ? random.between(0, 63) : random.between(12, 22));
        const uint32_t normalised = random.one_in(3) ? uint32_t(random.between(1, count)) : count;
        const uint32_t tag = uint32_t(random.between(0, 2047));
        Command command = 0;
        TagField::put(command, tag);
        NormaliseBackwardFields::Rows::put(command, count);
        NormaliseBackwardFields::Normalised::put(command, normalised);
        NormaliseBackwardFields::Words::put(command, words);
        NormaliseBackwardFields::InvWidth::put(command, n.forward.inv_width);
        NormaliseBackwardFields::SqrtWidth::put(command, n.forward.sqrt_width);
        NormaliseBackwardFields::Epsilon::put(command, n.forward.epsilon);
        NormaliseBackwardFields::Shift::put(command, uint64_t(n.shift));
        NormaliseBackwardFields::Addend::put(command, adds);
        NormaliseBackwardFields::AddendShift::put(command, uint64_t(n.addend_shift) & 127);
        NormaliseBackwardFields::GammaShift::put(command, uint64_t(n.gamma_shift));
        commands.push_back(command);

        const csim::Row gamma = random.tensor(1, words, 15)[0];
        for (uint32_t w = 0; w < words; ++w) {
            Vectors both = ~Vectors(0);  // nothing here reads beta
            both.range(127, 0) = word_of(gamma, w);
            vectors.push_back(both);
        }
        csim::Tensor dy = random.tensor(count, words, int(random.between(1, 15)));
        const csim::Tensor addend = random.tensor(count, words, int(random.between(1, 15)));
        csim::Tensor x;
        csim::Tensor dx;
        uint64_t saturated = 0;
        int largest = 0;
        for (uint32_t r = 0; r < count; ++r) {
            x.push_back(normalise_job::random_row(random, words));
            dx.push_back(direct::normalise_backward_row(
                dy[r], x[r], gamma, n, adds ? &addend[r] : nullptr, r < normalised, saturated));
            for (int16_t value : dx[r])
                largest = expected::larger(largest, value);
        }
        for (uint32_t group = 0; group < count; group += kRows) {
            for (uint32_t w = 0; w < words; ++w) {
                for (uint32_t r = group; r < std::min(count, group + kRows); r += 2) {
                    rows.push_back(pair_of(dy, r, w, ~Word(0)));
                    rows.push_back(pair_of(x, r, w, ~Word(0)));
                    if (adds) rows.push_back(pair_of(addend, r, w, ~Word(0)));
                    results.push_back(pair_of(dx, r, w, Word(0)));
                }
            }
        }
        reports.push_back(expected::report(tag, saturated, largest));

        dy.resize(normalised);
        saturated = 0;
        largest = 0;
        const csim::Tensor last = {direct::normalise_gamma(dy, x, n, width, saturated)};
        for (uint32_t w = 0; w < words; ++w)
            results.push_back(pair_of(last, 0, w, Word(0)));
        for (int16_t value : last[0])
            largest = expected::larger(largest, value);
        reports.push_back(expected::report(tag, saturated, largest));
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }

private:
    // `beyond`: what stands for a row that does not exist.
    static WordPair pair_of(const csim::Tensor& rows, uint32_t row, uint32_t word,
                            const Word& beyond) {
        WordPair pair = 0;
        pair.range(127, 0) = word_of(rows[row], word);
        pair.range(255, 128) = row + 1 < rows.size() ? word_of(rows[row + 1], word) : beyond;
        return pair;
    }
};

}  // namespace normalise_backward_job

#endif
