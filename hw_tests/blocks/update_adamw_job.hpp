// Commands for the block that updates parameters by AdamW: what comes in, and what must come out.
#ifndef TRIVIT_BLOCKS_UPDATE_ADAMW_JOB_HPP
#define TRIVIT_BLOCKS_UPDATE_ADAMW_JOB_HPP

#include "../csim/direct_adamw.hpp"
#include "clocked/timed.hpp"
#include "expected_report.hpp"
#include "trivit/blocks/update_adamw.hpp"
#include "update_layout.hpp"

namespace update_adamw_job {

using namespace trivit::blocks;
using update_layout::Tensor;

struct Numbers {
    direct::AdamwNumbers weights;
    direct::AdamwNumbers biases;
    bool stochastic;
    uint32_t keys[2];
    uint32_t second_keys[2];
};

struct Job {
    std::vector<Command> commands;
    update_layout::Planes planes;
    std::vector<Report> reports;
    uint64_t mean_saturated = 0;
    uint64_t weight_saturated = 0;
    uint64_t second_saturated = 0;

    // values: of the weights, then of the biases.
    void add(const Tensor& tensor, const Numbers& n,
             const std::vector<std::vector<direct::AdamwElement>>& values) {
        const uint64_t tag = commands.size() + 3;
        commands.push_back(constants(n));
        commands.push_back(command(tensor, n, tag));
        direct::AdamwFigures figures[2];
        planes.add(tensor, [&](bool bias, uint32_t number, std::vector<int16_t>& before,
                               std::vector<int16_t>& after) {
            const int which = bias ? 1 : 0;
            const direct::AdamwElement& e = values[which][number];
            const direct::AdamwElement u = direct::update_adamw(
                e, bias ? n.biases : n.weights, {n.stochastic, n.keys[which], number},
                {n.stochastic, n.second_keys[which], number}, figures[which]);
            before = {e.high, e.low, e.mean, e.second_high, e.second_low, e.gradient};
            after = {u.high, u.low, u.mean, u.second_high, u.second_low};
            if (n.weights.masters) return;
            before.erase(before.begin() + 1);
            after.erase(after.begin() + 1);
        });
        for (int which = 0; which < (tensor.matrix ? 2 : 1); ++which) {
            const direct::AdamwFigures& f = figures[which];
            const direct::UpdateFigures& u = f.update;
            mean_saturated += u.momentum_saturated;
            weight_saturated += u.weight_saturated;
            second_saturated += f.second_saturated;
            reports.push_back(expected::report(tag, u.momentum_saturated, u.momentum_largest));
            reports.push_back(expected::report(tag, u.weight_saturated, u.weight_largest));
            reports.push_back(expected::report(tag, f.second_saturated, f.second_largest));
            reports.push_back(Report(tag << 52 | u.squares));
        }
    }

    void end() {
        commands.push_back(Command(1));
        reports.push_back(end_report());
    }

private:
    static Command constants(const Numbers& n) {
        typedef AdamwConstantsFields F;
        Command c = 0;
        UnitField::put(c, kUnitAdamwConstants);
        F::Beta1::put(c, n.weights.beta1);
        F::Alpha2::put(c, n.weights.alpha2);
        F::Clip::put(c, n.weights.clip);
        F::Rate::put(c, n.weights.rate);
        F::Correction::put(c, n.weights.correction);
        F::BiasMeanShift::put(c, uint64_t(n.biases.mean_shift) & 127);
        F::BiasSquareShift::put(c, uint64_t(n.biases.square_shift) & 255);
        F::BiasDirectionShift::put(c, uint64_t(n.biases.direction_shift) & 255);
        F::BiasRateShift::put(c, uint64_t(n.biases.rate_shift));
        F::BiasKey::put(c, n.keys[1]);
        F::BiasSecondKey::put(c, n.second_keys[1]);
        F::BiasFloor::put(c, uint64_t(n.biases.floor));
        return c;
    }

    static Command command(const Tensor& tensor, const Numbers& n, uint64_t tag) {
        typedef UpdateAdamwFields F;
        Command c = 0;
        TagField::put(c, tag);
        UnitField::put(c, kUnitUpdateAdamw);
        F::Words::put(c, tensor.port_words());
        F::Line::put(c, tensor.line());
        F::DepthWords::put(c, tensor.depth_words);
        F::Groups::put(c, tensor.fused ? tensor.groups() : 0);
        F::Masters::put(c, n.weights.masters);
        F::Stochastic::put(c, n.stochastic);
        F::Decay::put(c, n.weights.decay);
        F::DecayShift::put(c, uint64_t(n.weights.decay_shift));
        F::MeanShift::put(c, uint64_t(n.weights.mean_shift) & 127);
        F::SquareShift::put(c, uint64_t(n.weights.square_shift) & 255);
        F::DirectionShift::put(c, uint64_t(n.weights.direction_shift) & 255);
        F::RateShift::put(c, uint64_t(n.weights.rate_shift));
        F::Key::put(c, n.keys[0]);
        F::SecondKey::put(c, n.second_keys[0]);
        F::Floor::put(c, uint64_t(n.weights.floor));
        return c;
    }
};

}  // namespace update_adamw_job

#endif
