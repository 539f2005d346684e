// Which tokens stay (docs/numerics.md, select_tokens): head sums of the [CLS] row, the threshold
// that keeps as many as are wanted, and the list of their numbers.
#ifndef TRIVIT_BLOCKS_SELECT_HPP
#define TRIVIT_BLOCKS_SELECT_HPP

#include "arithmetic.hpp"
#include "commands.hpp"
#include "memory.hpp"
#include "process.hpp"
#include "threshold.hpp"

namespace trivit {
namespace blocks {

typedef ap_uint<kLanes * kScoreBits> SumWord;  // of eight tokens
typedef ap_uint<kLanes> KeptWord;              // a bit for each

static const int kSumDepth = 80;  // all sums of a row, so that the next attention's may follow
static const int kSelectFew = 4;

static_assert(kSumDepth >= kKeyWords, "all sums of a row");

inline ap_uint<7> token_words(const Command& command) {
#pragma HLS INLINE
    return (SelectFields::Tokens::of(command) + kLanes - 1) >> 3;
}

// Eight probabilities a clock. Recurs: counters; a sum through its memory, a head later.
struct HeadSums {
    static const char* name() { return "head_sums"; }
    // Memory 2, addition 1, streams 1.
    static const int kDepth = 4;
    static const int kDistance = 4;

    HeadSums() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<Word>& cls, hls::stream<Command>& next,
                 hls::stream<SumWord>& sums) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        const ap_uint<5> head = first ? ap_uint<5>(0) : heads;
        const ap_uint<7> here = first ? ap_uint<7>(0) : word;
        const ap_uint<7> words = token_words(c);
        const bool last_head = head + 1 == SelectFields::Heads::of(c);
        if (here < words) {
            const Word probabilities = cls.read();
            SumWord before = 0;
            if (head != 0) before = memory.read(int(here));
            SumWord after = 0;
            for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
                const ap_uint<kScoreBits> sum =
                    before.range(kScoreBits * lane + kScoreBits - 1, kScoreBits * lane);
                after.range(kScoreBits * lane + kScoreBits - 1, kScoreBits * lane) =
                    ap_uint<kScoreBits>(sum + ap_uint<15>(lane16(probabilities, lane)));
            }
            if (last_head) {
                sums.write(after);
            } else {
                memory.write(int(here), after);
            }
        }
        // A head takes as many iterations as its sums are on their way.
        const bool head_ends = here + 1 >= words && here + 1 >= kDistance;
        word = head_ends ? ap_uint<7>(0) : ap_uint<7>(here + 1);
        heads = head_ends ? ap_uint<5>(head + 1) : head;
        active = !(head_ends && last_head);
        command = c;
        return true;
    }

    Command command;
    ap_uint<5> heads;  // behind us
    ap_uint<7> word;
    Memory<SumWord, kKeyWords, kDistance> memory;
    bool active;
};

// Eight sums a clock. Recurs: counters and those of the search; the threshold through a memory,
// behind a pause.
struct Threshold {
    static const char* name() { return "threshold"; }
    // Memory 2, candidate and comparison 2, count 3, decision 2, streams 1.
    static const int kDepth = 10;
    static const int kDistance = 8;

    Threshold() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<SumWord>& sums,
                 hls::stream<Command>& next, hls::stream<KeptWord>& kept) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        const ap_uint<4> p = first ? ap_uint<4>(0) : pass;
        const ap_uint<7> w = first ? ap_uint<7>(0) : word;
        const ap_uint<7> words = token_words(c);
        const bool last_pass = p == kSearchPasses;
        if (w < words) {
            SumWord scores;
            Found found = 0;
            if (p == 0) {
                scores = sums.read();
                memory.write(int(w), scores);
            } else {
                scores = memory.read(int(w));
                found = state.read(0);
            }
            KeptWord valid = 0;
            for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
                const ap_uint<10> token = w * kLanes + lane;
                valid[lane] = token != 0 && token < SelectFields::Tokens::of(c);
            }
            if (last_pass) {
                KeptWord result = search.keep(c, scores, valid, found, w == 0);
                if (w == 0) result[0] = 1;
                kept.write(result);
            } else {
                const Found decided = search.count(c, scores, valid, found, p, w == 0);
                if (w + 1 == words) state.write(0, decided);
            }
        }
        // The pause behind a search: the next pass begins when the threshold is there.
        const bool pass_ends = last_pass ? w + 1 == words : w == words + (kDistance - 1);
        word = pass_ends ? ap_uint<7>(0) : ap_uint<7>(w + 1);
        pass = pass_ends ? ap_uint<4>(p + 1) : p;
        active = !(pass_ends && last_pass);
        command = c;
        return true;
    }

    Command command;
    ap_uint<4> pass;
    ap_uint<7> word;
    ThresholdSearch<SelectFields, kLanes> search;
    Memory<SumWord, kKeyWords, kDistance> memory;
    Memory<Found, 1, kDistance> state;
    bool active;
};

// Numbers of the kept tokens, eight candidates a clock. Recurs: the numbers that do not fill a word
// yet, and how many they are.
struct TokenList {
    static const char* name() { return "token_list"; }
    // Places 2, moving together 2, shift 2, choice 1, streams 1.
    static const int kDepth = 8;

    TokenList() : active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<KeptWord>& kept,
                 hls::stream<Word>& lists, hls::stream<KeptWord>& same,
                 hls::stream<Report>& reports) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (EndField::of(c)) {
            reports.write(end_report());
            return false;
        }
        const ap_uint<7> w = first ? ap_uint<7>(0) : word;
        const ap_uint<4> had = first ? ap_uint<4>(0) : count;
        const ap_uint<7> words = token_words(c);
        const bool flush = w == words;
        KeptWord bits = 0;
        if (!flush) {
            bits = kept.read();
            if (SelectFields::SendKept::of(c)) same.write(bits);
        }
        Word together = 0;
        for (int place = 0; place < kLanes; ++place) {
#pragma HLS UNROLL
            ap_uint<16> number = 0;
            for (int lane = place; lane < kLanes; ++lane) {
#pragma HLS UNROLL
                if (bits[lane] && count_below(bits, lane) == place) number = w * kLanes + lane;
            }
            together.range(16 * place + 15, 16 * place) = number;
        }
        const ap_uint<2 * 16 * kLanes> before = first ? Word(0) : pending;
        const ap_uint<2 * 16 * kLanes> shifted = ap_uint<2 * 16 * kLanes>(together)
                                                 << ap_uint<7>(ap_uint<7>(had) << 4);
        const ap_uint<2 * 16 * kLanes> all = before | shifted;
        const ap_uint<5> has = had + count_below(bits, kLanes);
        const bool full = has >= kLanes;
        if (full || (flush && has != 0)) lists.write(Word(all.range(16 * kLanes - 1, 0)));
        pending = full ? Word(all.range(2 * 16 * kLanes - 1, 16 * kLanes))
                       : Word(all.range(16 * kLanes - 1, 0));
        count = full ? ap_uint<4>(has - kLanes) : ap_uint<4>(has);
        word = w + 1;
        active = !flush;
        if (flush) reports.write(done_report(c, 0, 0));
        command = c;
        return true;
    }

    Command command;
    ap_uint<7> word;
    ap_uint<4> count;
    Word pending;
    bool active;
};

}  // namespace blocks
}  // namespace trivit

#endif
