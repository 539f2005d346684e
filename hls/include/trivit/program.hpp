// Executes a program: for each image, for each descriptor: fetch, decode, check, run.
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

// Saturations and cycles of each instruction, summed over images.
struct Statistics {
    uint64_t saturations[kMaxInstructions];
    uint64_t cycles[kMaxInstructions];
};

// Everything on the chip: one static object in the top function, whose pragmas say how each
// memory is divided.
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
    WaitingConnections connections;
    LineMemory lines;
    PatchProgress patches;
    Statistics statistics;
    Timeline timeline;
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
#pragma HLS INLINE
    word_t words[kDescriptorMemoryWords];
    program.read(uint64_t(instruction) * kDescriptorMemoryWords, kDescriptorMemoryWords, words);
    for (int i = 0; i < kDescriptorWords; ++i) {
#pragma HLS UNROLL
        const uint32_t low = uint16_t(words[2 * i / kLanes].lane[2 * i % kLanes]);
        const uint32_t high = uint16_t(words[2 * i / kLanes].lane[2 * i % kLanes + 1]);
        descriptor[i] = low | high << 16;
    }
}

// A select_connections whose turn it is, with nothing beside it. Does nothing when none waits.
inline void finish_connections(KernelState& state) {
#pragma HLS INLINE
    if (!state.connections.waiting) return;
    const Cycles searching = search_connections(state.connections, state.scores, state.select);
    const Cycles writing = write_mask(state.connections.fields, state.select, state.activation);
    state.timeline.run_beside(searching, writing);
    state.connections.waiting = false;
}

// A patchify with nothing beside it. Does nothing when none waits.
inline void finish_patches(KernelState& state) {
#pragma HLS INLINE
    if (!state.patches.waiting) return;
    state.timeline.begin_on_ports();
    state.timeline.run(state.patches.ended);
    state.timeline.end_on_ports();
    state.patches.waiting = false;
}

// Check one descriptor and run it. Adds to saturated; changes nothing when it fails.
//
// A select_connections only reads its index tensor here. It then waits, and the search runs in the
// scope of the next instruction: a matmul shares no memory with it, so as hardware the two calls
// run at the same time; the mask moves when both are done. Before any other instruction the search
// runs alone. The results are those of the program's order, because the compiler keeps the tensors
// of the two apart (docs/numerics.md, Activation memory). A patchify whose patches come in bands
// is written in order here, but as hardware it is a process of the matmul behind it: a counter of
// complete row groups, which `PatchProgress` stands for, lets the array pass.
template <class AllPorts>
Error execute_instruction(const uint32_t (&descriptor)[kDescriptorWords], const Regions& regions,
                          uint32_t image, AllPorts& ports, KernelState& state,
                          uint64_t& saturated) {
#pragma HLS INLINE
// One multiplier array, one of each softmax process and one of each part of a selection serve every
// call below.
#pragma HLS ALLOCATION function instances = run_array limit = 1
#pragma HLS ALLOCATION function instances = softmax_exponentials limit = 1
#pragma HLS ALLOCATION function instances = softmax_probabilities limit = 1
#pragma HLS ALLOCATION function instances = select_largest limit = 1
#pragma HLS ALLOCATION function instances = collect_scores limit = 1
#pragma HLS ALLOCATION function instances = write_mask limit = 1
    const uint64_t input_region = uint64_t(image) * regions.input;
    const uint64_t output_region = uint64_t(image) * regions.output;
    const uint32_t head = descriptor[0];
    Timeline& timeline = state.timeline;
    Error error = Error::unknown_opcode;
    if ((head & 255) != uint32_t(Opcode::matmul)) {
        finish_patches(state);
        finish_connections(state);
        timeline.settle();
    }
    switch (head & 255) {
        case uint32_t(Opcode::load): {
            if (!flags_known(head, kLoadFlags)) break;
            const LoadFields f = decode_load(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            load_rows(f, ports.params, state.activation, state.row_statistics, timeline);
            break;
        }
        case uint32_t(Opcode::store): {
            if (!flags_known(head, kStoreFlags)) break;
            const StoreFields f = decode_store(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            timeline.begin();
            timeline.run(store_rows(f, output_region, ports.output, state.activation));
            break;
        }
        case uint32_t(Opcode::patchify): {
            if (!flags_known(head, kPatchifyFlags)) break;
            const PatchifyFields f = decode_patchify(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            patchify(f, input_region, ports.input, state.lines, state.activation, state.patches);
            timeline.begin();
            state.patches.waiting = true;
            if (!comes_in_bands(f)) finish_patches(state);
            break;
        }
        case uint32_t(Opcode::matmul): {
            if (!flags_known(head, kMatmulFlags)) break;
            const MatmulFields f = decode_matmul(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            Cycles reading;
            if (f.has_compact) {
                NoRowNumbers ignored;
                error = read_indices(f.index, f.kept, f.rows, state.activation, state.compaction,
                                     ignored, reading);
                if (failed(error)) break;
            }
            const Cycles searching =
                search_connections(state.connections, state.scores, state.select);
            matmul(f, state.compaction, reading, state.patches, ports.params, state.probability,
                   state.weights, state.normalise, state.row_statistics, state.activation,
                   state.sums, timeline, saturated);
            if (state.connections.waiting) {
                timeline.run_beside(searching, write_mask(state.connections.fields, state.select,
                                                          state.activation));
                timeline.settle();
                state.connections.waiting = false;
            }
            break;
        }
        case uint32_t(Opcode::attention): {
            if (!flags_known(head, kAttentionFlags)) break;
            const AttentionFields f = decode_attention(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            attention(f, state.activation, state.normalise, state.weights, state.probability,
                      state.softmax, state.attention, state.scores, timeline, saturated);
            break;
        }
        case uint32_t(Opcode::select_tokens): {
            if (!flags_known(head, kSelectTokensFlags)) break;
            const SelectTokensFields f = decode_select_tokens(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            const Cycles selecting = select_tokens(f, state.scores, state.select, state.activation);
            if (timeline.behind_scores()) {
                timeline.run_behind_scores(selecting);
            } else {
                timeline.begin();
                timeline.run(selecting);
            }
            break;
        }
        case uint32_t(Opcode::select_connections): {
            if (!flags_known(head, kSelectConnectionsFlags)) break;
            const SelectConnectionsFields f = decode_select_connections(descriptor);
            error = check(f, regions);
            if (failed(error)) break;
            Cycles reading;
            error = read_indices(f.index, f.rows, f.tokens, state.activation, state.select.plan,
                                 state.select.index, reading);
            if (failed(error)) break;
            timeline.begin();
            timeline.run(reading);
            timeline.start_beside();
            state.connections.fields = f;
            state.connections.waiting = true;
            break;
        }
        default:
            break;
    }
    return error;
}

// Writes a stats word per instruction: saturations, then cycles, little endian.
class StatisticsSource {
public:
    explicit StatisticsSource(const Statistics& statistics) : statistics_(statistics), next_(0) {}

    word_t get() {
        word_t word;
        for (int lane = 0; lane < kLanes / 2; ++lane) {
#pragma HLS UNROLL
            word.lane[lane] = int16_t(uint16_t(statistics_.saturations[next_] >> (16 * lane)));
            word.lane[lane + kLanes / 2] =
                int16_t(uint16_t(statistics_.cycles[next_] >> (16 * lane)));
        }
        ++next_;
        return word;
    }

private:
    const Statistics& statistics_;
    uint32_t next_;
};

// Run the program on every image. In hardware three processes walk the program, with descriptors
// and operands in FIFOs between them (docs/cycles.md, Timeline of an image); written in order, as
// here, every instruction's operands are brought when it begins, and the timeline places them where
// the processes would. Returns error code << 24 | instruction index, 0 when all ran. Stops at the
// first error; stats are written for what was executed.
template <class AllPorts>
uint32_t execute_program(AllPorts& ports, const Arguments& arguments, KernelState& state) {
#pragma HLS INLINE
    const uint32_t instructions = arguments.num_instructions;
    if (instructions == 0 || instructions > uint32_t(kMaxInstructions)) {
        return status_code(Error::program_length, 0);
    }
    Regions regions;
    regions.params = arguments.params_words;
    regions.input = arguments.input_words;
    regions.output = arguments.output_words;
    for (uint32_t i = 0; i < instructions; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 1024
#pragma HLS PIPELINE II = 1
        state.statistics.saturations[i] = 0;
        state.statistics.cycles[i] = 0;
    }
    state.connections.waiting = false;
    state.patches.waiting = false;
    uint32_t status = 0;
    for (uint32_t image = 0; image < arguments.num_images && status == 0; ++image) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 64
        state.timeline.begin_image();
        for (uint32_t i = 0; i < instructions && status == 0; ++i) {
#pragma HLS LOOP_TRIPCOUNT min = 1 max = 1024
            uint32_t descriptor[kDescriptorWords];
            fetch_descriptor(i, ports.program, descriptor);
            state.timeline.begin_instruction(i);
            uint64_t saturated = 0;
            const Error error =
                execute_instruction(descriptor, regions, image, ports, state, saturated);
            const bool last = i + 1 == instructions;
            if (failed(error) || last) {
                finish_patches(state);
                finish_connections(state);
            }
            if (failed(error)) {
                status = status_code(error, i);
            } else {
                if (last) state.timeline.settle();
                state.statistics.saturations[i] += saturated;
                state.statistics.cycles[i] += state.timeline.instruction_cycles();
            }
        }
    }
    StatisticsSource source(state.statistics);
    stream_out(ports.stats, 0, instructions, source);
    return status;
}

}  // namespace trivit

#endif
