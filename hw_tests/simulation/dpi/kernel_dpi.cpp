// The functions that rtl/kernel_bridge.sv calls each clock edge. Everything runs on the simulator's thread.
#include <cstdint>
#include <cstring>

#include "bus.hpp"
#include "svdpi.h"

namespace {

constexpr std::size_t kStackBytes = 16u << 20;  // untouched pages cost nothing

simulation::Coroutine kernel(kStackBytes);
simulation::Bus bus(kernel);
uint32_t result = 0;

static_assert(sizeof(trivit::word_t) == 4 * sizeof(svBitVecVal), "a beat is one memory word");

}  // namespace

extern "C" {

void trivit_reset() {
    kernel.abandon();
    bus.clear();
}

void trivit_start(uint64_t program_pointer, uint64_t params_pointer, uint64_t input_pointer,
                  uint64_t output_pointer, uint64_t stats_pointer, uint32_t num_instructions,
                  uint32_t num_images, uint32_t params_words, uint32_t input_words,
                  uint32_t output_words) {
    bus.clear();
    kernel.start([=] {
        result = 6u << 24;
        if (num_instructions == 0) return;
        simulation::BusPort program(bus, 0, program_pointer);
        simulation::BusPort params(bus, 1, params_pointer);
        simulation::BusPort input(bus, 2, input_pointer);
        simulation::BusPort output(bus, 2, output_pointer);
        simulation::BusPort stats(bus, 0, stats_pointer);
        trivit::word_t buffer[256];
        for (uint32_t i = 0; i < num_images; ++i) {
            input.read(i * input_words, input_words, buffer);
            output.write(i * output_words, output_words, buffer);
        }
        params.read(0, params_words, buffer);
        stats.write(0, params_words, buffer);
        program.read(0, num_instructions, buffer);
        result = 42;
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
