// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
#ifndef TRIVIT_GENERATED_KERNEL_SPEC_HPP
#define TRIVIT_GENERATED_KERNEL_SPEC_HPP

#include <cstdint>

namespace trivit {

static const int kKernelVersion = 4;
static const int kDescriptorWords = 32;
static const int kTileTokens = 8;
static const int kTileOutputs = 32;
static const int kTileDepth = 8;
static const int kActivationDepth = 15360;
static const int kProgramDepth = 49152;
static const int kWeightDepth = 1024;
static const int kWeightTiles = 64;
static const int kParamPorts = 4;
static const int kMaxTokens = 592;
static const int kMaxConnectionTokens = 208;
static const int kMaxDepthWords = 384;
static const int kMaxHeadWords = 16;
static const int kMaxHeads = 16;
static const int kMaxSide = 4096;
static const int kMaxInstructions = 1024;
static const int kMaxShift = 60;
static const int kMinShift = -16;
static const int kMaxAlignShift = 30;
static const int kScoreBits = 20;
static const int kEngineSumBits = 44;
static const int kEngineMaxAlign = 23;
static const int kEngineCountBits = 11;
static const int kEngineStreamRows = 64;
static const int kEngineCommands = 32;

enum class Error : uint32_t {
    ok = 0,
    unknown_opcode = 1,
    size_limit = 2,
    activation_address = 3,
    memory_address = 4,
    shift_range = 5,
    program_length = 6,
    index_range = 7,
    read_response = 8,
    write_response = 9,
    report_count = 10,
    aborted = 11,
};

enum class Opcode : uint32_t {
    load = 1,
    store = 2,
    patchify = 3,
    matmul = 4,
    attention = 5,
    select_tokens = 6,
    select_connections = 7,
};

// Copy `rows` x `words` from params to an activation tensor (row-major in params); with the
// statistics flag (one row only) also note the row's sum and sum of squares.
struct LoadFields {
    uint32_t dst;
    uint32_t source;
    uint32_t rows;
    uint32_t words;
    bool has_statistics;
};
static const uint32_t kLoadFlags = 0x1;
inline LoadFields decode_load(const uint32_t (&w)[kDescriptorWords]) {
    LoadFields f;
    f.dst = uint32_t(w[1]);
    f.source = uint32_t(w[2]);
    f.rows = uint32_t(w[3]);
    f.words = uint32_t(w[4]);
    f.has_statistics = ((w[0] >> 8) & 1) != 0;
    return f;
}

// Copy an activation tensor to the image's output region, row-major.
struct StoreFields {
    uint32_t src;
    uint32_t target;
    uint32_t rows;
    uint32_t words;
};
static const uint32_t kStoreFlags = 0x0;
inline StoreFields decode_store(const uint32_t (&w)[kDescriptorWords]) {
    StoreFields f;
    f.src = uint32_t(w[1]);
    f.target = uint32_t(w[2]);
    f.rows = uint32_t(w[3]);
    f.words = uint32_t(w[4]);
    return f;
}

// Cut the image (channels x height x width, int16, row-major, packed, at `source` of the image's
// input region) into patches; patch i becomes row 1 + i (channel, y, x order), row 0 becomes zero.
struct PatchifyFields {
    uint32_t dst;
    uint32_t source;
    uint32_t channels;
    uint32_t height;
    uint32_t width;
    uint32_t patch;
};
static const uint32_t kPatchifyFlags = 0x0;
inline PatchifyFields decode_patchify(const uint32_t (&w)[kDescriptorWords]) {
    PatchifyFields f;
    f.dst = uint32_t(w[1]);
    f.source = uint32_t(w[2]);
    f.channels = uint32_t(w[3]);
    f.height = uint32_t(w[4]);
    f.width = uint32_t(w[5]);
    f.patch = uint32_t(w[6]);
    return f;
}

// dst = requantize(src x W + (bias << bias_shift) [+ (residual << residual_shift)], out_shift),
// optionally followed by GELU. `normalise`: the rows of src pass through layer normalisation on
// their way to the array. `statistics`: note sum and sum of squares of every row of dst.
// `compact`: only the `kept` rows that an index tensor names are written, one after the other.
// Weights and bias are stored in one segment per port (see docs/numerics.md, Parameters).
struct MatmulFields {
    uint32_t dst;
    uint32_t src;
    uint32_t residual;
    uint32_t index;
    uint32_t weight;
    uint32_t gamma;
    uint32_t beta;
    uint32_t rows;
    uint32_t depth_words;
    uint32_t out_words;
    uint32_t kept;
    uint32_t bias_shift;
    uint32_t residual_shift;
    int32_t out_shift;
    uint32_t gelu_in_frac;
    uint32_t gelu_out_frac;
    uint32_t inv_width;
    uint32_t sqrt_width;
    uint64_t epsilon;
    uint32_t beta_shift;
    int32_t norm_shift;
    bool has_gelu;
    bool has_residual;
    bool has_normalise;
    bool has_statistics;
    bool has_compact;
};
static const uint32_t kMatmulFlags = 0x1f;
inline MatmulFields decode_matmul(const uint32_t (&w)[kDescriptorWords]) {
    MatmulFields f;
    f.dst = uint32_t(w[1]);
    f.src = uint32_t(w[2]);
    f.residual = uint32_t(w[3]);
    f.index = uint32_t(w[4]);
    f.weight = uint32_t(w[5]);
    f.gamma = uint32_t(w[6]);
    f.beta = uint32_t(w[7]);
    f.rows = uint32_t(w[8]);
    f.depth_words = uint32_t(w[9]);
    f.out_words = uint32_t(w[10]);
    f.kept = uint32_t(w[11]);
    f.bias_shift = uint32_t(w[12]);
    f.residual_shift = uint32_t(w[13]);
    f.out_shift = int32_t(w[14]);
    f.gelu_in_frac = uint32_t(w[15]);
    f.gelu_out_frac = uint32_t(w[16]);
    f.inv_width = uint32_t(w[17]);
    f.sqrt_width = uint32_t(w[18]);
    f.epsilon = uint64_t(w[19]) | uint64_t(w[20]) << 32;
    f.beta_shift = uint32_t(w[21]);
    f.norm_shift = int32_t(w[22]);
    f.has_gelu = ((w[0] >> 8) & 1) != 0;
    f.has_residual = ((w[0] >> 9) & 1) != 0;
    f.has_normalise = ((w[0] >> 10) & 1) != 0;
    f.has_statistics = ((w[0] >> 11) & 1) != 0;
    f.has_compact = ((w[0] >> 12) & 1) != 0;
    return f;
}

// Multi-head softmax(Q K^T) V of a [tokens, 3 * heads * head_dim] tensor into [tokens, heads *
// head_dim]; sums the probabilities over heads into score memory for the selectors, with -1 for
// closed keys. `bias`: a matrix of params for each head, [heads * tokens, tokens] row-major, is
// added to the products before they are rounded to scores.
struct AttentionFields {
    uint32_t dst;
    uint32_t src;
    uint32_t mask;
    uint32_t tokens;
    uint32_t heads;
    uint32_t head_words;
    int32_t score_shift;
    uint32_t exp_multiplier;
    uint32_t exp_shift;
    uint32_t prob_frac;
    int32_t out_shift;
    uint32_t bias;
    uint32_t bias_shift;
    bool has_mask;
    bool has_score_cls;
    bool has_score_all;
    bool has_bias;
};
static const uint32_t kAttentionFlags = 0xf;
inline AttentionFields decode_attention(const uint32_t (&w)[kDescriptorWords]) {
    AttentionFields f;
    f.dst = uint32_t(w[1]);
    f.src = uint32_t(w[2]);
    f.mask = uint32_t(w[3]);
    f.tokens = uint32_t(w[4]);
    f.heads = uint32_t(w[5]);
    f.head_words = uint32_t(w[6]);
    f.score_shift = int32_t(w[7]);
    f.exp_multiplier = uint32_t(w[8]);
    f.exp_shift = uint32_t(w[9]);
    f.prob_frac = uint32_t(w[10]);
    f.out_shift = int32_t(w[11]);
    f.bias = uint32_t(w[12]);
    f.bias_shift = uint32_t(w[13]);
    f.has_mask = ((w[0] >> 8) & 1) != 0;
    f.has_score_cls = ((w[0] >> 9) & 1) != 0;
    f.has_score_all = ((w[0] >> 10) & 1) != 0;
    f.has_bias = ((w[0] >> 11) & 1) != 0;
    return f;
}

// Write the indices of [CLS] and the `keep` patch tokens with the largest head-summed [CLS]
// attention, ascending, as one row of int16.
struct SelectTokensFields {
    uint32_t dst;
    uint32_t tokens;
    uint32_t keep;
};
static const uint32_t kSelectTokensFlags = 0x0;
inline SelectTokensFields decode_select_tokens(const uint32_t (&w)[kDescriptorWords]) {
    SelectTokensFields f;
    f.dst = uint32_t(w[1]);
    f.tokens = uint32_t(w[2]);
    f.keep = uint32_t(w[3]);
    return f;
}

// For each kept token, open the [CLS] key and the `keep` kept patch keys with the largest head-
// summed attention, never one that was closed; the [CLS] row is all open. One bit per key, 16 to
// an int16 element.
struct SelectConnectionsFields {
    uint32_t dst;
    uint32_t index;
    uint32_t tokens;
    uint32_t rows;
    uint32_t keep;
};
static const uint32_t kSelectConnectionsFlags = 0x0;
inline SelectConnectionsFields decode_select_connections(const uint32_t (&w)[kDescriptorWords]) {
    SelectConnectionsFields f;
    f.dst = uint32_t(w[1]);
    f.index = uint32_t(w[2]);
    f.tokens = uint32_t(w[3]);
    f.rows = uint32_t(w[4]);
    f.keep = uint32_t(w[5]);
    return f;
}

}  // namespace trivit

#endif
