// Keys and values from the banks to the ring, a block of 8 x 8 an iteration. Straight, stored rows
// are outputs; transposed, they are depth.
#ifndef TRIVIT_ENGINE_PLACER_HPP
#define TRIVIT_ENGINE_PLACER_HPP

#include "ring.hpp"
#include "scoreboard.hpp"

namespace trivit {
namespace blocks {

static const int kPlacements = 16;  // that wait

struct Placement {
    Command command;
    bool behind;  // it waits for product `writer`, which empties its slot
    ProductNumber writer;
};

struct Placer {
    typedef EngineFields F;

    Placer() : active(false), first(0), waiting(0) {}

    bool has_room() const { return waiting < kPlacements; }

    void push(const Placement& placement) {
#pragma HLS INLINE
        queue.write(int(ap_uint<4>(first + waiting)), placement);
        waiting += 1;
    }

    void advance() {
#pragma HLS INLINE
        if (active || waiting == 0) return;
        now = queue.read(int(first));
        first += 1;
        waiting -= 1;
        start = row = F::Source::of(now.command);
        tile = 0;
        depth = 0;
        port = 0;
        active = true;
    }

    // A block comes now: the ring waits for it and its rows are there. `begun` products have begun.
    bool wants(const Ring& ring, const Scoreboard& scoreboard, const ProductNumber& begun) const {
#pragma HLS INLINE
        const Command& c = now.command;
        const bool emptied = !now.behind || ProductDistance(ProductNumber(begun - now.writer)) > 0;
        const GroupCount group = F::Transposed::of(c) ? GroupCount(depth) : GroupCount(output());
        return active && ring.wants_block() && emptied &&
               (!exists() || scoreboard.has(F::SourceSlot::of(c), F::SourceFirst::of(c), group));
    }

    // Whether it lies in the banks; otherwise it is zero.
    bool exists() const { return output() < F::OutWords::of(now.command); }

    ap_uint<WordCount::width + 1> output() const { return tile + port; }

    BankAddress address() const {
#pragma HLS INLINE
        const Command& c = now.command;
        if (F::Transposed::of(c)) return BankAddress(row + output());
        return BankAddress(row + port * F::SourceStride::of(c) + depth);
    }

    // Makes what goes to the ring of what was read; returns the port that it belongs to.
    ap_uint<2> place(const Word (&data)[kRows], Word (&block)[kLanes]) {
#pragma HLS INLINE
        const Command& c = now.command;
        const bool transposed = F::Transposed::of(c) != 0;
        const bool last_depth = depth + 1 == F::DepthWords::of(c);
        const bool last_stored = transposed ? last_depth : output() + 1 == F::OutWords::of(c);
        for (int o = 0; o < kLanes; ++o) {
#pragma HLS UNROLL
            for (int f = 0; f < kLanes; ++f) {
#pragma HLS UNROLL
                const int stored = transposed ? f : o;
                const bool there = exists() && (!last_stored || stored < F::LastRows::of(c));
                const ap_int<16> value = transposed ? lane16(data[f], o) : lane16(data[o], f);
                block[o].range(16 * f + 15, 16 * f) = there ? value : ap_int<16>(0);
            }
        }
        const ap_uint<2> here = port;
        const bool last_port = port == kParamPorts - 1;
        port = last_port ? ap_uint<2>(0) : ap_uint<2>(port + 1);
        if (!last_port) return here;
        depth = last_depth ? WordCount(0) : WordCount(depth + 1);
        if (transposed) row = last_depth ? start : BankAddress(row + F::SourceStride::of(c));
        if (!last_depth) return here;
        if (!transposed) row += kParamPorts * F::SourceStride::of(c);
        tile += kWordsPerTile;
        active = tile < F::OutWords::of(c);
        return here;
    }

    bool idle() const { return !active && waiting == 0; }

    Memory<Placement, kPlacements, 1> queue;
    Placement now;
    bool active;
    ap_uint<4> first;
    ap_uint<5> waiting;
    BankAddress start, row;
    ap_uint<WordCount::width + 1> tile;  // in words of outputs
    WordCount depth;
    ap_uint<2> port;
};

}  // namespace blocks
}  // namespace trivit

#endif
