// On-chip activations: eight banks, row r of a tensor in bank r mod 8 (docs/numerics.md).
#ifndef TRIVIT_ACTIVATION_MEMORY_HPP
#define TRIVIT_ACTIVATION_MEMORY_HPP

#include "types.hpp"

namespace trivit {

struct ActivationMemory {
    word_t bank[kBanks][kProgramDepth];
};

// Walks the words of a tensor row by row with running counters instead of divisions.
class RowCursor {
public:
    RowCursor(uint32_t address, uint32_t words)
        : words_(words), base_(address), bank_(0), word_(0) {}

    uint32_t bank() const { return bank_; }
    uint32_t address() const { return base_ + word_; }

    void advance() {
        if (++word_ < words_) return;
        word_ = 0;
        if (++bank_ < uint32_t(kBanks)) return;
        bank_ = 0;
        base_ += words_;
    }

private:
    uint32_t words_;
    uint32_t base_;  // address of the current group of eight rows
    uint32_t bank_;
    uint32_t word_;
};

}  // namespace trivit

#endif
