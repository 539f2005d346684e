// Which row groups of which tensor are in the banks. Slot 0 is always complete.
#ifndef TRIVIT_ENGINE_SCOREBOARD_HPP
#define TRIVIT_ENGINE_SCOREBOARD_HPP

#include "types.hpp"

namespace trivit {
namespace blocks {

struct Scoreboard {
    Scoreboard() {
        for (int slot = 0; slot < kSlots; ++slot) {
#pragma HLS UNROLL
            groups[slot] = 0;
            writers[slot] = 0;
        }
    }

    bool has(const Slot& slot, const GroupCount& first, const GroupCount& group) const {
#pragma HLS INLINE
        return slot == 0 || groups[slot] > first + group;
    }

    void complete(const Slot& slot) {
#pragma HLS INLINE
        groups[slot] += 1;
    }

    void clear(const Slot& slot) {
#pragma HLS INLINE
        groups[slot] = 0;
    }

    // A product that writes the slot begins, or is finished. Nobody counts those of slot 0: a
    // product that empties no slot names slot 0 and must not wait.
    void begin_writer(const Slot& slot) {
#pragma HLS INLINE
        if (slot != 0) writers[slot] += 1;
    }
    void finish_writer(const Slot& slot) {
#pragma HLS INLINE
        if (slot != 0) writers[slot] -= 1;
    }
    bool written(const Slot& slot) const { return writers[slot] != 0; }

    GroupCount groups[kSlots];
    ap_uint<4> writers[kSlots];  // products that write it, begun and not finished
};

}  // namespace blocks
}  // namespace trivit

#endif
