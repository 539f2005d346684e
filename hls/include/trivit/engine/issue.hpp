// Walks through the products, a depth word an iteration, in one of two loop orders. It alone
// decides when the array works; what a row group needs behind the array is there before its last
// depth word goes.
#ifndef TRIVIT_ENGINE_ISSUE_HPP
#define TRIVIT_ENGINE_ISSUE_HPP

#include "ring.hpp"
#include "scoreboard.hpp"

namespace trivit {
namespace blocks {

static const int kProducts = 32;  // that wait

// A row group's tile that leaves the array.
struct Leaving {
    FewRows rows;
    bool bias, releases_bias, residual, to_banks, completes, finishes;
    ap_uint<2> stream;
    BiasCount bias_place;
    Shift bias_shift, residual_shift, out_shift;
    FewWords words;
    BankAddress address;
    Slot slot;
    Tag tag;
    ap_uint<8> error;
};

struct Issue {
    typedef EngineFields F;

    Issue() : active(false), first(0), waiting(0), begun(0), oldest(0), oldest_bias(0) {}

    bool has_room() const { return waiting < kProducts; }

    void push(const Checked& product) {
#pragma HLS INLINE
        queue.write(int(ap_uint<5>(first + waiting)), product);
        waiting += 1;
    }

    void advance() {
#pragma HLS INLINE
        if (active || waiting == 0) return;
        now = queue.read(int(first));
        first += 1;
        waiting -= 1;
        address = row_start = F::Source::of(now.command);
        depth = group = tile = 0;
        offset = offset_home = 0;
        position = home = RingCount(oldest + F::RingOffset::of(now.command));
        bias = bias_home = oldest_bias;
        residual_words = 0;
        active = true;
    }

    bool failed() const { return now.error != 0; }
    bool last_depth() const { return failed() || depth + 1 == F::DepthWords::of(now.command); }
    bool last_group() const { return failed() || group + 1 == now.groups; }
    bool last_tile() const { return failed() || tile + 1 == now.tiles; }
    bool at_begin() const { return depth == 0 && group == 0 && tile == 0; }
    bool claims() const { return F::Claim::of(now.command) && F::TargetSlot::of(now.command) != 0; }
    FewRows rows() const {
        return rows_of_group(RowCount(F::Rows::of(now.command) - kRows * group));
    }
    FewWords words() const {
        return words_of_tile(WordCount(F::OutWords::of(now.command) - kWordsPerTile * tile));
    }
    bool has_residual() const { return !failed() && F::HasResidual::of(now.command); }

    // The residual of the row group's tile, a word of each row at a time.
    bool wants_residual(const Scoreboard& scoreboard) const {
#pragma HLS INLINE
        return active && has_residual() && residual_words != words() &&
               scoreboard.has(F::ResidualSlot::of(now.command), F::ResidualFirst::of(now.command),
                              group);
    }
    BankAddress residual_address() const {
        return BankAddress(F::Residual::of(now.command) + offset + residual_words);
    }

    // Operand, weights and slots are there. What is behind the array looks at its own room.
    bool ready(const Ring& ring, const Scoreboard& scoreboard) const {
#pragma HLS INLINE
        const Command& c = now.command;
        if (!active || failed()) return active;
        const GroupCount wanted = F::Transposed::of(c) ? GroupCount(depth) : group;
        const RingCount ahead = ring.filled - position;
        const bool emptied =
            !at_begin() || !((claims() && scoreboard.written(F::TargetSlot::of(c))) ||
                             scoreboard.written(F::ClearSlot::of(c)));
        return scoreboard.has(F::SourceSlot::of(c), F::SourceFirst::of(c), wanted) && ahead != 0 &&
               ahead <= kWeightDepth && emptied &&
               (!last_depth() || !has_residual() || residual_words == words());
    }

    // What leaves behind the last depth word.
    Leaving leaving() const {
#pragma HLS INLINE
        const Command& c = now.command;
        Leaving out;
        out.rows = failed() ? FewRows(1) : rows();
        out.bias = !failed() && F::HasBias::of(c);
        out.releases_bias = out.bias && last_group() && !F::Keep::of(c);
        out.residual = has_residual();
        out.to_banks = !failed() && F::ToBanks::of(c);
        out.completes = last_tile();
        out.finishes = last_tile() && last_group();
        out.stream = failed() ? ap_uint<2>(0) : ap_uint<2>(F::Stream::of(c));
        out.bias_place = bias;
        out.bias_shift = F::BiasShift::of(c);
        out.residual_shift = F::ResidualShift::of(c);
        out.out_shift = F::OutShift::of(c);
        out.words = words();
        out.address = F::Target::of(c) + offset;
        out.slot = F::TargetSlot::of(c);
        out.tag = TagField::of(c);
        out.error = now.error;
        return out;
    }

    // The product begins with this depth word.
    void begin(Scoreboard& scoreboard) {
#pragma HLS INLINE
        const Command& c = now.command;
        begun += 1;
        if (failed()) return;
        if (claims()) scoreboard.clear(F::TargetSlot::of(c));
        scoreboard.clear(F::ClearSlot::of(c));
        if (F::ToBanks::of(c)) scoreboard.begin_writer(F::TargetSlot::of(c));
    }

    // To the next depth word.
    void step(Ring& ring) {
#pragma HLS INLINE
        const Command& c = now.command;
        const bool at_end = last_depth(), group_ends = last_group(), tile_ends = last_tile();
        const bool transposed = F::Transposed::of(c) != 0, outer = F::RowsOuter::of(c) != 0;
        if (failed()) {
            active = false;
            return;
        }
        if (group_ends && !F::Keep::of(c)) ring.released += 1;
        depth = at_end ? WordCount(0) : WordCount(depth + 1);
        position += 1;
        if (!at_end) {
            address += transposed ? F::SourceStride::of(c) : BankAddress(1);
            return;
        }
        residual_words = 0;
        const BankAddress next_row =
            row_start + (transposed ? BankAddress(1) : F::SourceStride::of(c));
        const BiasCount next_bias = bias + F::HasBias::of(c);
        if (group_ends && tile_ends) {
            active = false;
            if (!F::Keep::of(c)) {
                oldest = position;
                oldest_bias = next_bias;
            }
            return;
        }
        // The inner of both loops goes on, or the outer one.
        const bool inner_ends = outer ? tile_ends : group_ends;
        const bool next_tile = outer ? !tile_ends : group_ends;
        const BankAddress inner_offset =
            outer ? BankAddress(kWordsPerTile) : F::TargetStride::of(c);
        const BankAddress outer_offset =
            outer ? F::TargetStride::of(c) : BankAddress(kWordsPerTile);
        if (outer) {
            tile = tile_ends ? WordCount(0) : WordCount(tile + 1);
            if (tile_ends) group += 1;
            if (tile_ends) row_start = next_row;
        } else {
            group = group_ends ? GroupCount(0) : GroupCount(group + 1);
            if (group_ends) tile += 1;
            row_start = group_ends ? F::Source::of(c) : next_row;
        }
        address = row_start;
        if (inner_ends) {
            offset_home += outer_offset;
            offset = offset_home;
        } else {
            offset += inner_offset;
        }
        if (outer) {
            if (tile_ends) position = home;
            bias = tile_ends ? bias_home : next_bias;
        } else if (next_tile) {
            home = position;
            bias = next_bias;
        } else {
            position = home;
        }
    }

    bool idle() const { return !active && waiting == 0; }

    Memory<Checked, kProducts, 1> queue;
    Checked now;
    bool active;
    ap_uint<5> first;
    ap_uint<6> waiting;
    ProductNumber begun;
    GroupCount group;
    WordCount depth, tile;
    BankAddress address, row_start;   // in the banks: now, and where the row group begins
    BankAddress offset, offset_home;  // of the result's word
    RingCount oldest;                 // of the words that no product has released
    RingCount position, home;         // in the ring: now, and where the next row group begins
    BiasCount bias, bias_home, oldest_bias;
    FewWords residual_words;  // that are there
};

}  // namespace blocks
}  // namespace trivit

#endif
