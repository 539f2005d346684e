// The timeline of an image (docs/cycles.md): fetcher, parameter stream and executor side by side.
// The kernel's functions say what they move and compute; here it is placed in time. Nothing of this
// is in the synthesised kernel.
#ifndef TRIVIT_TIMELINE_HPP
#define TRIVIT_TIMELINE_HPP

#include "cycles.hpp"

namespace trivit {

static const uint32_t kMinTileDepth = kWeightDepth / kWeightTiles;

static_assert(kWeightDepth % kWeightTiles == 0, "the ring divides into tiles");

#ifdef __SYNTHESIS__

class Timeline {
public:
    void begin_image() {}
    void begin_instruction(uint32_t) {}
    void claim(uint32_t) {}
    void await_vector_buffer() {}
    void bring(uint32_t) {}
    void begin() {}
    void begin_on_ports() {}
    void run(Cycles) {}
    void release() {}
    void end_on_ports() {}
    void end_vector_buffer() {}
    uint64_t instruction_cycles() const { return 0; }
};

#else

class Timeline {
public:
    Timeline() { begin_image(); }

    void begin_image() {
        now_ = port_ = claimed_ = before_ = descriptor_ = needed_ = earliest_ = 0;
        vector_end_[0] = vector_end_[1] = 0;
        open_ = false;
        first_ = count_ = used_ = 0;
    }

    // The fetcher knows instruction `index` of the program from here on.
    void begin_instruction(uint32_t index) {
        before_ = now_;
        needed_ = earliest_ = 0;
        descriptor_ = kBurstLatency + uint64_t(kDescriptorWords / 4) * (index + 1) + kDecode;
    }

    // The stream claims depth words of the weight ring; the executor gives them back with
    // release().
    void claim(uint32_t words) {
        while (used_ + words > uint32_t(kWeightDepth)) {
            used_ -= words_[first_];
            if (release_[first_] > claimed_) claimed_ = release_[first_];
            first_ = (first_ + 1) % kWeightDepth;
            --count_;
        }
        const uint32_t last = (first_ + count_) % kWeightDepth;
        words_[last] = words;
        release_[last] = 0;
        used_ += words;
        ++count_;
        earliest_ = claimed_;
        if (claimed_ > needed_) needed_ = claimed_;
    }

    // One of two buffers for gamma and beta, free when the layernorm before the previous one ended.
    void await_vector_buffer() { earliest_ = vector_end_[0]; }

    // The stream moves `beats` words on each port, as soon as ports and buffer allow.
    void bring(uint32_t beats) {
        uint64_t start = port_ > earliest_ ? port_ : earliest_;
        if (descriptor_ > start) start = descriptor_;
        port_ = start + (open_ ? 0 : kBurstLatency) + beats;
        open_ = true;
        needed_ = port_;
    }

    // The executor goes on when everything claimed and brought so far is there.
    void begin() {
        if (descriptor_ > now_) now_ = descriptor_;
        if (needed_ > now_) now_ = needed_;
    }

    void begin_on_ports() {
        needed_ = port_;
        begin();
    }

    void run(Cycles cycles) { now_ += cycles.count(); }

    // The newest claim is free again.
    void release() { release_[(first_ + count_ - 1) % kWeightDepth] = now_; }

    void end_on_ports() {
        port_ = now_;
        open_ = false;
    }

    void end_vector_buffer() {
        vector_end_[0] = vector_end_[1];
        vector_end_[1] = now_;
    }

    uint64_t instruction_cycles() const { return now_ - before_; }

private:
    uint64_t now_;         // the executor
    uint64_t port_;        // the parameter ports are free
    uint64_t claimed_;     // last claim of weight memory
    uint64_t descriptor_;  // the instruction is known
    uint64_t earliest_;    // the buffer of the next transfer is free
    uint64_t needed_;      // the operands are there
    uint64_t before_;      // the executor at the start of the instruction
    uint64_t vector_end_[2];
    bool open_;
    // The ring: claims in order, each of one word at least.
    uint64_t release_[kWeightDepth];
    uint32_t words_[kWeightDepth];
    uint32_t first_;
    uint32_t count_;
    uint32_t used_;
};

#endif

}  // namespace trivit

#endif
