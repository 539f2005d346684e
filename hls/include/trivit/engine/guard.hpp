// Checks the engine's commands. The first one that the engine cannot run ends the work: it and all
// behind it touch nothing and are reported as failed.
#ifndef TRIVIT_ENGINE_GUARD_HPP
#define TRIVIT_ENGINE_GUARD_HPP

#include "types.hpp"

namespace trivit {
namespace blocks {

// Recurs: what the ring holds in program order, the first error.
struct Guard {
    static const char* name() { return "guard"; }
    // Sizes 1, products 4, ends 2, comparisons 2, error 1, streams 1.
    static const int kDepth = 11;

    Guard() : outstanding(0), outstanding_biases(0), error(0) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<Checked>& checked) {
#pragma HLS INLINE
        typedef EngineFields F;
        const Command c = commands.read();
        if (EndField::of(c)) return false;
        Checked out;
        out.command = c;
        out.groups = GroupCount((F::Rows::of(c) + (kRows - 1)) / kRows);
        out.tiles = WordCount((F::OutWords::of(c) + (kWordsPerTile - 1)) / kWordsPerTile);
        const MatrixWords words = out.tiles * F::DepthWords::of(c);
        const bool place = F::Place::of(c) != 0;
        const bool fills = place || F::Fill::of(c);
        const MatrixWords appended = fills ? words : MatrixWords(0);
        const bool biased = F::HasBias::of(c) != 0;
        const WordCount biases = F::Fill::of(c) && biased ? out.tiles : WordCount(0);

        const MatrixWords reach = F::RingOffset::of(c) + words;
        const bool at_once = F::Keep::of(c) || F::RowsOuter::of(c);
        const MatrixWords held = outstanding + appended;
        const MatrixWords held_biases = outstanding_biases + biases;
        const bool ring =
            place ||
            (reach <= held && (F::Keep::of(c) || F::RingOffset::of(c) == 0) &&
             (!at_once || (reach <= kWeightDepth && (out.tiles <= kWeightTiles || !biased))) &&
             (!biased || held_biases == out.tiles ||
              (F::RingOffset::of(c) == 0 && held_biases > out.tiles)));
        Error found = Error::ok;
        if (!slots(c, out.groups)) found = Error::size_limit;
        if (F::BiasShift::of(c) > kEngineMaxAlign || F::ResidualShift::of(c) > kEngineMaxAlign)
            found = Error::shift_range;
        if (!addresses(c, out.groups)) found = Error::activation_address;
        if (!sizes(c) || !ring) found = Error::size_limit;
        if (!known(c)) found = Error::unknown_opcode;
        if (error == 0) error = ap_uint<8>(uint32_t(found));
        out.error = error;
        if (error == 0) {
            const bool releases = !place && !F::Keep::of(c);
            outstanding = held - (releases ? words : MatrixWords(0));
            outstanding_biases = held_biases - (releases && biased ? out.tiles : WordCount(0));
        }
        checked.write(out);
        return true;
    }

    // A matrix that comes from the streams and has no product.
    static bool ahead(const Command& c) {
#pragma HLS INLINE
        return EngineFields::Place::of(c) && EngineFields::Fill::of(c);
    }

    // Row groups of what is read from the banks.
    static WordCount stored_groups(const Command& c, const GroupCount& groups) {
#pragma HLS INLINE
        typedef EngineFields F;
        if (F::Transposed::of(c)) return F::DepthWords::of(c);
        return F::Place::of(c) ? F::OutWords::of(c) : WordCount(groups);
    }

    static bool sizes(const Command& c) {
#pragma HLS INLINE
        typedef EngineFields F;
        const bool stored = !ahead(c) && (F::Place::of(c) || F::Transposed::of(c));
        return (F::Place::of(c) ||
                (F::Rows::of(c) != 0 && F::Rows::of(c) <= kMaxDepthWords * kRows)) &&
               F::DepthWords::of(c) != 0 && F::DepthWords::of(c) <= kMaxDepthWords &&
               F::DepthWords::of(c) <= kWeightDepth && F::OutWords::of(c) != 0 &&
               F::OutWords::of(c) <= kMaxDepthWords &&
               (!stored || (F::LastRows::of(c) != 0 && F::LastRows::of(c) <= kRows));
    }

    static bool addresses(const Command& c, const GroupCount& groups) {
#pragma HLS INLINE
        typedef EngineFields F;
        const ap_uint<32> steps = stored_groups(c, groups) - 1;
        const WordCount across = !F::Transposed::of(c) ? F::DepthWords::of(c)
                                 : F::Place::of(c)     ? F::OutWords::of(c)
                                                       : WordCount(groups);
        const ap_uint<32> source = F::Source::of(c) + steps * F::SourceStride::of(c) + across;
        const ap_uint<32> offset =
            ap_uint<32>(groups - 1) * F::TargetStride::of(c) + F::OutWords::of(c);
        const bool banks = F::ToBanks::of(c) != 0, residual = F::HasResidual::of(c) != 0;
        return F::SourceStride::of(c) < kActivationDepth && source <= kActivationDepth &&
               (!(banks || residual) || F::TargetStride::of(c) < kActivationDepth) &&
               (!banks || F::Target::of(c) + offset <= kActivationDepth) &&
               (!residual || F::Residual::of(c) + offset <= kActivationDepth);
    }

    // A count that is never reached, and rows that the product itself forgets.
    static bool slots(const Command& c, const GroupCount& groups) {
#pragma HLS INLINE
        typedef EngineFields F;
        const int last = (1 << GroupCount::width) - 1;
        const Slot source = F::SourceSlot::of(c), target = F::TargetSlot::of(c),
                   cleared = F::ClearSlot::of(c), residual = F::ResidualSlot::of(c);
        const bool adds = F::HasResidual::of(c) != 0;
        return (source == 0 || F::SourceFirst::of(c) + stored_groups(c, groups) <= last) &&
               (!adds || residual == 0 || F::ResidualFirst::of(c) + groups <= last) &&
               !(F::Claim::of(c) && target != 0 &&
                 (target == source || (adds && target == residual))) &&
               !(cleared != 0 && (cleared == source || (adds && cleared == residual)));
    }

    static bool known(const Command& c) {
#pragma HLS INLINE
        typedef EngineFields F;
        const bool product = F::RowsOuter::of(c) || F::HasResidual::of(c) || F::ToBanks::of(c) ||
                             F::Stream::of(c) != 0 || F::Keep::of(c) || F::Claim::of(c) ||
                             F::AnnounceReader::of(c) || F::AnnounceStore::of(c) ||
                             F::AnnounceLoad::of(c) || F::ClearSlot::of(c) != 0;
        const bool biased = F::HasBias::of(c) != 0;
        const bool places =
            ahead(c) ? F::SourceSlot::of(c) == 0 && !(F::Transposed::of(c) && biased) : !biased;
        // Nobody here takes a matrix for DDR.
        return UnitField::of(c) == kUnitEngine && F::Stream::of(c) < 4 &&
               (!F::Place::of(c) || (!product && places));
    }

    MatrixWords outstanding;
    MatrixWords outstanding_biases;
    ap_uint<8> error;
};

}  // namespace blocks
}  // namespace trivit

#endif
