// 64-bit integers, as many at once as a vector of this processor holds, and their rounding. Loops
// of the update are written over a set of lanes L: WideLanes, and OneLane for what a row leaves
// over. One source for both, without a branch that depends on an element: all forms give the same
// integers.
#ifndef TRIVIT_TRAINING_WIDE_HPP
#define TRIVIT_TRAINING_WIDE_HPP

#include "../vectors.hpp"
#include "arithmetic.hpp"

namespace trivit {
namespace training {

struct OneLane {
    typedef int64_t Int;
    typedef uint32_t Hash;
    static const int kCount = 1;

    static Int all(int64_t x) { return x; }
    static Int load(const int16_t* from) { return *from; }
    static void store(Int x, int16_t* to) { *to = int16_t(x); }
    static Int lookup(const int32_t* table, Int index) { return table[index]; }
    static Hash numbers(uint32_t first) { return first; }
    static Int widen(Hash x) { return x; }
    static Int left(Int x, Int by) { return int64_t(uint64_t(x) << by); }
    static Int right(Int x, Int by) { return x >> by; }
    static Int multiply(Int a, Int b) { return a * b; }
    static int64_t sum(Int x) { return x; }
};

#if defined(__AVX2__) || (defined(__ARM_NEON) && defined(__aarch64__))

struct WideLanes {
    static const int kCount = Vectors::kWidth;
    typedef Vectors::Wide Int;
    typedef uint64_t Bits __attribute__((vector_size(8 * kCount)));
    typedef uint32_t Hash __attribute__((vector_size(4 * kCount)));
    typedef int32_t Index __attribute__((vector_size(4 * kCount)));

    static Int all(int64_t x) { return Int{} + x; }
    static Int load(const int16_t* from) { return Vectors::load_wide(from); }
    static void store(Int x, int16_t* to) { Vectors::store(x, to); }
    static Int lookup(const int32_t* table, Int index) {
        const Index place = __builtin_convertvector(index, Index);
        const Index found = Index(Vectors::lookup(table, Vectors::Int(place)));
        return __builtin_convertvector(found, Int);
    }
    // first, first + 2, first + 4, ..
    static Hash numbers(uint32_t first) {
        Hash even = {};
        for (int i = 0; i < kCount; ++i)
            even[i] = 2 * uint32_t(i);
        return even + first;
    }
    static Int widen(Hash x) { return __builtin_convertvector(x, Int); }
    static Int left(Int x, Int by) { return Int(Bits(x) << Bits(by)); }
    static Int right(Int x, Int by) { return Vectors::shift_right(x, by); }
    // Of values that fit 32 bits.
    static Int multiply(Int a, Int b) { return Vectors::multiply(a, b); }
    static int64_t sum(Int x) {
        int64_t total = 0;
        for (int i = 0; i < kCount; ++i)
            total += x[i];
        return total;
    }
};

#else

typedef OneLane WideLanes;

#endif

template <class L>
inline typename L::Int clamp_lanes(typename L::Int x, int64_t low, int64_t high) {
    const typename L::Int least = L::all(low), most = L::all(high);
    const typename L::Int raised = x < least ? least : x;
    return raised > most ? most : raised;
}

// Lanes in which a clamp changed the value.
template <class L>
inline typename L::Int changed(typename L::Int before, typename L::Int after) {
    return before != after ? L::all(1) : L::all(0);
}

// A value times 2^-shift, ties to even.
template <class L>
inline typename L::Int round_lanes(typename L::Int value, const Rounding& rounding) {
    const typename L::Int by = L::all(rounding.right);
    const typename L::Int odd = L::right(value, by) & L::all(rounding.odd_mask);
    return L::right(L::left(value, L::all(rounding.left)) + rounding.below_half + odd, by);
}

// The same of a shift for each lane, clamped to +-limit before a left shift could leave 64 bits.
// Any shift; right shifts beyond 62 give 0.
template <class L>
inline typename L::Int round_lanes_within(typename L::Int value, typename L::Int shift,
                                          int64_t limit) {
    typedef typename L::Int Int;
    const Int zero = L::all(0), one = L::all(1), last = L::all(62);
    const Int left = clamp_lanes<L>(-shift, 0, 62), right = clamp_lanes<L>(shift, 0, 62);
    const Int beyond = L::right(L::all(limit), left) + one;
    const Int most = shift < zero ? beyond : shift > last ? zero : L::all(INT64_MAX);
    const Int above = value > most ? most : value;
    const Int bounded = L::left(above < -most ? -most : above, left);
    const Int odd_mask = shift > zero ? one : zero;
    const Int half = L::right(L::left(odd_mask, right), odd_mask);
    const Int odd = L::right(bounded, right) & odd_mask;
    return clamp_lanes<L>(L::right(bounded + half - odd_mask + odd, right), -limit, limit);
}

// A value times 2^-shift, rounded by a hash of the numbers or to the nearest.
template <class L, bool kStochastic>
inline typename L::Int stochastic_lanes(typename L::Int value, const StochasticShift& shift,
                                        typename L::Hash numbers) {
    typedef typename L::Int Int;
    const Int random =
        kStochastic ? L::widen(mix(numbers)) & L::all(shift.mask) : L::all(shift.half);
    const Int kept = L::left(L::right(value, L::all(shift.dropped)), L::all(shift.left));
    return L::right(kept + random, L::all(shift.right));
}

}  // namespace training
}  // namespace trivit

#endif
