// An AXI4 port between the memory and a mover in C++: what the adapter of hls::burst_maxi does.
#ifndef TRIVIT_SIMULATION_MEMORY_BUS_HPP
#define TRIVIT_SIMULATION_MEMORY_BUS_HPP

#include <hls_burst_maxi.h>

#include <deque>

#include "../ddr.hpp"

namespace simulation {

class MemoryBus {
public:
    typedef ap_uint<8 * kWordBytes> Word;

    MemoryBus(const hls::burst_maxi<Word>& port, int number) : number(number), port_(port) {}
    MemoryBus(const MemoryBus&) = delete;

    AxiPins pins() {
        return {Bytes(araddr_, 0, 64),
                Bytes(arlen_, 0, 8),
                Bytes(rdata_, 0, 8 * kWordBytes),
                Bytes(awaddr_, 0, 64),
                Bytes(awlen_, 0, 8),
                Bytes(wdata_, 0, 8 * kWordBytes),
                {Pin(bits_, 0), Pin(bits_, 1)},
                {Pin(bits_, 2), Pin(bits_, 3)},
                pin(kArValid),
                pin(kArReady),
                pin(kRLast),
                pin(kRValid),
                pin(kRReady),
                pin(kAwValid),
                pin(kAwReady),
                pin(kWLast),
                pin(kWValid),
                pin(kWReady),
                pin(kBValid),
                pin(kBReady)};
    }

    // What the memory sees in a clock.
    void drive(uint64_t now) {
        if (!get(kArValid) && port_.reads.channel()->readable(now)) {
            set(kArValid, true);
            address(port_.reads.channel()->front(), araddr_, arlen_);
        }
        if (!get(kAwValid) && port_.writes.channel()->readable(now)) {
            set(kAwValid, true);
            address(port_.writes.channel()->front(), awaddr_, awlen_);
        }
        if (!get(kWValid) && !beats_.empty() && port_.written_words.channel()->readable(now)) {
            set(kWValid, true);
            set(kWLast, beats_.front() == 1);
            const Word& word = port_.written_words.channel()->front();
            for (int half = 0; half < 2; ++half)
                wdata_[half] = word.range(64 * half + 63, 64 * half).to_uint64();
        }
        set(kRReady, port_.read_words.channel()->writable(now));
        set(kBReady, port_.responses.channel()->writable(now));
    }

    // What moves, behind the memory's own step; returns whether anything did.
    bool transfer(uint64_t now) {
        bool moved = false;
        if (get(kArValid) && get(kArReady)) {
            port_.reads.channel()->pop(now);
            set(kArValid, false);
            moved = true;
        }
        if (get(kAwValid) && get(kAwReady)) {
            beats_.push_back(port_.writes.channel()->front().beats);
            open_.push_back(beats_.back());
            port_.writes.channel()->pop(now);
            set(kAwValid, false);
            moved = true;
        }
        if (get(kWValid) && get(kWReady)) {
            port_.written_words.channel()->pop(now);
            set(kWValid, false);
            if (--beats_.front() == 0) beats_.pop_front();
            moved = true;
        }
        if (get(kRValid) && get(kRReady)) {
            Word word;
            for (int half = 0; half < 2; ++half)
                word.range(64 * half + 63, 64 * half) = ap_uint<64>(rdata_[half]);
            port_.read_words.channel()->push(word, now);
            read_error = read_error || (bits_ & 3) != 0;
            moved = true;
        }
        if (get(kBValid) && get(kBReady)) {
            port_.responses.channel()->push(0, now);
            write_error = write_error || (bits_ & 12) != 0;
            words_written += uint64_t(open_.front());
            open_.pop_front();
            moved = true;
        }
        return moved;
    }

    const int number;  // of the gmem that it belongs to
    bool read_error = false, write_error = false;
    uint64_t words_written = 0;  // that the memory has confirmed

private:
    // Places in `bits_`, behind both responses.
    enum Signal {
        kArValid = 4,
        kArReady,
        kRLast,
        kRValid,
        kRReady,
        kAwValid,
        kAwReady,
        kWLast,
        kWValid,
        kWReady,
        kBValid,
        kBReady
    };

    Pin pin(int signal) { return Pin(bits_, signal); }
    bool get(int signal) { return pin(signal).get(); }
    void set(int signal, bool value) { pin(signal).put(value); }

    static void address(const hls::Burst& burst, uint64_t& address, uint8_t& length) {
        address = burst.address * kWordBytes;
        length = uint8_t(burst.beats - 1);
    }

    const hls::burst_maxi<Word> port_;
    uint64_t araddr_ = 0, awaddr_ = 0;
    uint8_t arlen_ = 0, awlen_ = 0;
    uint64_t rdata_[2] = {}, wdata_[2] = {};
    uint32_t bits_ = 0;
    std::deque<int> beats_;  // to come, of the bursts whose address was taken
    std::deque<int> open_;   // of all bursts without a response
};

}  // namespace simulation

#endif
