// Cutting an image into patches (docs/numerics.md, patchify).
#ifndef TRIVIT_PATCHIFY_HPP
#define TRIVIT_PATCHIFY_HPP

#include "activation_memory.hpp"
#include "checks.hpp"
#include "multiply.hpp"
#include "ports.hpp"

namespace trivit {

// Largest patch: its square fills a row of kMaxDepthWords words.
static const uint32_t kMaxPatch = 64;
static const uint32_t kLinePixels = uint32_t(kMaxSide) / kBanks + kMaxPatch;

static_assert(kMaxPatch * kMaxPatch > uint32_t(kMaxDepthWords * kLanes), "no patch is larger");

// One image line for each port; the pixels of patch column c lie in memory c mod 8.
struct LineMemory {
    int16_t pixel[kParamPorts][kBanks][kLinePixels];
};

struct PatchShape {
    explicit PatchShape(const PatchifyFields& f)
        : patch(f.patch),
          columns(f.width / f.patch),
          width(f.width),
          lines(f.channels * f.height),
          segment(f.patch % 8 == 0   ? 8
                  : f.patch % 4 == 0 ? 4
                  : f.patch % 2 == 0 ? 2
                                     : 1),
          words(ceil_div(f.channels * f.patch * f.patch, kLanes)) {}

    uint32_t patch;
    uint32_t columns;
    uint32_t width;
    uint32_t lines;
    uint32_t segment;  // gcd(patch, 8) elements: never straddles a word of the image or of a row
    uint32_t words;
};

// Puts a line's segments into the line memory of their patch columns, in order.
class LineFiller {
public:
    LineFiller() : column_(0), x_(0), place_(0) {}

    void put(const PatchShape& shape, const int16_t* segment,
             int16_t (&line)[kBanks][kLinePixels]) {
        for (uint32_t i = 0; i < uint32_t(kLanes); ++i) {
            if (i < shape.segment) line[column_ % kBanks][place_ + x_ + i] = segment[i];
        }
        x_ += shape.segment;
        if (x_ < shape.patch) return;
        x_ = 0;
        if (++column_ % kBanks == 0) place_ += shape.patch;
        if (column_ < shape.columns) return;
        column_ = 0;
        place_ = 0;
    }

private:
    uint32_t column_;  // patch column
    uint32_t x_;       // pixel within the patch
    uint32_t place_;   // of the column in its line memory
};

// Where a line belongs: its place in the image, the patch row of its first patch, and its first
// element in these rows.
struct LinePlace {
    uint32_t line;
    uint32_t row;
    uint32_t element;
};

// Lines by channel, as the image has them.
class ImageOrder {
public:
    ImageOrder(const PatchifyFields& f, const PatchShape& shape)
        : shape_(shape), grid_rows_(f.height / f.patch), y_(0), grid_y_(0) {
        now_.line = now_.element = 0;
        now_.row = 1;
    }

    const LinePlace& now() const { return now_; }

    void advance() {
        ++now_.line;
        now_.element += shape_.patch;
        if (++y_ < shape_.patch) return;
        y_ = 0;
        if (++grid_y_ < grid_rows_) {
            now_.element -= shape_.patch * shape_.patch;
            now_.row += shape_.columns;
            return;
        }
        grid_y_ = 0;
        now_.row = 1;
    }

private:
    PatchShape shape_;
    uint32_t grid_rows_;
    uint32_t y_;       // line within the patch
    uint32_t grid_y_;  // row of patches
    LinePlace now_;
};

// Lines by row of patches, all channels of one before the next.
class BandOrder {
public:
    BandOrder(const PatchifyFields& f, const PatchShape& shape)
        : shape_(shape), height_(f.height), channels_(f.channels), y_(0), channel_(0), first_(0) {
        now_.line = now_.element = 0;
        now_.row = 1;
    }

    const LinePlace& now() const { return now_; }

    void advance() {
        ++now_.line;
        now_.element += shape_.patch;
        if (++y_ < shape_.patch) return;
        y_ = 0;
        now_.line += height_ - shape_.patch;
        if (++channel_ < channels_) return;
        channel_ = 0;
        first_ += shape_.patch;
        now_.line = first_;
        now_.element = 0;
        now_.row += shape_.columns;
    }

private:
    PatchShape shape_;
    uint32_t height_;
    uint32_t channels_;
    uint32_t y_;        // line within the patch
    uint32_t channel_;  // of the line
    uint32_t first_;    // line of this row of patches in channel 0
    LinePlace now_;
};

// Writes a line to its patch rows: a segment of eight neighbouring patches per iteration, which are
// neighbouring rows and so different banks.
inline void write_line(const PatchifyFields& f, const PatchShape& shape, const LinePlace& place,
                       const int16_t (&line)[kBanks][kLinePixels], ActivationMemory& activation) {
    for (uint32_t x = 0; x < shape.patch; x += shape.segment) {
        uint32_t pixel = x;
        for (uint32_t column = 0; column < shape.columns; column += kBanks) {
            const uint32_t element = place.element + x;
            const uint32_t first = place.row + column;
            const uint32_t address =
                f.dst + size_product(first / kBanks, shape.words) + element / kLanes;
            for (uint32_t b = 0; b < uint32_t(kBanks); ++b) {
                const uint32_t i = (b - first) % kBanks;  // the column that this bank takes
                if (column + i >= shape.columns) continue;
                const bool next = b < first % kBanks;  // in the row group after the first column's
                word_t& word = activation.bank[b][address + (next ? shape.words : 0)];
                for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
                    if (lane < shape.segment) {
                        word.lane[element % kLanes + lane] = line[i][pixel + lane];
                    }
                }
            }
            pixel += shape.patch;
        }
    }
}

// Zero the last word of every row, for the elements behind the patch, then row 0.
inline void clear_patches(const PatchifyFields& f, const PatchShape& shape, uint32_t rows,
                          ActivationMemory& activation) {
    const uint32_t groups = row_groups(rows);
    for (uint32_t i = 0; i < groups + shape.words; ++i) {
        for (uint32_t m = 0; m < uint32_t(kBanks); ++m) {
            const uint32_t last = f.dst + i * shape.words + shape.words - 1;
            if (i < groups && i * kBanks + m < rows) activation.bank[m][last] = zero_word();
        }
        if (i >= groups) activation.bank[0][f.dst + i - groups] = zero_word();
    }
}

// Four lines at a time, one from each port: lines are whole words.
template <class InputPorts>
void patchify_lines(const PatchifyFields& f, const PatchShape& shape, uint64_t region,
                    InputPorts& input, LineMemory& memory, ActivationMemory& activation) {
    const uint32_t line_words = shape.width / kLanes;
    BandOrder order(f, shape);
    for (uint32_t line = 0; line < shape.lines; line += kParamPorts) {
        LineFiller filler[kParamPorts];
        LinePlace place[kParamPorts];
        const uint32_t lines = minimum(kParamPorts, shape.lines - line);
        for (uint32_t p = 0; p < lines; ++p) {
            place[p] = order.now();
            order.advance();
        }
        for (uint32_t first = 0; first < line_words; first += kBurstWords) {
            word_t chunk[kParamPorts][kBurstWords];
            const uint32_t size = minimum(line_words - first, kBurstWords);
            uint64_t offset[kParamPorts];
            uint32_t count[kParamPorts];
            for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
                count[p] = p < lines ? size : 0;
                offset[p] = 0;
                if (p < lines) {
                    offset[p] = region + f.source + uint64_t(place[p].line) * line_words + first;
                }
            }
            input.read(offset, count, chunk);
            for (uint32_t i = 0; i < size; ++i) {
                for (uint32_t lane = 0; lane < uint32_t(kLanes); lane += shape.segment) {
                    for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
                        if (p < lines) {
                            filler[p].put(shape, &chunk[p][i].lane[lane], memory.pixel[p]);
                        }
                    }
                }
            }
        }
        for (uint32_t p = 0; p < lines; ++p) {
            write_line(f, shape, place[p], memory.pixel[p], activation);
        }
    }
}

// Lines that begin within words: all of them over port 0, in the image's order.
template <class InputPorts>
void patchify_stream(const PatchifyFields& f, const PatchShape& shape, uint64_t region,
                     InputPorts& input, LineMemory& memory, ActivationMemory& activation) {
    const uint32_t total = ceil_div(shape.lines * shape.width, kLanes);
    ImageOrder order(f, shape);
    LineFiller filler;
    uint32_t left = shape.width;  // pixels of the line that have not come
    uint32_t lines = shape.lines;
    for (uint32_t first = 0; first < total; first += kBurstWords) {
        word_t chunk[kParamPorts][kBurstWords];
        const uint64_t offset[kParamPorts] = {region + f.source + first, 0, 0, 0};
        const uint32_t count[kParamPorts] = {minimum(total - first, kBurstWords), 0, 0, 0};
        input.read(offset, count, chunk);
        for (uint32_t i = 0; i < count[0]; ++i) {
            for (uint32_t lane = 0; lane < uint32_t(kLanes); lane += shape.segment) {
                if (lines == 0) continue;  // behind the last pixel
                filler.put(shape, &chunk[0][i].lane[lane], memory.pixel[0]);
                left -= shape.segment;
                if (left != 0) continue;
                write_line(f, shape, order.now(), memory.pixel[0], activation);
                order.advance();
                left = shape.width;
                --lines;
            }
        }
    }
}

// region: first word of the image's input region.
template <class InputPorts>
void patchify(const PatchifyFields& f, uint64_t region, InputPorts& input, LineMemory& memory,
              ActivationMemory& activation) {
    const PatchShape shape(f);
    clear_patches(f, shape, 1 + (f.height / f.patch) * shape.columns, activation);
    if (f.width % kLanes == 0) {
        patchify_lines(f, shape, region, input, memory, activation);
    } else {
        patchify_stream(f, shape, region, input, memory, activation);
    }
}

}  // namespace trivit

#endif
