// Index tensors, and the plan by which kept rows, or kept scores, move together.
#ifndef TRIVIT_COMPACTION_HPP
#define TRIVIT_COMPACTION_HPP

#include "activation_memory.hpp"

namespace trivit {

static_assert(kBanks == 8, "the kept rows of a group are the bits of a byte");

// For each group of eight sources: which of them are kept, and the new place of the first. Indices
// are ascending, so the others follow it.
struct CompactionPlan {
    uint8_t kept[kMaxGroups];
    uint16_t first[kMaxGroups];
};

// The indices themselves, where an op follows them.
struct RowNumbers {
    uint16_t row[kMaxTokens];

    void put(uint32_t place, uint32_t index) { row[place] = uint16_t(index); }
};

struct NoRowNumbers {
    void put(uint32_t, uint32_t) {}
};

// Read `count` indices, compare each with `bound` and with the one before it, and make the plan.
// The plan is of use only when all are accepted.
template <class Numbers>
Error read_indices(uint32_t address, uint32_t count, uint32_t bound,
                   const ActivationMemory& activation, CompactionPlan& plan, Numbers& numbers) {
    bool accepted = true;
    int32_t before = -1;
    for (int group = 0; group < kMaxGroups; ++group) {
        plan.kept[group] = 0;
    }
    for (uint32_t word = 0; word < ceil_div(count, kLanes); ++word) {
        const word_t indices = activation.bank[0][address + word];
        for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
            const uint32_t place = word * kLanes + lane;
            if (place >= count) continue;
            const int32_t index = indices.lane[lane];
            if (index <= before || uint32_t(index) >= bound) {
                accepted = false;
                continue;
            }
            const uint32_t group = uint32_t(index) / kBanks;
            if (plan.kept[group] == 0) plan.first[group] = uint16_t(place);
            plan.kept[group] = uint8_t(plan.kept[group] | 1u << index % kBanks);
            numbers.put(place, uint32_t(index));
            before = index;
        }
    }
    return accepted ? Error::ok : Error::index_range;
}

}  // namespace trivit

#endif
