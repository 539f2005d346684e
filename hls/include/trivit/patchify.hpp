// Cutting an image into patches (docs/numerics.md; docs/cycles.md, patchify).
#ifndef TRIVIT_PATCHIFY_HPP
#define TRIVIT_PATCHIFY_HPP

#include "activation_memory.hpp"
#include "checks.hpp"
#include "cycles.hpp"
#include "multiply.hpp"
#include "patch_progress.hpp"
#include "ports.hpp"

namespace trivit {

// Largest patch: its square fills a row of kMaxDepthWords words.
static const uint32_t kMaxPatch = 64;
static const uint32_t kLinePixels = kMaxSide / kBanks + kMaxPatch;

static_assert(kMaxPatch * kMaxPatch > uint32_t(kMaxDepthWords * kLanes), "no patch is larger");
static_assert(kMaxGroups < kBurstLatency, "last words are cleared before the first pixel comes");

// One image line for each port; the pixels of patch column c lie in memory c mod 8, so that a
// segment of eight neighbouring patches is read in one cycle.
struct LineMemory {
    int16_t pixel[kParamPorts][kBanks][kLinePixels];
};

// Sizes that the three processes share.
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
#pragma HLS INLINE
        for (uint32_t i = 0; i < uint32_t(kLanes); ++i) {
#pragma HLS UNROLL
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
#pragma HLS INLINE
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

// Lines by row of patches, all channels of one before the next: so the patches of a row are
// complete as early as can be.
class BandOrder {
public:
    BandOrder(const PatchifyFields& f, const PatchShape& shape)
        : shape_(shape), height_(f.height), channels_(f.channels), y_(0), channel_(0), first_(0) {
        now_.line = now_.element = 0;
        now_.row = 1;
    }

    const LinePlace& now() const { return now_; }

    void advance() {
#pragma HLS INLINE
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
                       const int16_t (&line)[kBanks][kLinePixels], ActivationMemory& activation,
                       LoopCounter& loop) {
#pragma HLS INLINE
    for (uint32_t x = 0; x < shape.patch; x += shape.segment) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 55
        uint32_t pixel = x;
        for (uint32_t column = 0; column < shape.columns; column += kBanks) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 26
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
            const uint32_t element = place.element + x;
            const uint32_t first = place.row + column;
            const uint32_t address =
                f.dst + size_product(first / kBanks, shape.words) + element / kLanes;
            for (uint32_t b = 0; b < uint32_t(kBanks); ++b) {
#pragma HLS UNROLL
                const uint32_t i = (b - first) % kBanks;  // the column that this bank takes
                if (column + i >= shape.columns) continue;
                const bool next = b < first % kBanks;  // in the row group after the first column's
                word_t& word = activation.bank[b][address + (next ? shape.words : 0)];
                for (uint32_t lane = 0; lane < uint32_t(kLanes); ++lane) {
#pragma HLS UNROLL
                    if (lane < shape.segment) {
                        word.lane[element % kLanes + lane] = line[i][pixel + lane];
                    }
                }
            }
            pixel += shape.patch;
            loop.tick();
        }
    }
}

// Zero the last word of every row, for the elements behind the patch, then row 0.
inline Cycles clear_patches(const PatchifyFields& f, const PatchShape& shape, uint32_t rows,
                            ActivationMemory& activation) {
#pragma HLS INLINE
    LoopCounter loop;
    const uint32_t groups = row_groups(rows);
    for (uint32_t i = 0; i < groups + shape.words; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 2 max = 410
#pragma HLS PIPELINE II = 1
        for (uint32_t m = 0; m < uint32_t(kBanks); ++m) {
#pragma HLS UNROLL
            const uint32_t last = f.dst + i * shape.words + shape.words - 1;
            if (i < groups && i * kBanks + m < rows) activation.bank[m][last] = zero_word();
        }
        if (i >= groups) activation.bank[0][f.dst + i - groups] = zero_word();
        loop.tick();
    }
    return loop.cycles();
}

// Four lines at a time, one from each port: lines are whole words.
template <class InputPorts>
void patchify_lines(const PatchifyFields& f, const PatchShape& shape, uint64_t region,
                    InputPorts& input, LineMemory& memory, ActivationMemory& activation,
                    Cycles clearing, PatchProgress& progress) {
#pragma HLS INLINE
    const uint32_t line_words = shape.width / kLanes;
    const uint32_t rows = 1 + (f.height / f.patch) * shape.columns;
    BandOrder order(f, shape);
    uint64_t beats = 0;
    uint32_t group = 0;  // the first that is not complete
    progress.groups = row_groups(rows);
    LoopCounter filling, writing;
    for (uint32_t line = 0; line < shape.lines; line += kParamPorts) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 1024
#pragma HLS DATAFLOW  // lines arrive, lines are cut, lines are written
        LineFiller filler[kParamPorts];
        LinePlace place[kParamPorts];
        const uint32_t lines = minimum(kParamPorts, shape.lines - line);
        for (uint32_t p = 0; p < lines; ++p) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
            place[p] = order.now();
            order.advance();
        }
        for (uint32_t first = 0; first < line_words; first += kBurstWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 2
            word_t chunk[kParamPorts][kBurstWords];
#pragma HLS BIND_STORAGE variable = chunk type = ram_2p impl = lutram
            const uint32_t size = minimum(line_words - first, kBurstWords);
            uint64_t offset[kParamPorts];
            uint32_t count[kParamPorts];
            for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
#pragma HLS UNROLL
                count[p] = p < lines ? size : 0;
                offset[p] = 0;
                if (p < lines) {
                    offset[p] = region + f.source + uint64_t(place[p].line) * line_words + first;
                }
            }
            input.read(offset, count, chunk);
            beats += size;
            for (uint32_t i = 0; i < size; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
                for (uint32_t lane = 0; lane < uint32_t(kLanes); lane += shape.segment) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
#pragma HLS LOOP_FLATTEN
#pragma HLS PIPELINE II = 1
                    for (uint32_t p = 0; p < uint32_t(kParamPorts); ++p) {
#pragma HLS UNROLL
                        if (p < lines) {
                            filler[p].put(shape, &chunk[p][i].lane[lane], memory.pixel[p]);
                        }
                    }
                    filling.tick();
                }
            }
        }
        for (uint32_t p = 0; p < lines; ++p) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 4
            write_line(f, shape, place[p], memory.pixel[p], activation, writing);
        }
        // Rows below the row of patches that the next line belongs to are complete; all are, when
        // there is no next line.
        const uint32_t complete = minimum(order.now().row, rows);
        const Cycles issued = overlap(filling.issued(), writing.issued());
        const Cycles now = overlap(clearing, overlap(transfer(beats), issued) + drain(2));
        while (group < progress.groups && minimum(group * kBanks + kBanks, rows) <= complete) {
#pragma HLS LOOP_TRIPCOUNT min = 0 max = 26
            progress.ready[group++] = now;
        }
    }
    progress.fetched = transfer(beats);
    progress.ended =
        overlap(clearing, overlap(transfer(beats), overlap(filling.cycles(), writing.cycles())));
}

// Lines that begin within words: all of them over port 0, in the image's order.
template <class InputPorts>
Cycles patchify_stream(const PatchifyFields& f, const PatchShape& shape, uint64_t region,
                       InputPorts& input, LineMemory& memory, ActivationMemory& activation) {
#pragma HLS INLINE
    const uint32_t total = ceil_div(shape.lines * shape.width, kLanes);
    ImageOrder order(f, shape);
    LineFiller filler;
    LoopCounter filling, writing;
    uint32_t left = shape.width;  // pixels of the line that have not come
    uint32_t lines = shape.lines;
    for (uint32_t first = 0; first < total; first += kBurstWords) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 74
#pragma HLS DATAFLOW
        word_t chunk[kParamPorts][kBurstWords];
#pragma HLS BIND_STORAGE variable = chunk type = ram_2p impl = lutram
        const uint64_t offset[kParamPorts] = {region + f.source + first, 0, 0, 0};
        const uint32_t count[kParamPorts] = {minimum(total - first, kBurstWords), 0, 0, 0};
        input.read(offset, count, chunk);
        for (uint32_t i = 0; i < count[0]; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
            for (uint32_t lane = 0; lane < uint32_t(kLanes); lane += shape.segment) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 8
                if (lines == 0) continue;  // behind the last pixel
                filler.put(shape, &chunk[0][i].lane[lane], memory.pixel[0]);
                filling.tick();
                left -= shape.segment;
                if (left != 0) continue;
                write_line(f, shape, order.now(), memory.pixel[0], activation, writing);
                order.advance();
                left = shape.width;
                --lines;
            }
        }
    }
    return overlap(transfer(total), overlap(filling.cycles(), writing.cycles()));
}

// Whether lines are whole words. Then the rows of patches come one after the other, and a matmul
// directly behind works on them as they come (docs/cycles.md, patchify).
inline bool comes_in_bands(const PatchifyFields& f) { return f.width % kLanes == 0; }

// region: first word of the image's input region.
template <class InputPorts>
void patchify(const PatchifyFields& f, uint64_t region, InputPorts& input, LineMemory& memory,
              ActivationMemory& activation, PatchProgress& progress) {
#pragma HLS INLINE
    const PatchShape shape(f);
    const uint32_t rows = 1 + (f.height / f.patch) * shape.columns;
    const Cycles clearing = clear_patches(f, shape, rows, activation);
    if (comes_in_bands(f)) {
        patchify_lines(f, shape, region, input, memory, activation, clearing, progress);
    } else {
        progress.ended =
            overlap(clearing, patchify_stream(f, shape, region, input, memory, activation));
        progress.fetched = progress.ended;
    }
}

}  // namespace trivit

#endif
