// The DDR memory behind the accelerator's AXI4 ports: its content, its time, and a check of the
// rules that a port promises. The time is assumed, not measured (README.md).
#ifndef TRIVIT_SIMULATION_DDR_HPP
#define TRIVIT_SIMULATION_DDR_HPP

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "pins.hpp"

namespace simulation {

static const int kWordBytes = 16;
typedef std::array<uint8_t, kWordBytes> DdrWord;

// Cycles of the accelerator's clock.
struct DdrTiming {
    int latency = 60;
    double words_per_cycle = 12.8e9 / 150e6 / kWordBytes;  // all ports, both directions
    int turn = 20;                                         // a port loses when its direction turns
    int refresh = 53;                                      // 350 ns
    int refresh_every = 1170;                              // 7.8 us
    int burst_run = 16;  // bursts of a port in one direction while the other waits
    int open = 16;       // bursts under way in a port and direction
    int pauses = 0;      // of 256 cycles, in which a channel does nothing
    uint64_t seed = 1;
};

// AXI4 signals of one port.
struct AxiPins {
    Bytes araddr, arlen, rdata, awaddr, awlen, wdata;
    std::array<Pin, 2> rresp, bresp;
    Pin arvalid, arready, rlast, rvalid, rready, awvalid, awready, wlast, wvalid, wready, bvalid,
        bready;
};

// What a part of the memory answers, as AXI4 codes it; a word that is refused is not written.
enum class Answer { okay = 0, slave_error = 2, decode_error = 3 };
struct DdrBuffer {
    uint64_t first, words;
    Answer to_reads, to_writes;
};

class DdrPort;

class Ddr {
public:
    // So many words from `first` on, all zero.
    Ddr(const DdrTiming& timing, std::size_t words, uint64_t first = 0)
        : timing(timing), first(first), content(words) {}
    ~Ddr();
    Ddr(const Ddr&) = delete;

    void attach(const AxiPins& pins);

    // Sets what the ports see in a cycle; `transfer`, when their outputs have settled, moves what
    // there is and returns whether anything did.
    void drive();
    bool transfer();

    // Forgets what is under way at the ports.
    void reset();

    bool inside(uint64_t address) const { return address - first < content.size(); }
    DdrWord& word(uint64_t address) { return content[address - first]; }
    Answer answer(uint64_t address, bool write) const;

    std::string report() const;

    DdrTiming timing;
    const uint64_t first;
    std::vector<DdrWord> content;
    // Once there are any, the rest of the memory answers DECERR, as what lies outside always does.
    std::vector<DdrBuffer> buffers;
    uint64_t cycle = 0;
    uint64_t read_words = 0, written_words = 0, refusals = 0;

private:
    void serve();

    std::vector<DdrPort*> ports_;
    std::size_t next_ = 0;  // the port whose turn it is
    double free_at_ = 0;
};

}  // namespace simulation

#endif
