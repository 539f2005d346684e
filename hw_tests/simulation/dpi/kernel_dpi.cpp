// The functions that rtl/kernel_bridge.sv calls each clock edge. Everything runs on the simulator's
// thread.
#include <cstdint>
#include <cstring>

#include "bus.hpp"
#include "svdpi.h"
#include "trivit/program.hpp"

namespace {

constexpr std::size_t kStackBytes = 16u << 20;  // untouched pages cost nothing

simulation::Coroutine kernel(kStackBytes);
simulation::Bus bus(kernel);
trivit::KernelState state;  // on the chip: it outlives a start and a reset
uint32_t result = 0;

static_assert(sizeof(trivit::word_t) == 4 * sizeof(svBitVecVal), "a beat is one memory word");

}  // namespace

extern "C" {

void trivit_reset() {
    kernel.abandon();
    bus.clear();
}

void trivit_start(uint64_t program_pointer, uint64_t params_pointer0, uint64_t params_pointer1,
                  uint64_t params_pointer2, uint64_t params_pointer3, uint64_t input_pointer0,
                  uint64_t input_pointer1, uint64_t input_pointer2, uint64_t input_pointer3,
                  uint64_t output_pointer, uint64_t stats_pointer, uint32_t num_instructions,
                  uint32_t num_images, uint32_t params_words, uint32_t input_words,
                  uint32_t output_words) {
    bus.clear();
    kernel.start([=] {
        // Which pointer is on which port: kernel.yaml, ports; the pragmas of the top function
        // agree.
        using simulation::BusPort;
        BusPort program(bus, 0, program_pointer);
        BusPort params0(bus, 1, params_pointer0);
        BusPort params1(bus, 2, params_pointer1);
        BusPort params2(bus, 3, params_pointer2);
        BusPort params3(bus, 4, params_pointer3);
        BusPort input0(bus, 1, input_pointer0);
        BusPort input1(bus, 2, input_pointer1);
        BusPort input2(bus, 3, input_pointer2);
        BusPort input3(bus, 4, input_pointer3);
        BusPort output(bus, 0, output_pointer);
        BusPort stats(bus, 0, stats_pointer);
        trivit::Ports<BusPort, BusPort> ports = {program,
                                                 {params0, params1, params2, params3},
                                                 {input0, input1, input2, input3},
                                                 output,
                                                 stats};
        trivit::Arguments arguments;
        arguments.num_instructions = num_instructions;
        arguments.num_images = num_images;
        arguments.params_words = params_words;
        arguments.input_words = input_words;
        arguments.output_words = output_words;
        result = trivit::execute_program(ports, arguments, state);
    });
}

uint32_t trivit_request(uint32_t* port, uint32_t* is_write, uint64_t* address, uint32_t* beats) {
    if (!bus.pending()) return 0;
    *port = bus.port();
    *is_write = bus.is_write() ? 1 : 0;
    *address = bus.address();
    *beats = bus.beats();
    return 1;
}

void trivit_put_read(const svBitVecVal* data) {
    trivit::word_t word;
    std::memcpy(&word, data, sizeof word);
    bus.put(word);
}

void trivit_get_write(svBitVecVal* data) { std::memcpy(data, &bus.get(), sizeof(trivit::word_t)); }

void trivit_complete() {
    bus.complete();
    kernel.resume();
}

uint32_t trivit_result() { return result; }

}  // extern "C"
