// Modelled cycles (docs/cycles.md): counted where the loops run, absent from the synthesised
// kernel.
#ifndef TRIVIT_CYCLES_HPP
#define TRIVIT_CYCLES_HPP

#include "types.hpp"

namespace trivit {

#ifdef __SYNTHESIS__

class Cycles {
public:
    Cycles& operator+=(Cycles) { return *this; }
    uint64_t count() const { return 0; }
};
inline Cycles operator+(Cycles, Cycles) { return Cycles(); }
inline Cycles overlap(Cycles, Cycles) { return Cycles(); }
inline Cycles transfer(uint64_t) { return Cycles(); }
inline Cycles drain(uint32_t) { return Cycles(); }

class LoopCounter {
public:
    void tick() {}
    void add(uint64_t) {}
    Cycles issued() const { return Cycles(); }
    Cycles cycles() const { return Cycles(); }
};

#else

class Cycles {
public:
    Cycles() : count_(0) {}
    explicit Cycles(uint64_t count) : count_(count) {}
    Cycles& operator+=(Cycles other) {
        count_ += other.count_;
        return *this;
    }
    uint64_t count() const { return count_; }

private:
    uint64_t count_;
};

// One after the other.
inline Cycles operator+(Cycles a, Cycles b) { return Cycles(a.count() + b.count()); }

// At the same time.
inline Cycles overlap(Cycles a, Cycles b) { return a.count() > b.count() ? a : b; }

// Consecutive words between DDR and the chip, one per cycle after the first.
inline Cycles transfer(uint64_t words) { return Cycles(kBurstLatency + words); }

// Pipelines that empty one after the other.
inline Cycles drain(uint32_t pipelines) { return Cycles(uint64_t(pipelines) * kPipelineDepth); }

// Counts the iterations of one pipelined loop at II=1: tick() in its innermost body.
class LoopCounter {
public:
    LoopCounter() : iterations_(0) {}
    void tick() { ++iterations_; }
    void add(uint64_t iterations) {
        iterations_ += iterations;
    }  // where a body does several at once
    Cycles issued() const { return Cycles(iterations_); }
    Cycles cycles() const { return Cycles(iterations_ + kPipelineDepth); }

private:
    uint64_t iterations_;
};

#endif

}  // namespace trivit

#endif
