// Writes rows of tiles as GELU or the engine send them, all of them or those that a list names, and
// lists themselves.
#ifndef TRIVIT_ENGINE_ROW_WRITER_HPP
#define TRIVIT_ENGINE_ROW_WRITER_HPP

#include "block_writer.hpp"

namespace trivit {
namespace blocks {

struct RowWriter {
    typedef RowWriterFields F;
    typedef decltype(F::Rows::of(Command())) Rows;

    RowWriter() : active(false), ended(false) {}

    void begin(const Command& given) {
#pragma HLS INLINE
        command = given;
        row = 0;
        in_group = 0;
        kept = kept_home = 0;
        left = F::Words::of(given);
        group_home = group = F::Target::of(given) + stride_times(given);
        bank_home = bank = F::FirstRow::of(given).range(2, 0);
        tile = 0;
        active = true;
    }

    // Words to the first row's row group.
    static BankAddress stride_times(const Command& c) {
#pragma HLS INLINE
        return BankAddress((F::FirstRow::of(c) / kRows) * F::TargetStride::of(c));
    }

    bool lists() const { return active && F::List::of(command); }
    bool wants_gelu() const { return takes() && !F::Direct::of(command); }
    bool wants_direct() const { return takes() && F::Direct::of(command); }
    bool takes() const { return active && !F::List::of(command) && block.room(); }
    bool wants_list() const { return lists() && block.room(); }

    // A word of the list: kept for `compact`, and a word of row 0.
    void take_list(const Word& word) {
#pragma HLS INLINE
        list.write(int(row), word);
        block.next[0][0] = word;
        block.next_place.rows = 1;
        const bool last = (row + 1) * kLanes >= F::Rows::of(command);
        close(F::Target::of(command) + row, 1, last, last);
        row += 1;
        active = !last;
    }

    void take_row(const TileRow& words) {
#pragma HLS INLINE
        const bool compact = F::Compact::of(command) != 0;
        const bool outer = F::RowsOuter::of(command) != 0;
        const Rows rows = F::Rows::of(command);
        const Rows wanted = compact ? F::Kept::of(command) : rows;
        // The number of the row that is kept next.
        Rows named = row;
        if (compact) {
            const Word names = list.read(kept < wanted ? int(kept / kLanes) : 0);
            named = Rows(lane16(names, int(kept % kLanes)));
        }
        const bool keeps = kept < wanted && named == row;
        const bool last_row = row + 1 == rows;
        const bool group_ends = in_group == kRows - 1 || last_row;
        const bool pass_ends = outer ? group_ends : last_row;  // of the tile
        const bool last_tile = left <= kWordsPerTile;

        if (keeps) block.collect_row(FewRows(bank), words);
        const bool last_kept = keeps && kept + 1 == wanted;
        const bool group_full = keeps && bank == kRows - 1;
        if (block.next_place.rows != 0 && (group_full || last_kept || pass_ends))
            close(group + tile, words_of_tile(left), last_tile && (group_full || last_kept),
                  last_tile && last_kept);

        // Where the next row goes.
        Rows next_kept = keeps ? Rows(kept + 1) : kept;
        BankAddress next_group =
            group_full ? BankAddress(group + F::TargetStride::of(command)) : group;
        ap_uint<3> next_bank = keeps ? ap_uint<3>(bank + 1) : bank;
        const bool again = pass_ends && !last_tile;  // the same rows, the next tile
        if (again) {
            next_kept = kept_home;
            next_group = group_home;
            next_bank = bank_home;
            tile += kWordsPerTile;
            left -= kWordsPerTile;
        } else if (pass_ends) {
            kept_home = next_kept;
            group_home = next_group;
            bank_home = next_bank;
            tile = 0;
            left = F::Words::of(command);
        }
        in_group = group_ends ? ap_uint<3>(0) : ap_uint<3>(in_group + 1);
        active = !(last_row && pass_ends && last_tile);
        if (again) {
            row = outer ? Rows(row - in_pass(row)) : Rows(0);
        } else {
            row += 1;
        }
        kept = next_kept;
        group = next_group;
        bank = next_bank;
    }

    // Rows of the row group before this one.
    static ap_uint<3> in_pass(const Rows& row) { return row.range(2, 0); }

    void close(const BankAddress& address, const FewWords& words, bool completes, bool finishes) {
#pragma HLS INLINE
        block.next_place.address = address;
        block.next_place.words = words;
        block.next_place.slot = F::Slot::of(command);
        block.next_place.completes = completes;
        block.next_place.finishes = finishes;
        block.next_place.tag = TagField::of(command);
        block.next_place.saturated = 0;
        block.next_place.largest = 0;
        block.close();
    }

    bool idle() const { return !active && block.idle(); }

    BlockWriter block;
    Command command;
    Memory<Word, kKeyWords, 1> list;
    Rows row, kept, kept_home;
    ap_uint<3> in_group, bank, bank_home;
    WordCount left;  // words of the row from this tile on
    BankAddress group, group_home;
    WordCount tile;  // words before this tile
    bool active, ended;
};

}  // namespace blocks
}  // namespace trivit

#endif
