// Executes a program: for each image, for each descriptor: fetch, decode, check, run. Results and
// their order are those of docs/numerics.md; nothing here says how the accelerator does it.
#ifndef TRIVIT_PROGRAM_HPP
#define TRIVIT_PROGRAM_HPP

#include "attention.hpp"
#include "checks.hpp"
#include "matmul.hpp"
#include "move.hpp"
#include "normalise.hpp"
#include "patchify.hpp"
#include "select.hpp"

namespace trivit {

static const uint32_t kDescriptorMemoryWords = kDescriptorWords * 2 / kLanes;

// Saturations of each instruction, summed over images.
struct Statistics {
    uint64_t saturations[kMaxInstructions];
};

// Every memory: one static object in the top function.
struct KernelState {
    ActivationMemory activation;
    WeightMemory weights;
    ProbabilityMemory probability;
    Sums sums;
    NormaliseMemory normalise;
    RowStatistics row_statistics;
    CompactionPlan compaction;
    SoftmaxMemory softmax;
    AttentionMemory attention;
    ScoreMemory scores;
    SelectMemory select;
    LineMemory lines;
    Statistics statistics;
};

// What a start was given.
struct Arguments {
    uint32_t num_instructions;
    uint32_t num_images;
    uint32_t params_words;
    uint32_t input_words;
    uint32_t output_words;
};

inline uint32_t status_code(Error error, uint32_t instruction) {
    return uint32_t(error) << 24 | instruction;
}

template <class ProgramPort>
void fetch_descriptor(uint32_t instruction, ProgramPort& program,
                      uint32_t (&descriptor)[kDescriptorWords]) {
    word_t words[kDescriptorMemoryWords];
    program.read(uint64_t(instruction) * kDescriptorMemoryWords, kDescriptorMemoryWords, words);
    for (int i = 0; i < kDescriptorWords; ++i) {
        const uint32_t low = uint16_t(words[2 * i / kLanes].lane[2 * i % kLanes]);
        const uint32_t high = uint16_t(words[2 * i / kLanes].lane[2 * i % kLanes + 1]);
        descriptor[i] = low | high << 16;
    }
}

// Check one descriptor and run it. Adds to saturated; changes nothing when it fails.
template <class AllPorts>
Error execute_instruction(const uint32_t (&descriptor)[kDescriptorWords], const Regions& regions,
                          uint32_t image, AllPorts& ports, KernelState& state,
                          uint64_t& saturated) {
    const uint64_t input_region = uint64_t(image) * regions.input;
    const uint64_t output_region = uint64_t(image) * regions.output;
    const uint32_t head = descriptor[0];
    Error error = Error::unknown_opcode;
    switch (head & 255) {
        case uint32_t(Opcode::load): {
            if (!flags_known(head, kLoadFlags)) break;
            const LoadFields f = decode_load(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            load_rows(f, ports.params, state.activation, state.row_statistics);
            break;
        }
        case uint32_t(Opcode::store): {
            if (!flags_known(head, kStoreFlags)) break;
            const StoreFields f = decode_store(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            store_rows(f, output_region, ports.output, state.activation);
            break;
        }
        case uint32_t(Opcode::patchify): {
            if (!flags_known(head, kPatchifyFlags)) break;
            const PatchifyFields f = decode_patchify(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            patchify(f, input_region, ports.input, state.lines, state.activation);
            break;
        }
        case uint32_t(Opcode::matmul): {
            if (!flags_known(head, kMatmulFlags)) break;
            const MatmulFields f = decode_matmul(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            if (f.has_compact) {
                NoRowNumbers ignored;
                error = read_indices(f.index, f.kept, f.rows, state.activation, state.compaction,
                                     ignored);
                if (failed(error)) break;
            }
            matmul(f, state.compaction, ports.params, state.probability, state.weights,
                   state.normalise, state.row_statistics, state.activation, state.sums, saturated);
            break;
        }
        case uint32_t(Opcode::attention): {
            if (!flags_known(head, kAttentionFlags)) break;
            const AttentionFields f = decode_attention(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            attention(f, ports.params, state.activation, state.normalise, state.weights,
                      state.probability, state.softmax, state.attention, state.scores, saturated);
            break;
        }
        case uint32_t(Opcode::select_tokens): {
            if (!flags_known(head, kSelectTokensFlags)) break;
            const SelectTokensFields f = decode_select_tokens(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            select_tokens(f, state.scores, state.select, state.activation);
            break;
        }
        case uint32_t(Opcode::select_connections): {
            if (!flags_known(head, kSelectConnectionsFlags)) break;
            const SelectConnectionsFields f = decode_select_connections(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            error = read_indices(f.index, f.rows, f.tokens, state.activation, state.select.plan,
                                 state.select.index);
            if (failed(error)) break;
            search_connections(f, state.scores, state.select);
            write_mask(f, state.select, state.activation);
            break;
        }
        default:
            break;
    }
    return error;
}

// Gives a stats word per instruction: saturations, little endian, and eight bytes of zero.
class StatisticsSource {
public:
    explicit StatisticsSource(const Statistics& statistics) : statistics_(statistics), next_(0) {}

    word_t get() {
        word_t word = zero_word();
        for (int lane = 0; lane < kLanes / 2; ++lane)
            word.lane[lane] = int16_t(uint16_t(statistics_.saturations[next_] >> (16 * lane)));
        ++next_;
        return word;
    }

private:
    const Statistics& statistics_;
    uint32_t next_;
};

// Run the program on every image. Returns error code << 24 | instruction index, 0 when all ran.
// Stops at the first error; stats are written for what was executed.
template <class AllPorts>
uint32_t execute_program(AllPorts& ports, const Arguments& arguments, KernelState& state) {
    const uint32_t instructions = arguments.num_instructions;
    if (instructions == 0 || instructions > uint32_t(kMaxInstructions)) {
        return status_code(Error::program_length, 0);
    }
    Regions regions;
    regions.params = arguments.params_words;
    regions.input = arguments.input_words;
    regions.output = arguments.output_words;
    for (uint32_t i = 0; i < instructions; ++i)
        state.statistics.saturations[i] = 0;
    uint32_t status = 0;
    for (uint32_t image = 0; image < arguments.num_images && status == 0; ++image) {
        for (uint32_t i = 0; i < instructions && status == 0; ++i) {
            uint32_t descriptor[kDescriptorWords];
            fetch_descriptor(i, ports.program, descriptor);
            uint64_t saturated = 0;
            const Error error =
                execute_instruction(descriptor, regions, image, ports, state, saturated);
            if (failed(error)) {
                status = status_code(error, i);
            } else {
                state.statistics.saturations[i] += saturated;
            }
        }
    }
    StatisticsSource source(state.statistics);
    stream_out(ports.stats, 0, instructions, source);
    return status;
}

}  // namespace trivit

#endif
