// What eight lanes are made of: single integers in hardware, vectors on a processor. Here is all
// that depends on the width of a processor's vectors and on the number of its registers.
//
// For the arithmetic between array and memory (exact_word.hpp), of kWidth lanes at once:
//   Int          int32
//   Exact        what is added and multiplied exactly before it is rounded: int64 in hardware. A
//                processor takes doubles, because it has vector instructions for them that it lacks
//                for 64-bit integers: values stay below 2^53, and powers of two scale them exactly.
//   requantize   values whose scale is applied, to int16, ties to even; a bit for each lane that
//                the clamp changed. -32768.5 is a tie that goes to -32768, 32767.5 one to 32768.
//
// For 64-bit integers beside the doubles (training/wide.hpp):
//   Wide         kWidth of them
//   load_wide    int16 as Wide; store keeps the low 16 bits
//   multiply     products of values that fit 32 bits
//   shift_right  arithmetic, each lane by its own count below 64
//
// For the array as a processor runs it (processor_array.hpp):
//   Sums         int32 sums of kSumLanes outputs; kRows x kVectors of them, twice, are as many as
//                registers hold beside the operands
//   Pair         two neighbouring elements of a row, for every output
//   accumulate   adds to each sum the products of its output's two weights with the pair
//
// For products of doubles (training/product.hpp):
//   Doubles      as many as a vector holds; kSumRows x kSumVectors of them are as many sums as
//                registers hold beside the operands
#ifndef TRIVIT_VECTORS_HPP
#define TRIVIT_VECTORS_HPP

#include "types.hpp"

#if !TRIVIT_ARRAY_AS_HARDWARE
#include <cfloat>
#include <cstring>
#if defined(__AVX2__)
// g++ 12 warns of its own header's undefined vectors where they are inlined.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#include <immintrin.h>
#pragma GCC diagnostic pop
#elif defined(__ARM_NEON) && defined(__aarch64__)
#include <arm_neon.h>
#endif
#endif

namespace trivit {

#if TRIVIT_ARRAY_AS_HARDWARE

struct Vectors {
    typedef int32_t Int;
    typedef int64_t Exact;
    static const int kWidth = 1;
};

#else

static_assert(FLT_EVAL_METHOD == 0, "doubles are rounded where they are added");

inline int32_t load_pair(const int16_t* x) {
    int32_t pair;
    std::memcpy(&pair, x, sizeof(pair));
    return pair;
}

#if defined(__AVX2__)
// Keeps g++ from adding products to each other before it adds them to their sum: that takes more
// registers than there are.
template <class Sums>
inline Sums in_place(Sums sums) {
    __asm__("" : "+x"(sums));
    return sums;
}
#endif

#if defined(__AVX512BW__) && defined(__AVX512VL__)

struct Vectors {
#if defined(__AVX512VNNI__)
    static const char* name() { return "AVX-512 VNNI"; }
#else
    static const char* name() { return "AVX-512"; }
#endif

    typedef __v8si Int;
    typedef __m512d Exact;
    typedef __v8di Wide;
    static const int kWidth = 8;

    static Int load(const int16_t* x) {
        return Int(_mm256_cvtepi16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))));
    }
    static Int load(const int32_t* x) {
        return Int(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(x)));
    }
    static Exact load(const double* x) { return _mm512_loadu_pd(x); }
    static void store(Int x, int32_t* result) {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(result), __m256i(x));
    }
    static Int lookup(const int32_t* table, Int index) {
        return Int(_mm256_i32gather_epi32(table, __m256i(index), sizeof(*table)));
    }
    static Int lane_mask(uint32_t lanes) {
        return Int(_mm256_maskz_set1_epi32(__mmask8(lanes), -1));
    }
    static Exact widen(Int x) { return _mm512_cvtepi32_pd(__m256i(x)); }
    static Int truncate(Exact x) { return Int(_mm512_cvttpd_epi32(x)); }
    static Exact clamp(Exact x, double low, double high) {
        return _mm512_min_pd(_mm512_max_pd(x, _mm512_set1_pd(low)), _mm512_set1_pd(high));
    }
    static uint32_t requantize(Exact x, int16_t* result) {
        const __m256i rounded = _mm512_cvtpd_epi32(clamp(x, -32768.0, 32767.0));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(result), _mm256_cvtepi32_epi16(rounded));
        return _mm512_cmp_pd_mask(x, _mm512_set1_pd(-32768.5), _CMP_LT_OQ) |
               _mm512_cmp_pd_mask(x, _mm512_set1_pd(32767.5), _CMP_GE_OQ);
    }

    static Wide load_wide(const int16_t* x) {
        return Wide(_mm512_cvtepi16_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))));
    }
    static void store(Wide x, int16_t* result) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(result), _mm512_cvtepi64_epi16(__m512i(x)));
    }
    static Wide multiply(Wide a, Wide b) { return Wide(_mm512_mul_epi32(__m512i(a), __m512i(b))); }
    static Wide shift_right(Wide x, Wide by) { return x >> by; }

    typedef __m512i Sums;
    typedef __m512i Pair;
    static const int kSumLanes = 16;
    static const int kRows = 4;
    static const int kVectors = 2;

    static Sums zero() { return _mm512_setzero_si512(); }
    static Pair broadcast(const int16_t* x) { return _mm512_set1_epi32(load_pair(x)); }
    static Sums accumulate(Sums sums, const int16_t* weights, Pair x) {
        const __m512i w = _mm512_load_si512(weights);
#if defined(__AVX512VNNI__)
        return _mm512_dpwssd_epi32(sums, w, x);
#else
        return in_place(_mm512_add_epi32(sums, _mm512_madd_epi16(w, x)));
#endif
    }

    typedef __m512d Doubles;
    static const int kSumRows = 4;
    static const int kSumVectors = 4;
};

#elif defined(__AVX2__)

struct Vectors {
#if defined(__AVXVNNI__)
    static const char* name() { return "AVX2 VNNI"; }
#else
    static const char* name() { return "AVX2"; }
#endif

    typedef __v4si Int;
    typedef __m256d Exact;
    typedef __v4di Wide;
    static const int kWidth = 4;

    static Int load(const int16_t* x) {
        return Int(_mm_cvtepi16_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(x))));
    }
    static Int load(const int32_t* x) {
        return Int(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
    }
    static Exact load(const double* x) { return _mm256_loadu_pd(x); }
    static void store(Int x, int32_t* result) {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(result), __m128i(x));
    }
    static Int lookup(const int32_t* table, Int index) {
        return Int(_mm_i32gather_epi32(table, __m128i(index), sizeof(*table)));
    }
    static Int lane_mask(uint32_t lanes) { return (Int{1, 2, 4, 8} & int32_t(lanes)) != 0; }
    static Exact widen(Int x) { return _mm256_cvtepi32_pd(__m128i(x)); }
    static Int truncate(Exact x) { return Int(_mm256_cvttpd_epi32(x)); }
    static Exact clamp(Exact x, double low, double high) {
        return _mm256_min_pd(_mm256_max_pd(x, _mm256_set1_pd(low)), _mm256_set1_pd(high));
    }
    static uint32_t requantize(Exact x, int16_t* result) {
        const __m128i rounded = _mm256_cvtpd_epi32(clamp(x, -32768.0, 32767.0));
        _mm_storel_epi64(reinterpret_cast<__m128i*>(result), _mm_packs_epi32(rounded, rounded));
        return uint32_t(_mm256_movemask_pd(
            _mm256_or_pd(_mm256_cmp_pd(x, _mm256_set1_pd(-32768.5), _CMP_LT_OQ),
                         _mm256_cmp_pd(x, _mm256_set1_pd(32767.5), _CMP_GE_OQ))));
    }

    static Wide load_wide(const int16_t* x) {
        return Wide(_mm256_cvtepi16_epi64(_mm_loadl_epi64(reinterpret_cast<const __m128i*>(x))));
    }
    static void store(Wide x, int16_t* result) {
        const __m256i places =
            _mm256_setr_epi8(0, 1, 8, 9, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
                             -1, 0, 1, 8, 9, -1, -1, -1, -1, -1, -1, -1, -1);
        const __m256i halves = _mm256_shuffle_epi8(__m256i(x), places);
        _mm_storel_epi64(
            reinterpret_cast<__m128i*>(result),
            _mm_or_si128(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1)));
    }
    static Wide multiply(Wide a, Wide b) { return Wide(_mm256_mul_epi32(__m256i(a), __m256i(b))); }
    static Wide shift_right(Wide x, Wide by) {
        const __v4du top = __v4du{} + (uint64_t(1) << 63);
        return Wide(((__v4du(x) + top) >> __v4du(by)) - (top >> __v4du(by)));
    }

    typedef __m256i Sums;
    typedef __m256i Pair;
    static const int kSumLanes = 8;
    static const int kRows = 4;
    static const int kVectors = 1;

    static Sums zero() { return _mm256_setzero_si256(); }
    static Pair broadcast(const int16_t* x) { return _mm256_set1_epi32(load_pair(x)); }
    static Sums accumulate(Sums sums, const int16_t* weights, Pair x) {
        const __m256i w = _mm256_load_si256(reinterpret_cast<const __m256i*>(weights));
#if defined(__AVXVNNI__)
        return _mm256_dpwssd_avx_epi32(sums, w, x);
#else
        return in_place(_mm256_add_epi32(sums, _mm256_madd_epi16(w, x)));
#endif
    }

    typedef __m256d Doubles;
    static const int kSumRows = 4;
    static const int kSumVectors = 3;
};

#elif defined(__ARM_NEON) && defined(__aarch64__)

struct Vectors {
    static const char* name() { return "NEON"; }

    typedef int32x2_t Int;
    typedef float64x2_t Exact;
    typedef int64x2_t Wide;
    static const int kWidth = 2;

    static Int load(const int16_t* x) { return Int{x[0], x[1]}; }
    static Int load(const int32_t* x) { return vld1_s32(x); }
    static Exact load(const double* x) { return vld1q_f64(x); }
    static void store(Int x, int32_t* result) { vst1_s32(result, x); }
    static Int lookup(const int32_t* table, Int index) {
        return Int{table[index[0]], table[index[1]]};
    }
    static Int lane_mask(uint32_t lanes) { return (Int{1, 2} & int32_t(lanes)) != 0; }
    static Exact widen(Int x) { return vcvtq_f64_s64(vmovl_s32(x)); }
    static Int truncate(Exact x) { return vmovn_s64(vcvtq_s64_f64(x)); }
    static Exact clamp(Exact x, double low, double high) {
        return vminq_f64(vmaxq_f64(x, vdupq_n_f64(low)), vdupq_n_f64(high));
    }
    static uint32_t requantize(Exact x, int16_t* result) {
        const int64x2_t rounded = vcvtnq_s64_f64(clamp(x, -32768.0, 32767.0));
        result[0] = int16_t(rounded[0]);
        result[1] = int16_t(rounded[1]);
        const uint64x2_t changed =
            vorrq_u64(vcltq_f64(x, vdupq_n_f64(-32768.5)), vcgeq_f64(x, vdupq_n_f64(32767.5)));
        return uint32_t(changed[0] & 1) | uint32_t(changed[1] & 2);
    }

    static Wide load_wide(const int16_t* x) { return Wide{x[0], x[1]}; }
    static void store(Wide x, int16_t* result) {
        result[0] = int16_t(x[0]);
        result[1] = int16_t(x[1]);
    }
    static Wide multiply(Wide a, Wide b) { return vmull_s32(vmovn_s64(a), vmovn_s64(b)); }
    static Wide shift_right(Wide x, Wide by) { return vshlq_s64(x, -by); }

    typedef int32x4_t Sums;
    typedef int16x4_t Pair;  // in its first two lanes
    static const int kSumLanes = 4;
    static const int kRows = 4;
    static const int kVectors = 2;

    static Sums zero() { return vdupq_n_s32(0); }
    static Pair broadcast(const int16_t* x) {
        return vreinterpret_s16_s32(vdup_n_s32(load_pair(x)));
    }
    static Sums accumulate(Sums sums, const int16_t* weights, Pair x) {
        const int16x4x2_t w = vld2_s16(weights);
        return vmlal_lane_s16(vmlal_lane_s16(sums, w.val[0], x, 0), w.val[1], x, 1);
    }

    typedef float64x2_t Doubles;
    static const int kSumRows = 4;
    static const int kSumVectors = 4;
};

#else

struct Vectors {
    static const char* name() { return "plain"; }

    typedef int32_t Int;
    typedef double Exact;
    typedef int64_t Wide;
    static const int kWidth = 1;

    static Int load(const int16_t* x) { return *x; }
    static Int load(const int32_t* x) { return *x; }
    static Exact load(const double* x) { return *x; }
    static void store(Int x, int32_t* result) { *result = x; }
    static Int lookup(const int32_t* table, Int index) { return table[index]; }
    static Int lane_mask(uint32_t lanes) { return -int32_t(lanes & 1); }
    static Exact widen(Int x) { return x; }
    static Int truncate(Exact x) { return Int(x); }
    static Exact clamp(Exact x, double low, double high) {
        return x < low ? low : x > high ? high : x;
    }
    static uint32_t requantize(Exact x, int16_t* result) {
        const double no_fraction = 6755399441055744.0;  // 1.5 * 2^52
        *result = int16_t((clamp(x, -32768.0, 32767.0) + no_fraction) - no_fraction);
        return x < -32768.5 || x >= 32767.5 ? 1 : 0;
    }

    static Wide multiply(Wide a, Wide b) { return a * b; }
    static Wide shift_right(Wide x, Wide by) { return x >> by; }

    typedef int32_t Sums __attribute__((vector_size(16)));
    struct Pair {
        int32_t first;
        int32_t second;
    };
    static const int kSumLanes = 4;
    static const int kRows = 2;
    static const int kVectors = 1;

    static Sums zero() { return Sums{0, 0, 0, 0}; }
    static Pair broadcast(const int16_t* x) { return Pair{x[0], x[1]}; }
    static Sums accumulate(Sums sums, const int16_t* weights, Pair x) {
        for (int i = 0; i < kSumLanes; ++i)
            sums[i] += weights[2 * i] * x.first + weights[2 * i + 1] * x.second;
        return sums;
    }

    typedef double Doubles __attribute__((vector_size(16)));
    static const int kSumRows = 4;
    static const int kSumVectors = 2;
};

#endif

#endif

}  // namespace trivit

#endif
