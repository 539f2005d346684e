// Commands of the engine on their way to the array, the ring and the placer.
#ifndef TRIVIT_ENGINE_DISPATCH_HPP
#define TRIVIT_ENGINE_DISPATCH_HPP

#include "issue.hpp"
#include "placer.hpp"

namespace trivit {
namespace blocks {

struct Dispatch {
    Dispatch() : taken(0) {
        for (int slot = 0; slot < kSlots; ++slot) {
#pragma HLS UNROLL
            emptier[slot] = 0;
            emptied[slot] = false;
        }
    }

    bool has_room() const { return issue.has_room() && ring.has_room() && placer.has_room(); }

    void take(const Checked& checked) {
#pragma HLS INLINE
        typedef EngineFields F;
        const Command& c = checked.command;
        const bool place = F::Place::of(c) && checked.error == 0;
        const bool fills = F::Fill::of(c) != 0;
        if (checked.error == 0 && (place || fills)) {
            const Fill fill = {place && !fills,        place && fills && F::Transposed::of(c),
                               F::HasBias::of(c) != 0, checked.tiles,
                               F::DepthWords::of(c),   F::OutWords::of(c)};
            ring.push(fill);
        }
        if (place && !fills) {
            const Slot slot = F::SourceSlot::of(c);
            const Placement placement = {c, slot != 0 && emptied[slot], emptier[slot]};
            placer.push(placement);
        }
        if (place) return;
        issue.push(checked);
        for (int slot = 1; slot < kSlots; ++slot) {
#pragma HLS UNROLL
            if (checked.error == 0 && ((F::Claim::of(c) && F::TargetSlot::of(c) == slot) ||
                                       F::ClearSlot::of(c) == slot)) {
                emptied[slot] = true;
                emptier[slot] = taken;
            }
        }
        taken += 1;
    }

    void advance() {
#pragma HLS INLINE
        issue.advance();
        placer.advance();
        ring.advance();
        // Whoever has begun is not waited for, however far its number lies back.
        for (int slot = 1; slot < kSlots; ++slot) {
#pragma HLS UNROLL
            if (ProductDistance(ProductNumber(issue.begun - emptier[slot])) > 0)
                emptied[slot] = false;
        }
    }

    bool idle() const { return issue.idle() && placer.idle() && ring.idle(); }

    Scoreboard scoreboard;
    Ring ring;
    Placer placer;
    Issue issue;
    ProductNumber taken;            // products
    ProductNumber emptier[kSlots];  // the last product that empties the slot
    bool emptied[kSlots];           // and has not begun
};

}  // namespace blocks
}  // namespace trivit

#endif
