// Cutting an image into patches (docs/numerics.md; docs/cycles.md, patchify).
#ifndef TRIVIT_PATCHIFY_HPP
#define TRIVIT_PATCHIFY_HPP

#include "activation_memory.hpp"
#include "cycles.hpp"
#include "stream.hpp"

namespace trivit {

// Scatters the image, which arrives as (channel, y, x) words, into patch rows. A segment of
// gcd(patch, 8) elements never straddles a word on either side, so one segment moves per cycle
// with the lanes of a destination word written apart (no read-modify-write).
class PatchSink {
public:
    PatchSink(const PatchifyFields& f, uint32_t words, ActivationMemory& activation)
        : activation_(activation),
          patch_(f.patch),
          columns_(f.width / f.patch),
          dst_(f.dst),
          words_(words),
          segment_(f.patch % 8 == 0 ? 8 : f.patch % 4 == 0 ? 4 : f.patch % 2 == 0 ? 2 : 1),
          grid_rows_(f.height / f.patch),
          left_(uint64_t(f.channels) * f.height * f.width),
          x_(0),
          y_(0),
          grid_x_(0),
          grid_y_(0),
          line_(0) {}

    void put(const word_t& word) {
        for (uint32_t first = 0; first < uint32_t(kLanes); first += segment_) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
#pragma HLS PIPELINE II = 1
            if (left_ == 0) return;
            scatter(word, first);
            left_ -= segment_;
            advance();
            loop_.tick();
        }
    }

    Cycles cycles() const { return loop_.cycles(); }

private:
    void scatter(const word_t& word, uint32_t first) {
        const uint32_t row = 1 + grid_y_ * columns_ + grid_x_;
        const uint32_t element = line_ + x_;
        const uint32_t address = dst_ + row / kBanks * words_ + element / kLanes;
        const uint32_t target = element % kLanes;
        for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
#pragma HLS UNROLL
            if (lane >= target && lane < target + segment_) {
                activation_.bank[row % kBanks][address].lane[lane] =
                    word.lane[first + lane - target];
            }
        }
    }

    // Next segment of the image: within the patch, the next patch, the next line, the next channel.
    void advance() {
        x_ += segment_;
        if (x_ < patch_) return;
        x_ = 0;
        if (++grid_x_ < columns_) return;
        grid_x_ = 0;
        line_ += patch_;  // a patch row's element of this (channel, y)
        if (++y_ < patch_) return;
        y_ = 0;
        if (++grid_y_ < grid_rows_) {
            line_ -= patch_ * patch_;  // same channel, first line of the patches below
            return;
        }
        grid_y_ = 0;  // next channel: line_ already points behind this one
    }

    ActivationMemory& activation_;
    uint32_t patch_;
    uint32_t columns_;
    uint32_t dst_;
    uint32_t words_;
    uint32_t segment_;
    uint32_t grid_rows_;
    uint64_t left_;
    uint32_t x_;
    uint32_t y_;
    uint32_t grid_x_;
    uint32_t grid_y_;
    uint32_t line_;
    LoopCounter loop_;
};

// region: first word of the image's input region.
template <class InputPort>
Cycles patchify(const PatchifyFields& f, uint64_t region, InputPort& input,
                ActivationMemory& activation) {
#pragma HLS INLINE
    const uint32_t rows = 1 + (f.height / f.patch) * (f.width / f.patch);
    const uint32_t words = ceil_div(f.channels * f.patch * f.patch, kLanes);
    LoopCounter clearing;
    for (uint32_t group = 0; group < row_groups(rows); ++group) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
        for (uint32_t word = 0; word < words; ++word) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 384
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
            for (uint32_t m = 0; m < uint32_t(kBanks); ++m) {
#pragma HLS UNROLL
                if (group * kBanks + m >= rows) continue;
                activation.bank[m][f.dst + group * words + word] = zero_word();
            }
            clearing.tick();
        }
    }
    PatchSink sink(f, words, activation);
    const uint64_t pixels = uint64_t(f.channels) * f.height * f.width;
    const Cycles arriving =
        stream_in(input, region + f.source, uint32_t((pixels + kLanes - 1) / kLanes), sink);
    return clearing.cycles() + overlap(arriving, sink.cycles());
}

}  // namespace trivit

#endif
