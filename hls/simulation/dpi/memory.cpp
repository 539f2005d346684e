// The memory behind the module ddr_memory, and what whoever drives the simulation does with it:
// Python finds these functions in the running program.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>

#include "ddr.hpp"

namespace {

using simulation::Bytes;
using simulation::Ddr;
using simulation::Pin;

const int kPorts = 5;
typedef const uint32_t* BitsIn;
typedef uint32_t* BitsOut;

// The signals of all ports, packed as the module does.
struct Signals {
    uint32_t araddr[2 * kPorts], awaddr[2 * kPorts], arlen[2], awlen[2];
    uint32_t wdata[4 * kPorts], rdata[4 * kPorts];
    uint32_t wlast, arvalid, awvalid, wvalid, rready, bready;
    uint32_t arready, awready, wready, rlast, rvalid, bvalid, rresp, bresp;
};

class Memory {
public:
    Memory(uint64_t first, uint64_t words) : ddr(simulation::DdrTiming(), words, first) {
        for (int g = 0; g < kPorts; ++g) {
            Signals& s = signals;
            ddr.attach({Bytes(s.araddr, 64 * g, 64),
                        Bytes(s.arlen, 8 * g, 8),
                        Bytes(s.rdata, 128 * g, 128),
                        Bytes(s.awaddr, 64 * g, 64),
                        Bytes(s.awlen, 8 * g, 8),
                        Bytes(s.wdata, 128 * g, 128),
                        {Pin(s.rresp, 2 * g), Pin(s.rresp, 2 * g + 1)},
                        {Pin(s.bresp, 2 * g), Pin(s.bresp, 2 * g + 1)},
                        Pin(s.arvalid, g),
                        Pin(s.arready, g),
                        Pin(s.rlast, g),
                        Pin(s.rvalid, g),
                        Pin(s.rready, g),
                        Pin(s.awvalid, g),
                        Pin(s.awready, g),
                        Pin(s.wlast, g),
                        Pin(s.wvalid, g),
                        Pin(s.wready, g),
                        Pin(s.bvalid, g),
                        Pin(s.bready, g)});
        }
    }

    Signals signals = {};
    Ddr ddr;
};

std::unique_ptr<Memory> memory;

const uint64_t kWord = uint64_t(simulation::kWordBytes);

// The bytes from `address` on, or none where they are not all there.
uint8_t* bytes_at(uint64_t address, uint64_t bytes) {
    if (!memory) return nullptr;
    const uint64_t begin = address - memory->ddr.first * kWord;
    const uint64_t size = memory->ddr.content.size() * kWord;
    if (begin > size || bytes > size - begin) return nullptr;
    return memory->ddr.content.data()->data() + begin;
}

}  // namespace

extern "C" {

// Another memory, all zero and without buffers; address and size in bytes, whole words.
void trivit_memory_create(uint64_t address, uint64_t bytes) {
    memory.reset(new Memory(address / kWord, bytes / kWord));
}

// From the next reset on; see DdrTiming.
void trivit_memory_timing(int latency, double words_per_cycle, int turn, int refresh,
                          int refresh_every, int pauses, uint64_t seed) {
    simulation::DdrTiming& timing = memory->ddr.timing;
    timing.latency = latency;
    timing.words_per_cycle = words_per_cycle;
    timing.turn = turn;
    timing.refresh = refresh;
    timing.refresh_every = refresh_every;
    timing.pauses = pauses;
    timing.seed = seed;
}

// What a buffer answers, AXI4's codes; it replaces one that begins at the same address.
void trivit_memory_buffer(uint64_t address, uint64_t bytes, int to_reads, int to_writes) {
    const simulation::DdrBuffer made = {address / kWord, bytes / kWord,
                                        simulation::Answer(to_reads),
                                        simulation::Answer(to_writes)};
    for (simulation::DdrBuffer& buffer : memory->ddr.buffers) {
        if (buffer.first == made.first) {
            buffer = made;
            return;
        }
    }
    memory->ddr.buffers.push_back(made);
}

// Copy from and into the content, in no time; return 0 where the memory ends before.
int trivit_memory_read(uint64_t address, uint64_t bytes, void* to) {
    const uint8_t* from = bytes_at(address, bytes);
    if (from) std::memcpy(to, from, bytes);
    return from != nullptr;
}

int trivit_memory_write(uint64_t address, uint64_t bytes, const void* from) {
    uint8_t* to = bytes_at(address, bytes);
    if (to) std::memcpy(to, from, bytes);
    return to != nullptr;
}

// Words read, words written, words and bursts refused.
void trivit_memory_counts(uint64_t counts[3]) {
    counts[0] = memory->ddr.read_words;
    counts[1] = memory->ddr.written_words;
    counts[2] = memory->ddr.refusals;
}

void trivit_memory_clock(unsigned char running, BitsIn araddr, BitsIn arlen, BitsIn awaddr,
                         BitsIn awlen, BitsIn wdata, BitsIn wlast, BitsIn arvalid, BitsIn awvalid,
                         BitsIn wvalid, BitsIn rready, BitsIn bready, BitsOut arready,
                         BitsOut awready, BitsOut wready, BitsOut rdata, BitsOut rresp,
                         BitsOut rlast, BitsOut rvalid, BitsOut bresp, BitsOut bvalid) {
    if (!memory) trivit_memory_create(0, 0);
    Signals& s = memory->signals;
    if (!running) {
        memory->ddr.reset();
    } else {
        std::memcpy(s.araddr, araddr, sizeof s.araddr);
        std::memcpy(s.awaddr, awaddr, sizeof s.awaddr);
        std::memcpy(s.arlen, arlen, sizeof s.arlen);
        std::memcpy(s.awlen, awlen, sizeof s.awlen);
        std::memcpy(s.wdata, wdata, sizeof s.wdata);
        s.wlast = *wlast;
        s.arvalid = *arvalid;
        s.awvalid = *awvalid;
        s.wvalid = *wvalid;
        s.rready = *rready;
        s.bready = *bready;
        try {
            memory->ddr.transfer();
        } catch (const std::exception& error) {  // a rule of AXI4 that a port broke
            std::fprintf(stderr, "%s\n", error.what());
            std::exit(1);
        }
        memory->ddr.drive();
    }
    *arready = s.arready;
    *awready = s.awready;
    *wready = s.wready;
    std::memcpy(rdata, s.rdata, sizeof s.rdata);
    *rresp = s.rresp;
    *rlast = s.rlast;
    *rvalid = s.rvalid;
    *bresp = s.bresp;
    *bvalid = s.bvalid;
}

}  // extern "C"
