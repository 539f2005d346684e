// Words, banks and sizes that every unit shares.
#ifndef TRIVIT_TYPES_HPP
#define TRIVIT_TYPES_HPP

#include <cstdint>

#include "../../generated/kernel_spec.hpp"

#ifdef __SYNTHESIS__
#include <ap_int.h>
#endif

// The array in the accelerator's order, or as a processor likes it (mac_array.hpp).
#if defined(__SYNTHESIS__) || defined(TRIVIT_HARDWARE_ORDER)
#define TRIVIT_ARRAY_AS_HARDWARE 1
#else
#define TRIVIT_ARRAY_AS_HARDWARE 0
#endif

// Before a function that must become a part of its caller's loop.
#ifdef __SYNTHESIS__
#define TRIVIT_INLINE inline
#else
#define TRIVIT_INLINE __attribute__((always_inline)) inline
#endif

namespace trivit {

static const int kLanes = kTileDepth;  // int16 elements in a memory word
static const int kBanks = kTileTokens;
static const int kOutputs = kTileOutputs;
static const int kWordsPerTile = kOutputs / kLanes;  // words that a column tile adds to a row
static const int kMaxGroups = kMaxTokens / kBanks;   // groups of eight rows
static const int kMaxRowWords = (kMaxTokens + kLanes - 1) / kLanes;
static const int kMaxMaskWords = (kMaxTokens + 16 * kLanes - 1) / (16 * kLanes);

static_assert(kLanes == 8, "a descriptor of 32 32-bit words is eight memory words of 128 bits");
static_assert(kOutputs % kLanes == 0, "a column tile writes whole words");
static_assert(kMaxTokens % kBanks == 0, "row groups fill every bank");
static_assert(kMaxTokens % kLanes == 0, "a row of keys fills whole words");
static_assert(kBanks == kLanes, "V is transposed in square blocks of banks x lanes");
static_assert(kParamPorts == 4 && kWordsPerTile <= kParamPorts,
              "a port brings the eight outputs of one word of a column tile");
static_assert(kBanks == 2 * kParamPorts, "rows p, p + 4, ... lie in two banks of their own");
static_assert(kDescriptorWords * 32 == 8 * 16 * kLanes, "a descriptor is eight memory words");

// One 128-bit memory word.
struct word_t {
    int16_t lane[kLanes];
};

static_assert(sizeof(word_t) == 16, "the host, the AXI ports and the kernel agree on 16 bytes");

// Sum of products: 48 bits, a DSP48E2's accumulator. The compiler refuses programs whose sums could
// leave them, so 64-bit integers and doubles hold the same values.
#ifdef __SYNTHESIS__
typedef ap_int<48> acc_t;
#elif TRIVIT_ARRAY_AS_HARDWARE
typedef int64_t acc_t;
#else
typedef double acc_t;
#endif

// A descriptor checker or an index check found something that stops the program.
inline bool failed(Error error) { return error != Error::ok; }

inline uint32_t ceil_div(uint32_t value, uint32_t divisor) {
    return (value + divisor - 1) / divisor;
}

inline uint32_t row_groups(uint32_t rows) { return ceil_div(rows, kBanks); }

inline uint32_t minimum(uint32_t a, uint32_t b) { return a < b ? a : b; }

inline word_t zero_word() {
    word_t word;
    for (int lane = 0; lane < kLanes; ++lane) {
        word.lane[lane] = 0;
    }
    return word;
}

}  // namespace trivit

#endif
