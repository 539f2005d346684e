// Rounded rows between the array and the banks: a row is taken when it is through the pipeline.
#ifndef TRIVIT_ENGINE_RESULTS_HPP
#define TRIVIT_ENGINE_RESULTS_HPP

#include "array.hpp"
#include "block_writer.hpp"

namespace trivit {
namespace blocks {

struct Results {
    // Iterations from a row that leaves the array to the one that takes it to the banks.
    static const int kDistance = 26;
    static const int kPlaces = 64;

    Results() : first(0), waiting(0), there(0), age(0) {}

    void advance() {
#pragma HLS INLINE
        write_back.advance();
        there += age[kDistance - 1] ? 1 : 0;
        age <<= 1;
    }

    // For those that are in the array, and for a row group more.
    bool has_room() const { return waiting <= kPlaces - 2 * kRows; }

    void push(const Result& result) {
#pragma HLS INLINE
        rows.write(int(ap_uint<6>(first + waiting)), result);
        waiting += 1;
        age[0] = 1;
    }

    // Takes the oldest row, if it may go on; returns whether the row writer must take it.
    bool take(bool wants_direct, TileRow& row, Answer& answer) {
#pragma HLS INLINE
        if (there == 0) return false;
        const Result result = rows.read(int(first));
        const Leaving& from = result.leaving;
        const bool direct = from.stream == 3;
        const bool finishes = from.finishes && result.block_ends;
        if ((from.to_banks && !write_back.room()) || (direct && !wants_direct) ||
            (!from.to_banks && finishes && !write_back.idle()))
            return false;
        first += 1;
        there -= 1;
        waiting -= 1;
        row = result.row;
        if (from.to_banks) {
            write_back.collect_row(result.bank, result.row);
            if (result.block_ends) {
                BlockPlace& place = write_back.next_place;
                place.address = from.address;
                place.words = from.words;
                place.slot = from.slot;
                place.completes = from.completes;
                place.finishes = from.finishes;
                place.tag = from.tag;
                place.saturated = result.saturated;
                place.largest = result.largest;
                write_back.close();
            }
        } else if (finishes && from.error != 0) {
            answer.failed(from.tag, from.error);
        } else if (finishes) {
            answer.done(from.tag, result.saturated, result.largest);
        }
        return direct;
    }

    bool idle() const { return waiting == 0 && write_back.idle(); }

    Memory<Result, kPlaces, kDistance> rows;
    BlockWriter write_back;
    ap_uint<6> first;
    ap_uint<7> waiting, there;
    ap_uint<kDistance> age;  // a bit for each that came lately
};

}  // namespace blocks
}  // namespace trivit

#endif
