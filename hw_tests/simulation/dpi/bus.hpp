// The kernel's memory ports on a simulated AXI bus: read and write leave the kernel until the bus
// has moved every word (the port concept is in hls/include/trivit/ports.hpp).
#ifndef TRIVIT_SIMULATION_BUS_HPP
#define TRIVIT_SIMULATION_BUS_HPP

#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "coroutine.hpp"
#include "trivit/ports.hpp"

namespace simulation {

// The one request that the kernel waits for. The kernel runs in sequence, so there is never a
// second.
class Bus {
public:
    explicit Bus(Coroutine& kernel) : kernel_(kernel) {}

    void clear() { pending_ = false; }

    // Kernel side.
    void transfer(uint32_t port, bool is_write, uint64_t address, uint32_t beats,
                  trivit::word_t* destination, const trivit::word_t* source) {
        if (beats == 0) fail("the kernel asked for a transfer of no words");
        port_ = port;
        is_write_ = is_write;
        address_ = address;
        beats_ = beats;
        moved_ = 0;
        destination_ = destination;
        source_ = source;
        pending_ = true;
        while (pending_)
            kernel_.yield();
    }

    // Simulator side.
    bool pending() const { return pending_; }
    uint32_t port() const { return port_; }
    bool is_write() const { return is_write_; }
    uint64_t address() const { return address_; }
    uint32_t beats() const { return beats_; }

    void put(const trivit::word_t& word) {
        if (!pending_ || is_write_ || moved_ == beats_) fail("read data that nobody asked for");
        destination_[moved_++] = word;
    }

    const trivit::word_t& get() {
        if (!pending_ || !is_write_ || moved_ == beats_) fail("no write data left");
        return source_[moved_++];
    }

    void complete() {
        if (!pending_ || moved_ != beats_) fail("a transfer completed before its last word");
        pending_ = false;
    }

private:
    // The shell is wrong, not the kernel: no simulation result would mean anything.
    [[noreturn]] static void fail(const char* reason) {
        std::fprintf(stderr, "simulation shell: %s\n", reason);
        std::abort();
    }

    Coroutine& kernel_;
    bool pending_ = false;
    bool is_write_ = false;
    uint32_t port_ = 0;
    uint64_t address_ = 0;
    uint32_t beats_ = 0;
    uint32_t moved_ = 0;
    trivit::word_t* destination_ = nullptr;
    const trivit::word_t* source_ = nullptr;
};

// A pointer argument of the kernel: offsets count words from `base` (a byte address) on AXI port
// `port`.
class BusPort {
public:
    BusPort(Bus& bus, uint32_t port, uint64_t base) : bus_(bus), port_(port), base_(base) {}

    void read(uint64_t word_offset, uint32_t count, trivit::word_t* destination) {
        bus_.transfer(port_, false, base_ + word_offset * sizeof(trivit::word_t), count,
                      destination, nullptr);
    }

    void write(uint64_t word_offset, uint32_t count, const trivit::word_t* source) {
        bus_.transfer(port_, true, base_ + word_offset * sizeof(trivit::word_t), count, nullptr,
                      source);
    }

private:
    Bus& bus_;
    uint32_t port_;
    uint64_t base_;
};

}  // namespace simulation

#endif
