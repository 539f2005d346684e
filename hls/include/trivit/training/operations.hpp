// Ops of training programs as the host encodes them (host/training/descriptors.py).
#ifndef TRIVIT_TRAINING_OPERATIONS_HPP
#define TRIVIT_TRAINING_OPERATIONS_HPP

#include <cstdint>

namespace trivit {
namespace training {

enum class Opcode : int64_t {
    patchify = 1,
    product = 2,
    cls_row = 3,
    normalise = 4,
    gelu = 5,
    attention = 6,
    select_tokens = 7,
    gather = 8,
    cross_entropy = 9,
    column_sums = 10,
    gelu_backward = 11,
    normalise_backward = 12,
    normalise_gamma = 13,
    attention_backward = 14,
    scatter = 15,
    add = 16,
    update_sgd = 17,
    update_adamw = 18,
    cls_moments = 19,
    accumulate = 20,
    release = 21,
    select_connections = 24,
    score_bias = 25,
    score_bias_backward = 26,
};

static const int kOperands = 6;
static const int kFields = 12;
static const int kWrites = 3;

// Rows of int16 elements in the arena.
struct Place {
    int64_t offset;
    int64_t rows;
    int64_t columns;
    int64_t stride;
};

struct Descriptor {
    int64_t opcode;
    int64_t flags;  // bit i: optional operand i is there; bit 8 + i: flag i
    Place operand[kOperands];
    int64_t field[kFields];
};

// What the host learns of a tensor that an op wrote.
struct Figures {
    int64_t saturated;
    int64_t largest;
    int64_t squares;
};

// What changes with every step.
struct Step {
    int64_t rate;
    int64_t rate_exponent;
    int64_t key;
    int64_t clip;
    int64_t bias;  // of AdamW: sqrt(1 - beta2^t)/(1 - beta1^t)
    int64_t bias_exponent;
    int64_t second;  // 1 - beta2^t
    int64_t second_exponent;
};

// A tensor in the arena.
struct Tensor {
    int16_t* data;
    int64_t rows;
    int64_t columns;
    int64_t stride;

    int16_t* row(int64_t r) const { return data + r * stride; }
};

inline Tensor tensor(int16_t* arena, const Place& place) {
    Tensor result;
    result.data = arena + place.offset;
    result.rows = place.rows;
    result.columns = place.columns;
    result.stride = place.stride;
    return result;
}

inline bool optional_operand(const Descriptor& op, int index) { return (op.flags >> index) & 1; }
inline bool flag(const Descriptor& op, int index) { return (op.flags >> (8 + index)) & 1; }

}  // namespace training
}  // namespace trivit

#endif
