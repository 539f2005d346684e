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
    bool beside;  // connections are selected right before a matmul, otherwise before a store
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
        single = random.tensor(1, width, 12);
        weights[kEmbed] = random.tensor(width * 8, patch_words, 12);
        weights[kQkv] = random.tensor(3 * width * 8, width, 12);
        weights[kProject] = random.tensor(width * 8, width, 12);
        weights[kExpand] = random.tensor(z.hidden * 8, width, 12);
        weights[kReduce] = random.tensor(width * 8, z.hidden, 12);
        for (int i = 0; i < kMatrices; ++i)
            biases[i] = random.tensor(1, uint32_t(weights[i].size() / 8), 13)[0];
        gamma = random.tensor(1, width, 14)[0];
        beta = random.tensor(1, width, 13)[0];
        build();
    }

    // Everything the stores put into the output region, in order, and the saturations.
    std::vector<Tensor> expected(const Row& image, std::vector<uint64_t>& saturated) const {
        uint64_t s[kCounted] = {};
        const Tensor patches = direct::patchify(image, z.channels, side, side, z.patch);
        const Tensor x = product(patches, kEmbed, &positions, false, s[0]);
        const Tensor qkv = product(normal(x, s[1]), kQkv, nullptr, false, s[1]);
        const direct::Attended a = direct::attention(qkv, z.heads, attend(), {});
        s[2] = a.saturated;
        const Tensor index = direct::select_tokens(a.head_sum[0], z.keep);
        const std::vector<uint32_t> rows_kept(index[0].begin(), index[0].begin() + kept);
        Tensor context, residual;
        for (uint32_t r : rows_kept) {
            context.push_back(a.context[r]);
            residual.push_back(x[r]);
        }
        const auto open = direct::select_connections(a.head_sum, rows_kept, z.connections);
        const Tensor y = product(context, kProject, &residual, false, s[3]);
        const Tensor h = product(normal(y, s[4]), kExpand, nullptr, true, s[4]);
        const Tensor block = product(h, kReduce, &y, false, s[5]);
        const Tensor qkv2 = product(normal(block, s[6]), kQkv, nullptr, false, s[6]);
        const direct::Attended b = direct::attention(qkv2, z.heads, attend(), open);
        s[7] = b.saturated;
        const Tensor one = product(normal(single, s[8]), kProject, nullptr, false, s[8]);
        for (size_t i = 0; i < kCounted; ++i)
            saturated[places[i]] += s[i];
        return {x, a.context, index, y, direct::pack_mask(open), block, b.context, one};
    }

    uint32_t pixels() const { return z.channels * side * side; }

    Program program;
    Words params;
    uint32_t output_words;
    uint32_t first_store;

private:
    enum Matrix { kEmbed, kQkv, kProject, kExpand, kReduce, kMatrices };
    enum Flag : uint32_t {
        kGelu = 1,
        kResidual = 2,
        kNormalise = 4,
        kStatistics = 8,
        kCompact = 16
    };
    static const size_t kCounted = 9;

    Tensor product(const Tensor& src, Matrix which, const Tensor* residual, bool gelu,
                   uint64_t& saturated) const {
        const direct::MatmulNumbers n = {10, 10, 13, gelu, 12, 12};
        return direct::matmul(src, weights[which], biases[which], residual, n, saturated);
    }
    Tensor normal(const Tensor& src, uint64_t& saturated) const {
        return direct::normalise(src, gamma, beta, norm(), saturated);
    }
    direct::NormaliseNumbers norm() const {
        const uint32_t c = width * 8;
        const direct::NormaliseNumbers n = {uint32_t((0x100000000ull + c / 2) / c),
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

    // A matmul of m rows; with kCompact the kept ones are written.
    uint32_t linear(Matrix which, uint32_t src, uint32_t m, uint32_t depth, uint32_t flags,
                    uint32_t residual = 0) {
        const uint32_t out = uint32_t(weights[which].size() / 8);
        const uint32_t weight = append_matrix(params, weights[which], biases[which]);
        const uint32_t written = flags & kCompact ? kept : m;
        const uint32_t dst = tensor(written, out);
        // Constants for the width of normalised rows; others may be wider, and the check knows.
        const direct::NormaliseNumbers n =
            flags & kNormalise ? norm() : direct::NormaliseNumbers{0, 0, 0, 0, 0};
        places.push_back(program.size());
        program.add(4 | flags << 8, {dst,
                                     src,
                                     residual,
                                     index,
                                     weight,
                                     vectors,
                                     vectors + width,
                                     m,
                                     depth,
                                     out,
                                     kept,
                                     10,
                                     10,
                                     13,
                                     12,
                                     12,
                                     n.inv_width,
                                     n.sqrt_width,
                                     uint32_t(n.epsilon),
                                     0,
                                     20,
                                     21});
        return dst;
    }

    uint32_t attention_op(uint32_t qkv, uint32_t tokens, uint32_t flags, uint32_t mask) {
        const uint32_t context = tensor(tokens, width);
        places.push_back(program.size());
        program.add(5 | flags << 8,
                    {context, qkv, mask, tokens, z.heads, z.head_words, 14, 12345678, 14, 15, 14});
        return context;
    }

    void store(uint32_t src, uint32_t m, uint32_t words) {
        program.add(2, {src, output_words, m, words});
        output_words += m * words;
    }

    void build() {
        output_words = 0;
        vectors = append(params, {gamma, beta});
        const uint32_t mask_words = ((kept + 15) / 16 + 7) / 8;
        const uint32_t patches = tensor(rows, patch_words);
        program.add(3, {patches, 0, z.channels, side, side, z.patch});
        const uint32_t position = tensor(rows, width);
        program.add(1, {position, append(params, positions), rows, width});
        const uint32_t x =
            linear(kEmbed, patches, rows, patch_words, kResidual | kStatistics, position);
        const uint32_t qkv = linear(kQkv, x, rows, width, kNormalise);
        const uint32_t context = attention_op(qkv, rows, 4, 0);
        index = tensor(1, (kept + 7) / 8);
        const uint32_t mask = tensor(kept, mask_words);
        program.add(6, {index, rows, z.keep});
        const auto connect = [&] { program.add(7, {mask, index, rows, kept, z.connections}); };
        if (z.beside) connect();
        const uint32_t y =
            linear(kProject, context, rows, width, kResidual | kStatistics | kCompact, x);
        if (!z.beside) connect();
        first_store = program.size();
        store(x, rows, width);
        store(context, rows, width);
        store(index, 1, (kept + 7) / 8);
        store(y, kept, width);
        const uint32_t h = linear(kExpand, y, kept, width, kNormalise | kGelu);
        const uint32_t block = linear(kReduce, h, kept, z.hidden, kResidual | kStatistics, y);
        const uint32_t qkv2 = linear(kQkv, block, kept, width, kNormalise);
        const uint32_t context2 = attention_op(qkv2, kept, 1, mask);
        // A row whose statistics come with it from memory.
        const uint32_t row = tensor(1, width);
        program.add(1 | 1 << 8, {row, append(params, single), 1, width});
        const uint32_t one = linear(kProject, row, 1, width, kNormalise);
        store(mask, kept, mask_words);
        store(block, kept, width);
        store(context2, kept, width);
        store(one, 1, width);
        // Nothing behind it: the image ends with the selection.
        program.add(7, {mask, index, rows, kept, z.connections});
    }

    Sizes z;
    uint32_t width, rows, kept, patch_words, side;
    Tensor positions, single;
    Tensor weights[kMatrices];
    Row biases[kMatrices];
    Row gamma, beta;
    std::vector<uint32_t> places;  // of the instructions that count saturations
    uint32_t vectors = 0;          // gamma, then beta
    uint32_t index = 0;
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
    std::vector<uint64_t> first;  // of the first image
    Words input;
    Words expected;
    for (uint32_t image = 0; image < images; ++image) {
        const Row pixels = random.tensor(1, input_words, 13)[0];
        append(input, Tensor(1, pixels));
        for (const Tensor& t : scene.expected(pixels, saturated))
            append(expected, t);
        if (image == 0) first = saturated;
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
        checker.equal(int64_t(lanes(stats[i], 4)), 0, "reserved", i);
    }

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
            checker.equal(int64_t(lanes(counts[i], 0)), int64_t(i < stop ? first[i] : 0),
                          "counted up to the error", i);
        }
        checker.equal(uint16_t(counts[instructions].lane[0]), 0x6666, "stats end", stop);
        if (stop <= scene.first_store) {
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
        {1, 3, 4, 2, 1, 4, 5, 2, true},      {3, 2, 3, 1, 2, 5, 4, 4, false},
        {2, 5, 2, 3, 2, 9, 13, 6, true},     {1, 7, 4, 2, 4, 32, 35, 25, false},
        {4, 4, 8, 4, 2, 3, 1, 1, true},      {1, 14, 2, 1, 2, 3, 138, 97, true},
        {1, 14, 2, 1, 2, 3, 138, 97, false},
    };
    for (const Sizes& z : sizes)
        run_scene(random, z, z.grid < 6 ? 3 : 1, checker);
    return checker.finish();
}
