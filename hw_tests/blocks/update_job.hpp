// Commands for the block that updates parameters by SGD: what comes in, and what must come out.
#ifndef TRIVIT_BLOCKS_UPDATE_JOB_HPP
#define TRIVIT_BLOCKS_UPDATE_JOB_HPP

#include "../csim/direct_update.hpp"
#include "clocked/timed.hpp"
#include "expected_report.hpp"
#include "trivit/blocks/update.hpp"
#include "update_layout.hpp"

namespace update_job {

using namespace trivit::blocks;
using update_layout::Tensor;

struct Numbers {
    direct::SgdNumbers weights;
    direct::SgdNumbers biases;
    bool stochastic;
    uint32_t key;
    uint32_t bias_key;
};

struct Job {
    std::vector<Command> commands;
    update_layout::Planes planes;
    std::vector<Report> reports;
    uint64_t momentum_saturated = 0;
    uint64_t weight_saturated = 0;

    // values: of the weights, then of the biases.
    void add(const Tensor& tensor, const Numbers& n,
             const std::vector<std::vector<direct::SgdElement>>& values) {
        const uint64_t tag = commands.size() + 3;
        commands.push_back(command(tensor, n, tag));
        direct::UpdateFigures figures[2];
        planes.add(tensor, [&](bool bias, uint32_t number, std::vector<int16_t>& before,
                               std::vector<int16_t>& after) {
            const direct::SgdElement& e = values[bias ? 1 : 0][number];
            const direct::Noise noise = {n.stochastic, bias ? n.bias_key : n.key, number};
            const direct::SgdElement u =
                direct::update_sgd(e, bias ? n.biases : n.weights, noise, figures[bias ? 1 : 0]);
            before = {e.high, e.low, e.momentum, e.gradient};
            after = {u.high, u.low, u.momentum};
            if (n.weights.masters) return;
            before.erase(before.begin() + 1);
            after.erase(after.begin() + 1);
        });
        for (int which = 0; which < (tensor.matrix ? 2 : 1); ++which) {
            const direct::UpdateFigures& f = figures[which];
            momentum_saturated += f.momentum_saturated;
            weight_saturated += f.weight_saturated;
            reports.push_back(expected::report(tag, f.momentum_saturated, f.momentum_largest));
            reports.push_back(expected::report(tag, f.weight_saturated, f.weight_largest));
            reports.push_back(Report(tag << 52 | f.squares));
        }
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }

private:
    static Command command(const Tensor& tensor, const Numbers& n, uint64_t tag) {
        Command c = 0;
        TagField::put(c, tag);
        UnitField::put(c, kUnitUpdate);
        UpdateFields::Words::put(c, tensor.port_words());
        UpdateFields::Line::put(c, tensor.line());
        UpdateFields::DepthWords::put(c, tensor.depth_words);
        UpdateFields::Masters::put(c, n.weights.masters);
        UpdateFields::Stochastic::put(c, n.stochastic);
        UpdateFields::Momentum::put(c, n.weights.momentum);
        UpdateFields::Clip::put(c, n.weights.clip);
        UpdateFields::Rate::put(c, n.weights.rate);
        UpdateFields::Decay::put(c, n.weights.decay);
        UpdateFields::DecayShift::put(c, uint64_t(n.weights.decay_shift) & 127);
        UpdateFields::GradientShift::put(c, uint64_t(n.weights.gradient_shift) & 127);
        UpdateFields::RateShift::put(c, uint64_t(n.weights.rate_shift));
        UpdateFields::Key::put(c, n.key);
        UpdateFields::BiasGradientShift::put(c, uint64_t(n.biases.gradient_shift) & 127);
        UpdateFields::BiasRateShift::put(c, uint64_t(n.biases.rate_shift));
        UpdateFields::BiasKey::put(c, n.bias_key);
        UpdateFields::Groups::put(c, tensor.fused ? tensor.groups() : 0);
        return c;
    }
};

}  // namespace update_job

#endif
