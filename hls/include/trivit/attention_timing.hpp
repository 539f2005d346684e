// When attention's processes end each step (docs/cycles.md, attention). Absent from the synthesised
// kernel.
#ifndef TRIVIT_ATTENTION_TIMING_HPP
#define TRIVIT_ATTENTION_TIMING_HPP

#include "cycles.hpp"

namespace trivit {

#ifdef __SYNTHESIS__

class AttentionTiming {
public:
    void softmax(uint32_t, Cycles, Cycles, Cycles, Cycles) {}
    void context(uint32_t, Cycles) {}
    void move(Cycles) {}
    void store(Cycles) {}
    void end_step() {}
    Cycles probabilities_end(uint32_t) const { return Cycles(); }
    Cycles cycles() const { return Cycles(); }
};

#else

class AttentionTiming {
public:
    AttentionTiming() : clock_(0), array_(0), moved_(0), output_(0), written_(0) {
        for (int i = 0; i < kSteps; ++i) {
            rounded_[i] = exponentials_[i] = probabilities_[i] = 0;
        }
    }

    // A step's scores on the array, and its way through the three processes behind it.
    void softmax(uint32_t t, Cycles scores, Cycles rounding, Cycles exponentials,
                 Cycles probabilities) {
        array_ = latest(array_, ended(rounded_, t, 2)) + scores.count();
        const uint64_t rounded = latest(latest(array_ + kPipelineDepth, ended(rounded_, t, 1)),
                                        ended(exponentials_, t, kSoftmaxBuffers)) +
                                 rounding.count();
        const uint64_t powers = latest(latest(rounded + kPipelineDepth, ended(exponentials_, t, 1)),
                                       ended(probabilities_, t, kSoftmaxBuffers)) +
                                exponentials.count();
        const uint64_t last =
            latest(powers + kPipelineDepth, ended(probabilities_, t, 1)) + probabilities.count();
        rounded_[t % kSteps] = rounded;
        exponentials_[t % kSteps] = powers;
        probabilities_[t % kSteps] = last;
    }

    // When a step's last probabilities left their process.
    Cycles probabilities_end(uint32_t t) const { return Cycles(probabilities_[t % kSteps]); }

    // The product with V of an earlier step.
    void context(uint32_t step, Cycles products) {
        array_ = latest(array_, probabilities_[step % kSteps] + kPipelineDepth) + products.count();
    }

    // Keys and values of the next head; what was moved is in the weight memory D later.
    void move(Cycles moves) {
        moved_ = clock_ + moves.count();
        output_ = moved_;
        written_ = moves.count() == 0 ? 0 : moved_ + kPipelineDepth;
    }

    // The output of a product that ended in the step before.
    void store(Cycles words) { output_ = latest(moved_, clock_ + kPipelineDepth) + words.count(); }

    void end_step() {
        clock_ = latest(latest(array_, output_), written_);
        array_ = clock_;
    }

    Cycles cycles() const { return Cycles(clock_); }

private:
    static const int kSteps = kAttentionLag + kSoftmaxBuffers + 1;  // ends that are still asked for

    static uint64_t latest(uint64_t a, uint64_t b) { return a > b ? a : b; }
    static uint64_t ended(const uint64_t (&ends)[kSteps], uint32_t t, uint32_t before) {
        return t < before ? 0 : ends[(t - before) % kSteps];
    }

    uint64_t clock_;
    uint64_t array_;
    uint64_t moved_;
    uint64_t output_;
    uint64_t written_;
    uint64_t rounded_[kSteps];
    uint64_t exponentials_[kSteps];
    uint64_t probabilities_[kSteps];
};

#endif

}  // namespace trivit

#endif
