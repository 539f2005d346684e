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
using update_layout::Place;
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
    std::vector<Word> words[4];
    std::vector<Word> gradients[4];
    std::vector<Word> results[4];
    std::vector<Report> reports;
    uint64_t momentum_saturated = 0;
    uint64_t weight_saturated = 0;

    // values: of the weights, then of the biases.
    void add(const Tensor& tensor, const Numbers& n,
             const std::vector<std::vector<direct::SgdElement>>& values) {
        const uint64_t tag = commands.size() + 3;
        commands.push_back(command(tensor, n, tag));
        direct::UpdateFigures figures[2];
        for (uint32_t port = 0; port < 4; ++port) {
            for (const std::vector<Place>& piece : pieces(tensor, port))
                add_piece(tensor, n, values, piece, port, figures);
        }
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

    void add_piece(const Tensor& tensor, const Numbers& n,
                   const std::vector<std::vector<direct::SgdElement>>& values,
                   const std::vector<Place>& piece, uint32_t port, direct::UpdateFigures* figures) {
        std::vector<Word> in[4], out[3];
        for (const Place& place : piece) {
            Word before[4] = {0, 0, 0, 0};
            Word after[3] = {0, 0, 0};
            for (uint32_t lane = 0; lane < 8; ++lane) {
                const uint32_t number = place.element + lane;
                const direct::SgdElement& e = values[place.bias ? 1 : 0][number];
                const direct::Noise noise = {n.stochastic, place.bias ? n.bias_key : n.key, number};
                const direct::SgdElement u = direct::update_sgd(
                    e, place.bias ? n.biases : n.weights, noise, figures[place.bias ? 1 : 0]);
                put(before[0], lane, e.high);
                put(before[1], lane, e.low);
                put(before[2], lane, e.momentum);
                put(before[3], lane, e.gradient);
                put(after[0], lane, u.high);
                put(after[1], lane, u.low);
                put(after[2], lane, u.momentum);
            }
            for (int plane = 0; plane < 4; ++plane)
                in[plane].push_back(before[plane]);
            for (int plane = 0; plane < 3; ++plane)
                out[plane].push_back(after[plane]);
        }
        for (int plane = 0; plane < 4; ++plane) {
            if (plane == 1 && !n.weights.masters) continue;
            std::vector<Word>& to = plane == 3 && tensor.fused ? gradients[port] : words[port];
            to.insert(to.end(), in[plane].begin(), in[plane].end());
            if (plane < 3)
                results[port].insert(results[port].end(), out[plane].begin(), out[plane].end());
        }
    }

    static void put(Word& word, uint32_t lane, int16_t value) {
        word.range(int(16 * lane + 15), int(16 * lane)) = uint16_t(value);
    }
};

}  // namespace update_job

#endif
