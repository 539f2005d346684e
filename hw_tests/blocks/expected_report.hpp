// The report that a block must make, as docs/accelerator-training.md lays it out.
#ifndef TRIVIT_BLOCKS_EXPECTED_REPORT_HPP
#define TRIVIT_BLOCKS_EXPECTED_REPORT_HPP

#include <algorithm>
#include <cstdlib>

#include "trivit/blocks/commands.hpp"

namespace expected {

inline trivit::blocks::Report report(uint64_t tag, uint64_t saturated = 0, int largest = 0) {
    return trivit::blocks::Report(tag << 52 | uint64_t(largest) << 24 | (saturated & 0xffffff));
}

inline int larger(int largest, int value) { return std::max(largest, std::abs(value)); }

}  // namespace expected

#endif
