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
    void settle() {}
    void follow(uint32_t, Cycles, Cycles, Cycles) {}
    void end_matmul(uint32_t, Cycles, bool, Cycles) {}
    void scores_complete(Cycles) {}
    bool behind_scores() const { return false; }
    void run_behind_scores(Cycles) {}
    void start_beside() {}
    void run_beside(Cycles, Cycles) {}
    void start_patches(Cycles) {}
    void await_patches(Cycles) {}
    uint64_t instruction_cycles() const { return 0; }
};

#else

class Timeline {
public:
    Timeline() { begin_image(); }

    void begin_image() {
        now_ = tail_ = port_ = claimed_ = before_ = descriptor_ = needed_ = earliest_ = 0;
        vector_end_[0] = vector_end_[1] = 0;
        complete_ = complete_before_ = side_begin_ = side_end_ = side_write_ = patches_ = 0;
        matmul_ = matmul_before_ = Matmul();
        open_ = beside_ = false;
        first_ = count_ = used_ = 0;
    }

    // The fetcher knows instruction `index` of the program from here on.
    void begin_instruction(uint32_t index) {
        before_ = now_;
        needed_ = earliest_ = 0;
        matmul_before_ = matmul_;
        matmul_ = Matmul();
        complete_before_ = complete_;
        complete_ = 0;
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

    // One of two buffers for gamma and beta, free when the normalising matmul before the
    // previous one ended.
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

    // Wait until everything issued is in memory.
    void settle() {
        now_ += tail_;
        tail_ = 0;
        if (!beside_) return;
        if (side_end_ > now_) now_ = side_end_;
        now_ += side_write_;
        beside_ = false;
    }

    // How far a matmul of `groups` row groups must keep behind the matmul directly before it, which
    // still writes its last rows; a block every `pace` cycles. Then the scales of the last rows,
    // and the index tensor. Called behind the first tile, whose pace the loops have counted.
    void follow(uint32_t groups, Cycles pace, Cycles scaling, Cycles reading) {
        uint64_t wait = tail_ + scaling.count();
        tail_ = 0;
        const Matmul& p = matmul_before_;
        const uint32_t common = p.groups < groups ? p.groups : groups;
        const uint32_t own = p.compacts ? 2 : 1;  // groups at a distance that is not shared
        if (common > own) {
            const uint64_t quicker = pace.count() < p.pace ? pace.count() : p.pace;
            const uint64_t hidden = (common - own) * quicker;
            wait = wait > hidden ? wait - hidden : 0;
        }
        now_ += wait + reading.count();
    }

    // All of a matmul is issued; what it wrote last, `tail` later. It wrote `groups` row groups.
    void end_matmul(uint32_t groups, Cycles pace, bool compacts, Cycles tail) {
        matmul_.groups = groups;
        matmul_.pace = pace.count();
        matmul_.compacts = compacts;
        tail_ = tail.count();
    }

    // The scores of [CLS] are complete so much after now, while attention goes on.
    void scores_complete(Cycles cycles) { complete_ = now_ + cycles.count(); }

    // Whether the instruction directly before was an attention that left scores.
    bool behind_scores() const { return complete_before_ != 0; }

    // A selection that begins when the scores are complete.
    void run_behind_scores(Cycles cycles) {
        const uint64_t start = complete_before_ > descriptor_ ? complete_before_ : descriptor_;
        if (start + cycles.count() > now_) now_ = start + cycles.count();
    }

    // A selection of connections begins; the executor goes on.
    void start_beside() { side_begin_ = now_; }

    // What it took, and what writing its mask takes after that.
    void run_beside(Cycles search, Cycles write) {
        beside_ = true;
        side_end_ = side_begin_ + search.count();
        side_write_ = write.count();
    }

    // The image comes over the ports, behind the first tile of the matmul that works on it.
    void start_patches(Cycles fetched) {
        patches_ = now_;
        port_ = now_ + fetched.count();
        open_ = false;
    }

    // The array waits for patches that are there so much after the start.
    void await_patches(Cycles ready) {
        if (patches_ + ready.count() > now_) now_ = patches_ + ready.count();
    }

    uint64_t instruction_cycles() const { return now_ - before_; }

private:
    // A matmul that the next instruction may follow; no groups: another instruction.
    struct Matmul {
        Matmul() : groups(0), pace(0), compacts(false) {}
        uint32_t groups;
        uint64_t pace;
        bool compacts;
    };

    uint64_t now_;         // the executor has issued everything before
    uint64_t tail_;        // so much later all that is in memory
    uint64_t port_;        // the parameter ports are free
    uint64_t claimed_;     // last claim of weight memory
    uint64_t descriptor_;  // the instruction is known
    uint64_t earliest_;    // the buffer of the next transfer is free
    uint64_t needed_;      // the operands are there
    uint64_t before_;      // the executor at the start of the instruction
    uint64_t vector_end_[2];
    uint64_t complete_;         // scores of [CLS], by this instruction
    uint64_t complete_before_;  // by the one before
    uint64_t side_begin_;       // a selection of connections beside the executor
    uint64_t side_end_;
    uint64_t side_write_;
    uint64_t patches_;  // the first request for the image
    Matmul matmul_;
    Matmul matmul_before_;
    bool beside_;  // that selection still runs
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
