// The gradients of layer normalisation (docs/on-device-training.md, normalise_backward and
// normalise_gamma). A row's sums are known behind its last word, twice: sums of x give its scale,
// sums of a = dY·gamma and of a·m (m: the normalised value) give the gradient. So a row group waits
// twice. Each process but the first takes four elements of a row a clock: four clocks for a word of
// two rows.
#ifndef TRIVIT_BLOCKS_NORMALISE_BACKWARD_HPP
#define TRIVIT_BLOCKS_NORMALISE_BACKWARD_HPP

#include "normalise.hpp"

namespace trivit {
namespace blocks {

static const int kBackwardWords = 128;  // of a row: with 1,024 columns |m| is below 2^17
static const int kBackwardLanes = 4;
static const int kBackwardSteps = 2 * kLanes / kBackwardLanes;  // of a word of two rows
static const int kBackwardDepth = 1024;                         // of the FIFOs of a row group
static const int kAddendDepth = 2048;                           // that of two
static const int kBackwardFew = 16;
static const int kValueBits = 18;    // of m, at 12 fraction bits
static const int kProductBits = 32;  // of a
static const int kProductSumBits = 42;
static const int kWeightSumBits = 60;  // of the sum of a·m
static const int kGammaBits = 44;      // of the sum of dY·m over all rows
static const int kMeanBits = 44;

static_assert(kBackwardDepth >= kBackwardWords * kPairs + 256, "a row group, and its sums' way");

typedef WordPlace<NormaliseBackwardFields> BackwardPlace;
typedef ap_uint<2 * kLanes * kValueBits> ValuePair;
typedef ap_uint<2 * kLanes * kProductBits> ProductPair;
typedef ap_uint<16 * kLanes + 4> GammaWord;  // dgamma, and above it how many are saturated

// What is known of a row when its last word has passed for the second time.
struct BackwardSums {
    ap_int<kProductSumBits> products;
    ap_int<kWeightSumBits> weighted;
};

static const int kBackwardSumsBits = kProductSumBits + kWeightSumBits + 64;
typedef ap_uint<2 * kBackwardSumsBits> BackwardSumsPair;  // and the scales; the even row low

// What a row's gradient is made with.
struct Means {
    ap_int<kMeanBits> product;   // of a, 8 fraction bits beyond a
    ap_int<kMeanBits> weighted;  // of a·n, the same
    ap_uint<20> gain;            // at 12 fraction bits
    ap_uint<5> halvings;
};

static const int kMeansBits = 2 * kMeanBits + 25;
typedef ap_uint<2 * kMeansBits> MeansPair;

inline ap_uint<kMeansBits> pack_means(const Means& means) {
#pragma HLS INLINE
    ap_uint<kMeansBits> packed = 0;
    packed.range(kMeanBits - 1, 0) = ap_uint<kMeanBits>(means.product);
    packed.range(2 * kMeanBits - 1, kMeanBits) = ap_uint<kMeanBits>(means.weighted);
    packed.range(2 * kMeanBits + 19, 2 * kMeanBits) = means.gain;
    packed.range(2 * kMeanBits + 24, 2 * kMeanBits + 20) = means.halvings;
    return packed;
}

inline Means unpack_means(const ap_uint<kMeansBits>& packed) {
#pragma HLS INLINE
    Means means;
    means.product = ap_uint<kMeanBits>(packed.range(kMeanBits - 1, 0));
    means.weighted = ap_uint<kMeanBits>(packed.range(2 * kMeanBits - 1, kMeanBits));
    means.gain = packed.range(2 * kMeanBits + 19, 2 * kMeanBits);
    means.halvings = packed.range(2 * kMeanBits + 24, 2 * kMeanBits + 20);
    return means;
}

// A word of dY, of x, and of the addend in turn, each of two rows; the sums of x follow with the
// last word. Recurs: the place, and the sums of four pairs.
struct BackwardStatistics {
    static const char* name() { return "backward_statistics"; }
    // Square 3, sum of eight 3, sum of the row 1, choice and streams 2.
    static const int kDepth = 9;

    BackwardStatistics() : step(0), active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<WordPair>& rows,
                 hls::stream<Command>& next, hls::stream<WordPair>& gradients,
                 hls::stream<WordPair>& inputs, hls::stream<WordPair>& addends,
                 hls::stream<RowSumsPair>& sums) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        BackwardPlace here = place;
        if (first) here.begin(c);
        const bool adds = NormaliseBackwardFields::Addend::of(c) != 0;
        WordPair word = 0;
        if (step != 2 || adds) word = rows.read();
        if (step == 0) gradients.write(word);
        if (step == 1) inputs.write(word);
        if (step == 2 && adds) addends.write(word);
        if (step == 1) x = word;
        const RowSumsPair before = here.word == 0 ? RowSumsPair(0) : sum[here.pair];
        const bool odd = step == 2;
        const RowSums old = odd ? before.range(2 * kRowSumsBits - 1, kRowSumsBits)
                                : before.range(kRowSumsBits - 1, 0);
        const Word added =
            odd ? x.range(2 * 16 * kLanes - 1, 16 * kLanes) : x.range(16 * kLanes - 1, 0);
        const RowSums after = add_word(old, added);
        if (step == 1) even = after;
        if (step == 2) {
            RowSumsPair both = 0;
            both.range(kRowSumsBits - 1, 0) = even;
            both.range(2 * kRowSumsBits - 1, kRowSumsBits) = after;
            sum[here.pair] = both;
            if (here.last_word(c)) sums.write(both);
        }
        command = c;
        active = true;
        if (step == 2) active = here.advance(c);
        step = step == 2 ? ap_uint<2>(0) : ap_uint<2>(step + 1);
        place = here;
        return true;
    }

    Command command;
    BackwardPlace place;
    RowSumsPair sum[kPairs];
    WordPair x;
    RowSums even;
    ap_uint<2> step;
    bool active;
};

// Sums of a and a·m over rows, of dY·m over columns. Recurs: the place, sums of eight rows, of a
// word's columns, and what is gathered of a word of two rows.
struct GradientSums {
    static const char* name() { return "gradient_sums"; }
    // Difference 1, product 6, rounding 4, product 5, sum of four 2, sum of the row 2, rounding 3,
    // clamp and streams 2.
    static const int kDepth = 25;
    // A word is read again with the next row group, the last one's first pair behind this one's
    // last at the earliest: four steps.
    static const int kDistance = 4;

    GradientSums() : step(0), active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<ScalePair>& scales,
                 hls::stream<Vectors>& vectors, hls::stream<WordPair>& gradients,
                 hls::stream<WordPair>& inputs, hls::stream<Command>& next,
                 hls::stream<ProductPair>& products, hls::stream<ValuePair>& values,
                 hls::stream<BackwardSumsPair>& sums, hls::stream<GammaWord>& gammas) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        BackwardPlace here = place;
        if (first) {
            here.begin(c);
            normalised = NormaliseBackwardFields::Normalised::of(c);
        }
        if (step == 0) {
            dy = gradients.read();
            x = inputs.read();
            if (here.word == 0) scale[here.pair] = scales.read();
            if (here.pair == 0) {
                if (here.first_group) {
                    gamma = vectors.read().range(16 * kLanes - 1, 0);
                    gamma_memory.write(int(here.word), gamma);
                } else {
                    gamma = gamma_memory.read(int(here.word));
                }
            }
        }
        const bool odd = step[1];
        const bool upper = step[0];  // half of the row's word
        const ap_uint<3> row = (here.pair, ap_uint<1>(odd));
        const ScalePair both = scale[here.pair];
        const Scale own = unpack_scale(odd ? both.range(127, 64) : both.range(63, 0));
        const bool counts = normalised > row;
        ap_int<kProductBits + 3> product_sum = 0;
        ap_int<kProductBits + kValueBits + 3> weighted_sum = 0;
        ap_uint<kBackwardLanes * kProductBits> a_here = 0;
        ap_uint<kBackwardLanes * kValueBits> m_here = 0;
        for (int lane = 0; lane < kBackwardLanes; ++lane) {
#pragma HLS UNROLL
            const ap_int<16> gradient = counts ? lane16(dy, lane) : ap_int<16>(0);
            const ap_int<16> weight =
                upper ? lane16(gamma, lane + kBackwardLanes) : lane16(gamma, lane);
            const ap_int<kValueBits> m =
                round_half_even(normal_value(lane16(x, lane), own), ap_uint<5>(8));
            const ap_int<kProductBits> a = gradient * weight;
            product_sum += a;
            weighted_sum += a * m;
            a_here.range(kProductBits * (lane + 1) - 1, kProductBits * lane) =
                ap_uint<kProductBits>(a);
            m_here.range(kValueBits * (lane + 1) - 1, kValueBits * lane) = ap_uint<kValueBits>(m);
            const ap_int<34> share = gradient * m;
            const bool fresh = here.pair == 0 && !odd;
            if (upper)
                upper_column[lane] = (fresh ? ap_int<kGammaBits>(0) : upper_column[lane]) + share;
            else
                lower_column[lane] = (fresh ? ap_int<kGammaBits>(0) : lower_column[lane]) + share;
        }
        a_pair =
            (a_here, a_pair.range(2 * kLanes * kProductBits - 1, kBackwardLanes * kProductBits));
        m_pair = (m_here, m_pair.range(2 * kLanes * kValueBits - 1, kBackwardLanes * kValueBits));
        dy >>= 16 * kBackwardLanes;
        x >>= 16 * kBackwardLanes;
        const bool begins = here.word == 0 && !upper;
        BackwardSums total;
        total.products =
            (begins ? ap_int<kProductSumBits>(0) : row_sum[row].products) + product_sum;
        total.weighted =
            (begins ? ap_int<kWeightSumBits>(0) : row_sum[row].weighted) + weighted_sum;
        row_sum[row] = total;
        const bool word_ends = step == kBackwardSteps - 1;
        if (word_ends) {
            products.write(a_pair);
            values.write(m_pair);
            if (here.last_word(c)) {
                BackwardSumsPair pair = 0;
                pair.range(kBackwardSumsBits - 1, 0) = packed(row_sum[row - 1], both.range(63, 0));
                pair.range(2 * kBackwardSumsBits - 1, kBackwardSumsBits) =
                    packed(total, both.range(127, 64));
                sums.write(pair);
            }
            if (here.last_pair()) gather_columns(c, here, gammas);
        }
        command = c;
        active = true;
        if (word_ends) {
            const bool group_ends = here.last_pair() && here.last_word(c);
            if (group_ends)
                normalised = normalised > kRows ? ap_uint<10>(normalised - kRows) : ap_uint<10>(0);
            active = here.advance(c);
        }
        step = word_ends ? ap_uint<2>(0) : ap_uint<2>(step + 1);
        place = here;
        return true;
    }

    static ap_uint<kBackwardSumsBits> packed(const BackwardSums& sums, const ap_uint<64>& scale) {
#pragma HLS INLINE
        ap_uint<kBackwardSumsBits> result = 0;
        result.range(kProductSumBits - 1, 0) = ap_uint<kProductSumBits>(sums.products);
        result.range(kProductSumBits + kWeightSumBits - 1, kProductSumBits) =
            ap_uint<kWeightSumBits>(sums.weighted);
        result.range(kBackwardSumsBits - 1, kProductSumBits + kWeightSumBits) = scale;
        return result;
    }

    // Adds a row group's part to the sums of the word's columns; behind the last one they leave.
    void gather_columns(const Command& c, const BackwardPlace& here,
                        hls::stream<GammaWord>& gammas) {
#pragma HLS INLINE
        ap_uint<kLanes * kGammaBits> before = 0;
        if (!here.first_group) before = column_memory.read(int(here.word));
        ap_uint<kLanes * kGammaBits> after = 0;
        GammaWord rounded = 0;
        bool changed[kLanes];
        for (int lane = 0; lane < kLanes; ++lane) {
#pragma HLS UNROLL
            const ap_int<kGammaBits> old =
                ap_uint<kGammaBits>(before.range(kGammaBits * (lane + 1) - 1, kGammaBits * lane));
            const ap_int<kGammaBits> sum =
                old + (lane < kBackwardLanes ? lower_column[lane % kBackwardLanes]
                                             : upper_column[lane % kBackwardLanes]);
            after.range(kGammaBits * (lane + 1) - 1, kGammaBits * lane) = ap_uint<kGammaBits>(sum);
            rounded.range(16 * lane + 15, 16 * lane) = clamp_int16(
                round_half_even(sum, NormaliseBackwardFields::GammaShift::of(c)), changed[lane]);
        }
        rounded.range(16 * kLanes + 3, 16 * kLanes) = count_ones(changed);
        if (here.rows <= kRows)
            gammas.write(rounded);
        else
            column_memory.write(int(here.word), after);
    }

    Command command;
    BackwardPlace place;
    ap_uint<10> normalised;  // from this row group on
    ScalePair scale[kPairs];
    WordPair dy;
    WordPair x;
    Word gamma;
    ProductPair a_pair;
    ValuePair m_pair;
    BackwardSums row_sum[kRows];
    ap_int<kGammaBits> lower_column[kBackwardLanes];
    ap_int<kGammaBits> upper_column[kBackwardLanes];
    Memory<Word, kBackwardWords, kDistance> gamma_memory;
    Memory<ap_uint<kLanes * kGammaBits>, kBackwardWords, kDistance> column_memory;
    ap_uint<2> step;
    bool active;
};

// Two clocks a pair of rows. Recurs: counters.
struct RowMeans {
    static const char* name() { return "row_means"; }
    // Rounding 3, products 6, rounding 4, choice and streams 2.
    static const int kDepth = 15;

    RowMeans() : odd(false), active(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<BackwardSumsPair>& sums,
                 hls::stream<Command>& next, hls::stream<MeansPair>& means) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (first) next.write(c);
        if (EndField::of(c)) return false;
        const ap_uint<10> here =
            first ? ap_uint<10>((NormaliseBackwardFields::Rows::of(c) + 1) / 2) : left;
        if (!odd) pair = sums.read();
        const ap_uint<kBackwardSumsBits> row = pair.range(kBackwardSumsBits - 1, 0);
        const ap_uint<30> inv_width = NormaliseBackwardFields::InvWidth::of(c);
        const ap_int<kProductSumBits> products =
            ap_uint<kProductSumBits>(row.range(kProductSumBits - 1, 0));
        const ap_int<kWeightSumBits> weighted = ap_uint<kWeightSumBits>(
            row.range(kProductSumBits + kWeightSumBits - 1, kProductSumBits));
        const Scale scale =
            unpack_scale(row.range(kBackwardSumsBits - 1, kProductSumBits + kWeightSumBits));
        Means own;
        const ap_int<kProductSumBits + 31> mean_a = products * inv_width;
        own.product = round_half_even(mean_a, ap_uint<5>(24));
        const ap_int<kWeightSumBits - 11> narrow = round_half_even(weighted, ap_uint<5>(12));
        const ap_int<kWeightSumBits + 20> mean_b = narrow * inv_width;
        own.weighted = round_half_even(mean_b, ap_uint<5>(24));
        own.gain = round_half_even(ap_int<31>(scale.gain), ap_uint<5>(10));
        own.halvings = scale.halvings;
        MeansPair result = 0;
        result.range(kMeansBits - 1, 0) = even;
        result.range(2 * kMeansBits - 1, kMeansBits) = pack_means(own);
        if (odd) means.write(result);
        even = pack_means(own);
        pair >>= kBackwardSumsBits;
        command = c;
        left = odd ? ap_uint<10>(here - 1) : here;
        active = !(odd && here == 1);
        odd = !odd;
        return true;
    }

    Command command;
    ap_uint<10> left;  // pairs of rows
    BackwardSumsPair pair;
    ap_uint<kMeansBits> even;
    bool odd;
    bool active;
};

// dX of an element, before its addend: at 8 fraction bits more.
inline ap_int<42> gradient_value(const ap_int<kProductBits>& a, const ap_int<kValueBits>& m,
                                 const Means& means, const ap_uint<7>& shift) {
#pragma HLS INLINE
    const ap_int<kValueBits + kMeanBits> along = m * means.weighted;
    const ap_int<kMeanBits + 4> t =
        (ap_int<kMeanBits + 4>(a) << 8) - means.product - round_half_even(along, ap_uint<5>(12));
    const ap_int<kMeanBits + 25> scaled = t * means.gain;
    const ap_int<kMeanBits + 26> rounded = round_half_even(scaled, shift);
    const ap_int<42> limit = ap_int<42>(1) << 40;
    return rounded > limit ? limit : rounded < -limit ? ap_int<42>(-limit) : ap_int<42>(rounded);
}

inline ap_int<48> aligned_addend(const ap_int<16>& addend, const ap_int<7>& shift) {
#pragma HLS INLINE
    const bool right = shift < 0;
    const ap_int<48> wide = ap_int<48>(addend) << (right ? ap_uint<5>(0) : ap_uint<5>(shift));
    const ap_int<33> narrow =
        round_half_even(ap_int<32>(addend), right ? ap_uint<6>(-shift) : ap_uint<6>(0));
    return right ? ap_int<48>(narrow) : wide;
}

// Rows, and behind them dgamma as one row more. Recurs: the place, what is gathered of a word of
// two rows, saturations and the largest magnitude.
struct GradientRows {
    static const char* name() { return "gradient_rows"; }
    // Product 5, rounding 3, difference 2, product 5, rounding 4, clamp 1, addend 2, rounding 2,
    // clamp 1, count and largest 4, streams 1.
    static const int kDepth = 30;

    GradientRows() : step(0), active(false), behind(false) {}

    bool iterate(hls::stream<Command>& commands, hls::stream<MeansPair>& means,
                 hls::stream<ProductPair>& products, hls::stream<ValuePair>& values,
                 hls::stream<WordPair>& addends, hls::stream<GammaWord>& gammas,
                 hls::stream<WordPair>& results, hls::stream<Report>& reports) {
#pragma HLS INLINE
        const bool first = !active;
        const Command c = first ? commands.read() : command;
        if (EndField::of(c)) {
            reports.write(end_report());
            return false;
        }
        if (first) {
            place.begin(c);
            normalised = NormaliseBackwardFields::Normalised::of(c);
            words = NormaliseBackwardFields::Words::of(c);
            saturated = 0;
            largest = 0;
            behind = false;
        }
        command = c;
        active = true;
        if (behind) {
            const GammaWord word = gammas.read();
            WordPair result = 0;
            result.range(16 * kLanes - 1, 0) = word.range(16 * kLanes - 1, 0);
            results.write(result);
            saturated += word.range(16 * kLanes + 3, 16 * kLanes);
            largest = larger(largest, largest_magnitude(result));
            active = words != 1;
            words -= 1;
            if (!active) reports.write(done_report(c, saturated, largest));
            return true;
        }
        const bool adds = NormaliseBackwardFields::Addend::of(c) != 0;
        if (step == 0) {
            a_pair = products.read();
            m_pair = values.read();
            addend = 0;
            if (adds) addend = addends.read();
            if (place.word == 0) mean[place.pair] = means.read();
        }
        const bool odd = step[1];
        const ap_uint<3> row = (place.pair, ap_uint<1>(odd));
        const MeansPair both = mean[place.pair];
        const Means own = unpack_means(odd ? both.range(2 * kMeansBits - 1, kMeansBits)
                                           : both.range(kMeansBits - 1, 0));
        const bool exists = place.rows > row;
        const bool counts = normalised > row;
        const ap_uint<7> shift = ap_uint<7>(NormaliseBackwardFields::Shift::of(c)) + own.halvings;
        ap_uint<16 * kBackwardLanes> here = 0;
        bool changed[kBackwardLanes];
        for (int lane = 0; lane < kBackwardLanes; ++lane) {
#pragma HLS UNROLL
            const ap_int<kProductBits> a = ap_uint<kProductBits>(
                a_pair.range(kProductBits * (lane + 1) - 1, kProductBits * lane));
            const ap_int<kValueBits> m =
                ap_uint<kValueBits>(m_pair.range(kValueBits * (lane + 1) - 1, kValueBits * lane));
            const ap_int<42> value = counts ? gradient_value(a, m, own, shift) : ap_int<42>(0);
            const ap_int<7> addend_shift = ap_uint<7>(NormaliseBackwardFields::AddendShift::of(c));
            const ap_int<49> total = value + aligned_addend(lane16(addend, lane), addend_shift);
            bool clamped = false;
            const ap_int<16> dx = clamp_int16(round_half_even(total, ap_uint<5>(8)), clamped);
            here.range(16 * lane + 15, 16 * lane) = exists ? dx : ap_int<16>(0);
            changed[lane] = exists && clamped;
        }
        gathered = (here, gathered.range(2 * 16 * kLanes - 1, 16 * kBackwardLanes));
        a_pair >>= kBackwardLanes * kProductBits;
        m_pair >>= kBackwardLanes * kValueBits;
        addend >>= 16 * kBackwardLanes;
        saturated += count_ones(changed);
        largest = larger(largest, largest_magnitude(here));
        const bool word_ends = step == kBackwardSteps - 1;
        if (word_ends) {
            results.write(gathered);
            const bool group_ends = place.last_pair() && place.last_word(c);
            if (group_ends)
                normalised = normalised > kRows ? ap_uint<10>(normalised - kRows) : ap_uint<10>(0);
            behind = !place.advance(c);
            if (behind) {
                reports.write(done_report(c, saturated, largest));
                saturated = 0;
                largest = 0;
            }
        }
        step = word_ends ? ap_uint<2>(0) : ap_uint<2>(step + 1);
        return true;
    }

    Command command;
    BackwardPlace place;
    ap_uint<10> normalised;  // from this row group on
    ap_uint<9> words;        // of dgamma
    MeansPair mean[kPairs];
    ProductPair a_pair;
    ValuePair m_pair;
    WordPair addend;
    WordPair gathered;
    ap_uint<24> saturated;
    ap_uint<16> largest;
    ap_uint<2> step;
    bool active;
    bool behind;  // all rows: dgamma comes
};

}  // namespace blocks
}  // namespace trivit

#endif
