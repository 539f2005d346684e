// What the generated checks of descriptors are made of (docs/numerics.md, Checks). All sums and
// products of fields are 64 bits wide, so no field value can make a check overflow.
#ifndef TRIVIT_CHECKS_HPP
#define TRIVIT_CHECKS_HPP

#include "types.hpp"

namespace trivit {

// Words of each DDR region that a program may touch.
struct Regions {
    uint32_t params;
    uint32_t input;   // per image
    uint32_t output;  // per image
};

// A uint64 field of 2^63 or more is negative here, and below `least`.
inline bool in_range(int64_t value, int64_t least, int64_t most) {
    return value >= least && value <= most;
}

// rows and words have been checked.
inline bool tensor_fits(uint32_t address, int64_t rows, int64_t words) {
    return address + (rows + kTileTokens - 1) / kTileTokens * words <= kProgramDepth;
}

inline bool region_fits(uint32_t first, int64_t rows, int64_t words, uint32_t size) {
    return first + rows * words <= int64_t(size);
}

// Flag bits that an opcode lacks.
inline bool flags_known(uint32_t head, uint32_t known) { return ((head >> 8) & ~known) == 0; }

}  // namespace trivit

#include "../../generated/checks.hpp"

#endif
