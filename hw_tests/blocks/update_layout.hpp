// Where the elements of a tensor lie in the four ports, word by word, written down from
// docs/accelerator-training.md and docs/numerics.md (Parameters) without counters.
#ifndef TRIVIT_BLOCKS_UPDATE_LAYOUT_HPP
#define TRIVIT_BLOCKS_UPDATE_LAYOUT_HPP

#include <algorithm>
#include <cstdint>
#include <vector>

#include "trivit/blocks/commands.hpp"

namespace update_layout {

using trivit::blocks::Word;

// A word begins with this element of the weights or of the biases.
struct Place {
    bool bias;
    uint32_t element;
};

struct Tensor {
    uint32_t rows;         // outputs of a matrix
    uint32_t depth_words;  // of an output or a row
    bool matrix;           // with biases
    bool fused;            // pieces come in the order in which the engine makes gradients

    uint32_t width() const { return 8 * depth_words; }
    uint32_t tiles() const { return (rows + 31) / 32; }
    uint32_t groups() const { return (rows + 7) / 8; }
    uint32_t line() const { return matrix ? 1 + 8 * depth_words : 0; }
    uint32_t port_words() const { return matrix ? tiles() * line() : (rows + 3) / 4 * depth_words; }
    // With what fills the last tile, or the last row of each port.
    uint32_t padded_rows() const { return matrix ? 32 * tiles() : (rows + 3) / 4 * 4; }
};

// The words of a port in the order in which they come, in pieces.
inline std::vector<std::vector<Place>> pieces(const Tensor& t, uint32_t port) {
    std::vector<Place> run;
    std::vector<std::vector<Place>> result;
    const auto eight = [&](std::vector<Place>& to, uint32_t tile, uint32_t depth) {
        for (uint32_t output = 32 * tile + 8 * port; output < 32 * tile + 8 * port + 8; ++output)
            to.push_back({false, output * t.width() + 8 * depth});
    };
    if (t.fused) {
        for (uint32_t first = 0; first < t.depth_words; first += 4) {
            for (uint32_t group = port; group < t.groups(); group += 4) {
                std::vector<Place> piece;
                if (first == 0) piece.push_back({true, 8 * group});
                for (uint32_t depth = first; depth < std::min(first + 4, t.depth_words); ++depth)
                    eight(piece, group / 4, depth);
                result.push_back(piece);
            }
        }
        return result;
    }
    for (uint32_t tile = 0; t.matrix && tile < t.tiles(); ++tile) {
        run.push_back({true, 32 * tile + 8 * port});
        for (uint32_t depth = 0; depth < t.depth_words; ++depth)
            eight(run, tile, depth);
    }
    for (uint32_t row = port; !t.matrix && row < t.padded_rows(); row += 4) {
        for (uint32_t depth = 0; depth < t.depth_words; ++depth)
            run.push_back({false, row * t.width() + 8 * depth});
    }
    for (std::size_t first = 0; first < run.size(); first += 32)
        result.emplace_back(run.begin() + long(first),
                            run.begin() + long(std::min(first + 32, run.size())));
    return result;
}

// What the ports bring and take.
struct Planes {
    std::vector<Word> words[4];
    std::vector<Word> results[4];

    // update(bias, number, before, after): an element's integers, plane by plane, the gradient's
    // last, and what becomes of all but that.
    template <class Update>
    void add(const Tensor& tensor, Update update) {
        for (uint32_t port = 0; port < 4; ++port) {
            for (const std::vector<Place>& piece : pieces(tensor, port)) {
                std::vector<std::vector<Word>> in, out;
                for (std::size_t word = 0; word < piece.size(); ++word) {
                    for (uint32_t lane = 0; lane < 8; ++lane) {
                        std::vector<int16_t> before, after;
                        update(piece[word].bias, piece[word].element + lane, before, after);
                        put(in, word, lane, before);
                        put(out, word, lane, after);
                    }
                }
                for (const std::vector<Word>& plane : in)
                    words[port].insert(words[port].end(), plane.begin(), plane.end());
                for (const std::vector<Word>& plane : out)
                    results[port].insert(results[port].end(), plane.begin(), plane.end());
            }
        }
    }

private:
    static void put(std::vector<std::vector<Word>>& planes, std::size_t word, uint32_t lane,
                    const std::vector<int16_t>& values) {
        planes.resize(values.size());
        for (std::size_t plane = 0; plane < values.size(); ++plane) {
            planes[plane].resize(word + 1, Word(0));
            planes[plane][word].range(int(16 * lane + 15), int(16 * lane)) =
                uint16_t(values[plane]);
        }
    }
};

}  // namespace update_layout

#endif
