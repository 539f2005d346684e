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
class PatchWriter {
public:
    PatchWriter(const PatchifyFields& f, uint32_t words, ActivationMemory& activation)
        : activation_(activation),
          patch_(f.patch),
          columns_(f.width / f.patch),
          dst_(f.dst),
          words_(words),
          segment_(f.patch % 8 == 0   ? 8
                   : f.patch % 4 == 0 ? 4
                   : f.patch % 2 == 0 ? 2
                                      : 1),
          grid_rows_(f.height / f.patch),
          x_(0),
          y_(0),
          grid_x_(0),
          grid_y_(0),
          line_(0) {}

    uint32_t segment() const { return segment_; }

    // Take the segment of an image word that begins at lane `first`.
    void put(const word_t& word, uint32_t first) {
        scatter(word, first);
        advance();
    }

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
    uint32_t x_;
    uint32_t y_;
    uint32_t grid_x_;
    uint32_t grid_y_;
    uint32_t line_;
};

// Read the image and spread it; the next burst arrives while a chunk is spread.
template <class InputPort>
Cycles scatter_image(uint64_t offset, uint32_t pixels, InputPort& input, PatchWriter& writer) {
#pragma HLS INLINE
    LoopCounter loop;
    const uint32_t words = ceil_div(pixels, kLanes);
    const uint32_t segments_per_word = kLanes / writer.segment();
    uint32_t left = pixels / writer.segment();
    for (uint32_t first = 0; first < words; first += kBurstWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 312
#pragma HLS DATAFLOW
        word_t chunk[kBurstWords];
        const uint32_t size = minimum(words - first, kBurstWords);
        const uint32_t segments = minimum(left, size * segments_per_word);
        input.read(offset + first, size, chunk);
        uint32_t word = 0;
        uint32_t lane = 0;
        for (uint32_t i = 0; i < segments; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 2048
#pragma HLS PIPELINE II = 1
            writer.put(chunk[word], lane);
            lane += writer.segment();
            if (lane == uint32_t(kLanes)) {
                lane = 0;
                ++word;
            }
            loop.tick();
        }
        left -= segments;
    }
    return overlap(transfer(words), loop.cycles());
}

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
    PatchWriter writer(f, words, activation);
    const uint32_t pixels = f.channels * f.height * f.width;
    return clearing.cycles() + scatter_image(region + f.source, pixels, input, writer);
}

}  // namespace trivit

#endif
