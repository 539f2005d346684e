// Executes the ops of a training program one by one.
#ifndef TRIVIT_TRAINING_EXECUTE_HPP
#define TRIVIT_TRAINING_EXECUTE_HPP

#include "accumulate.hpp"
#include "adamw.hpp"
#include "attention.hpp"
#include "connections.hpp"
#include "normalise.hpp"
#include "operations.hpp"
#include "pointwise.hpp"
#include "product.hpp"
#include "rows.hpp"
#include "score_bias.hpp"
#include "softmax.hpp"
#include "update.hpp"

namespace trivit {
namespace training {

// False for an op that does not exist.
inline bool execute(int16_t* arena, const Descriptor& op, const Step& step, Scratch& scratch,
                    Figures* figures) {
    switch (Opcode(op.opcode)) {
        case Opcode::patchify:
            patchify(arena, op, figures);
            return true;
        case Opcode::product:
            product(arena, op, scratch, figures);
            return true;
        case Opcode::cls_row:
            cls_row(arena, op, figures);
            return true;
        case Opcode::normalise:
            normalise(arena, op, figures);
            return true;
        case Opcode::gelu:
            gelu_forward(arena, op, figures);
            return true;
        case Opcode::attention:
            attention(arena, op, scratch, figures);
            return true;
        case Opcode::select_tokens:
            select_tokens(arena, op, scratch, figures);
            return true;
        case Opcode::cls_moments:
            cls_moments(arena, op, figures);
            return true;
        case Opcode::gather:
            gather(arena, op, figures);
            return true;
        case Opcode::cross_entropy:
            cross_entropy(arena, op, scratch, figures);
            return true;
        case Opcode::column_sums:
            column_sums(arena, op, scratch, figures);
            return true;
        case Opcode::gelu_backward:
            gelu_backward(arena, op, figures);
            return true;
        case Opcode::normalise_backward:
            normalise_backward(arena, op, scratch, figures);
            return true;
        case Opcode::normalise_gamma:
            normalise_gamma(arena, op, scratch, figures);
            return true;
        case Opcode::attention_backward:
            attention_backward(arena, op, scratch, figures);
            return true;
        case Opcode::scatter:
            scatter(arena, op, figures);
            return true;
        case Opcode::add:
            add(arena, op, figures);
            return true;
        case Opcode::update_sgd:
            update_sgd(arena, op, step, figures);
            return true;
        case Opcode::update_adamw:
            update_adamw(arena, op, step, figures);
            return true;
        case Opcode::select_connections:
            select_connections(arena, op, scratch, figures);
            return true;
        case Opcode::score_bias:
            score_bias(arena, op, figures);
            return true;
        case Opcode::score_bias_backward:
            score_bias_backward(arena, op, scratch, figures);
            return true;
        case Opcode::accumulate:
            accumulate(arena, op);
            return true;
        case Opcode::release:
            release(arena, op, figures);
            return true;
    }
    return false;
}

}  // namespace training
}  // namespace trivit

#endif
