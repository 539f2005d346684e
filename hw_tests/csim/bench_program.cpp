// Whole programs through the top function: two blocks' worth of every op on several images,
// compared with the direct forms chained; stats; errors in the middle; the status register.
#include <cmath>

#include "direct.hpp"
#include "trivit/kernel.hpp"
#include "trivit/program.hpp"

using namespace csim;

// Builds a program and, beside it, what each image must give.
class Program {
public:
    void add(uint32_t head, const std::vector<uint32_t>& fields) {
        for (uint32_t i = 0; i < 32; i += 4) {
            trivit::word_t word;
            for (uint32_t j = 0; j < 4; ++j) {
                const uint32_t at = i + j;
                const uint32_t value = at == 0 ? head : at <= fields.size() ? fields[at - 1] : 0;
                word.lane[2 * j] = int16_t(uint16_t(value));
                word.lane[2 * j + 1] = int16_t(uint16_t(value >> 16));
            }
            words.push_back(word);
        }
    }
    uint32_t size() const { return uint32_t(words.size() / 8); }

    Words words;
};

struct Sizes {
    uint32_t channels, grid, patch, heads, head_words, hidden, keep, connections;
};

class Scene {
public:
    Scene(Random& random, const Sizes& sizes) : z(sizes) {
        width = z.heads * z.head_words;
        rows = 1 + z.grid * z.grid;
        kept = 1 + z.keep;
        patch_words = (z.channels * z.patch * z.patch + 7) / 8;
        side = z.grid * z.patch;
        positions = random.tensor(rows, width, 13);
        weights[0] = random.tensor(width * 8, patch_words, 12);
        weights[1] = random.tensor(3 * width * 8, width, 12);
        weights[2] = random.tensor(z.hidden * 8, width, 12);
        weights[3] = random.tensor(width * 8, z.hidden, 12);
        weights[4] = random.tensor(3 * width * 8, width, 12);
        for (int i = 0; i < 5; ++i)
            biases[i] = random.tensor(1, uint32_t(weights[i].size() / 8), 13)[0];
        gamma = random.tensor(1, width, 14)[0];
        beta = random.tensor(1, width, 13)[0];
        build();
    }

    // Everything the stores put into the output region, in order, and the saturations.
    std::vector<Tensor> expected(const Row& image, std::vector<uint64_t>& saturated) const {
        std::vector<uint64_t> s(10, 0);
        const Tensor patches = direct::patchify(image, z.channels, side, side, z.patch);
        const Tensor x =
            direct::matmul(patches, weights[0], biases[0], &positions, linear(false), s[0]);
        Tensor n;
        for (const Row& row : x)
            n.push_back(direct::layernorm_row(row, gamma, beta, norm(), s[1]));
        const Tensor qkv = direct::matmul(n, weights[1], biases[1], nullptr, linear(false), s[2]);
        const direct::Attended a = direct::attention(qkv, z.heads, attend(), {});
        s[3] = a.saturated;
        const Tensor index = direct::select_tokens(a.head_sum[0], z.keep);
        std::vector<uint32_t> rows_kept(index[0].begin(), index[0].begin() + kept);
        Tensor gathered;
        for (uint32_t r : rows_kept)
            gathered.push_back(a.context[r]);
        const auto open = direct::select_connections(a.head_sum, rows_kept, z.connections);
        const Tensor h =
            direct::matmul(gathered, weights[2], biases[2], nullptr, linear(true), s[4]);
        const Tensor y = direct::matmul(h, weights[3], biases[3], &gathered, linear(false), s[5]);
        const Tensor qkv2 = direct::matmul(y, weights[4], biases[4], nullptr, linear(false), s[6]);
        const direct::Attended b = direct::attention(qkv2, z.heads, attend(), open);
        s[7] = b.saturated;
        const size_t places[] = {2, 3, 4, 5, 9, 10, 11, 12};  // instruction of each
        for (size_t i = 0; i < 8; ++i)
            saturated[places[i]] += s[i];
        return {x, a.context, index, direct::pack_mask(open), y, b.context};
    }

    uint32_t pixels() const { return z.channels * side * side; }

    Program program;
    Words params;
    uint32_t output_words;

private:
    static direct::MatmulNumbers linear(bool gelu) {
        const direct::MatmulNumbers n = {10, 10, 13, gelu, 12, 12};
        return n;
    }
    direct::LayernormNumbers norm() const {
        const uint32_t c = width * 8;
        const direct::LayernormNumbers n = {uint32_t((0x100000000ull + c / 2) / c),
                                            uint32_t(std::llround(std::sqrt(double(c)) * 65536)),
                                            77777, 20, 21};
        return n;
    }
    static direct::AttentionNumbers attend() {
        const direct::AttentionNumbers n = {14, 12345678, 14, 15, 14};
        return n;
    }

    uint32_t tensor(uint32_t tensor_rows, uint32_t words) {
        const uint32_t address = free_;
        free_ += groups(tensor_rows) * words;
        return address;
    }

    uint32_t linear_op(int which, uint32_t src, uint32_t m, uint32_t depth, uint32_t flags,
                       uint32_t residual) {
        const uint32_t out = uint32_t(weights[which].size() / 8);
        const uint32_t weight = append_matrix(params, weights[which], biases[which]);
        const uint32_t dst = tensor(m, out);
        program.add(4 | flags << 8,
                    {dst, src, residual, weight, m, depth, out, 10, 10, 13, 12, 12});
        return dst;
    }

    void store(uint32_t src, uint32_t m, uint32_t words) {
        program.add(2, {src, output_words, m, words});
        output_words += m * words;
    }

    void build() {
        output_words = 0;
        const direct::LayernormNumbers n = norm();
        const uint32_t patches = tensor(rows, patch_words);
        program.add(3, {patches, 0, z.channels, side, side, z.patch});
        const uint32_t position = tensor(rows, width);
        program.add(1, {position, append(params, positions), rows, width});
        const uint32_t x = linear_op(0, patches, rows, patch_words, 2, position);
        const uint32_t norm1 = tensor(rows, width);
        const uint32_t gamma_address = append(params, Tensor(1, gamma));
        const uint32_t beta_address = append(params, Tensor(1, beta));
        program.add(5, {norm1, x, gamma_address, beta_address, rows, width, n.inv_width,
                        n.sqrt_width, uint32_t(n.epsilon), 0, 20, 21});
        const uint32_t qkv = linear_op(1, norm1, rows, width, 0, 0);
        const uint32_t context = tensor(rows, width);
        program.add(6 | 4 << 8,
                    {context, qkv, 0, rows, z.heads, z.head_words, 14, 12345678, 14, 15, 14});
        const uint32_t index = tensor(1, (kept + 7) / 8);
        program.add(7, {index, rows, z.keep});
        const uint32_t gathered = tensor(kept, width);
        program.add(8, {gathered, context, index, rows, kept, width});
        const uint32_t mask_words = ((kept + 15) / 16 + 7) / 8;
        const uint32_t mask = tensor(kept, mask_words);
        program.add(9, {mask, index, rows, kept, z.connections});
        const uint32_t h = linear_op(2, gathered, kept, width, 1, 0);
        const uint32_t y = linear_op(3, h, kept, z.hidden, 2, gathered);
        const uint32_t qkv2 = linear_op(4, y, kept, width, 0, 0);
        const uint32_t context2 = tensor(kept, width);
        program.add(6 | 1 << 8,
                    {context2, qkv2, mask, kept, z.heads, z.head_words, 14, 12345678, 14, 15, 14});
        store(x, rows, width);
        store(context, rows, width);
        store(index, 1, (kept + 7) / 8);
        store(mask, kept, mask_words);
        store(y, kept, width);
        store(context2, kept, width);
    }

    Sizes z;
    uint32_t width, rows, kept, patch_words, side;
    Tensor positions;
    Tensor weights[5];
    Row biases[5];
    Row gamma, beta;
    uint32_t free_ = 3;
};

static uint64_t lanes(const trivit::word_t& word, int first) {
    uint64_t value = 0;
    for (int i = 3; i >= 0; --i)
        value = value << 16 | uint16_t(word.lane[first + i]);
    return value;
}

// Start the top function with one address for each set of four ports.
static uint32_t start(const Scene& scene, const trivit::word_t* program, const Words& input,
                      Words& output, Words& stats, uint32_t images) {
    const trivit::word_t* p = scene.params.data();
    const trivit::word_t* x = input.data();
    return trivit_kernel(program, p, p, p, p, x, x, x, x, output.data(), stats.data(),
                         scene.program.size(), images, uint32_t(scene.params.size()),
                         (scene.pixels() + 7) / 8, scene.output_words);
}

static void run_scene(Random& random, const Sizes& sizes, uint32_t images, Checker& checker) {
    Scene scene(random, sizes);
    const uint32_t instructions = scene.program.size();
    const uint32_t input_words = (scene.pixels() + 7) / 8;
    std::vector<uint64_t> saturated(instructions, 0);
    Words input;
    Words expected;
    for (uint32_t image = 0; image < images; ++image) {
        const Row pixels = random.tensor(1, input_words, 13)[0];
        append(input, Tensor(1, pixels));
        for (const Tensor& t : scene.expected(pixels, saturated))
            append(expected, t);
    }
    Words output(images * scene.output_words);
    Words stats(instructions);
    checker.equal(start(scene, scene.program.words.data(), input, output, stats, images), 0,
                  "status");
    for (size_t i = 0; i < output.size(); ++i) {
        for (int lane = 0; lane < 8; ++lane) {
            checker.equal(output[i].lane[lane], expected[i].lane[lane], "output", int64_t(i));
        }
    }
    for (uint32_t i = 0; i < instructions; ++i) {
        checker.equal(int64_t(lanes(stats[i], 0)), int64_t(saturated[i]), "saturations", i);
        checker.holds(lanes(stats[i], 4) >= images * 24, "cycles include a pipeline", i);
    }
    checker.holds(lanes(stats[0], 4) >= images * 88, "cycles include the first descriptor");

    // An instruction that cannot run stops the program; the ones before it count, no later one
    // runs.
    for (uint32_t stop = 0; stop < instructions; stop += 3) {
        Words broken = scene.program.words;
        broken[stop * 8].lane[0] = 0;
        std::memset(output.data(), 0x55, output.size() * 16);
        const Words untouched = output;
        Words counts(instructions + 1);
        std::memset(counts.data(), 0x66, counts.size() * 16);
        checker.equal(start(scene, broken.data(), input, output, counts, images),
                      int64_t(1u << 24 | stop), "status of a broken program", stop);
        for (uint32_t i = 0; i < instructions; ++i) {
            checker.equal(lanes(counts[i], 4) != 0, i < stop, "counted up to the error", i);
        }
        checker.equal(uint16_t(counts[instructions].lane[0]), 0x6666, "stats end", stop);
        if (stop <= 13) {
            checker.holds(std::memcmp(output.data(), untouched.data(), output.size() * 16) == 0,
                          "nothing stored", stop);
        }
    }
    checker.equal(start(scene, scene.program.words.data(), input, output, stats, 0), 0,
                  "no images");
}

int main() {
    Checker checker("program");
    Random random(9);
    const Sizes sizes[] = {
        {1, 3, 4, 2, 1, 4, 5, 2},    {3, 2, 3, 1, 2, 5, 4, 4}, {2, 5, 2, 3, 2, 9, 13, 6},
        {1, 7, 4, 2, 4, 32, 35, 25}, {4, 4, 8, 4, 2, 3, 1, 1}, {1, 14, 2, 1, 2, 3, 138, 97},
    };
    for (const Sizes& z : sizes)
        run_scene(random, z, z.grid < 6 ? 3 : 1, checker);
    return checker.finish();
}
