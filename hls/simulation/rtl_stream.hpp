// Streams with one end in the RTL. The other end belongs to a process of an HLS block; between them
// lies a stream of the clocked simulation, so a word costs the same clocks as between two blocks.
#ifndef TRIVIT_SIMULATION_RTL_STREAM_HPP
#define TRIVIT_SIMULATION_RTL_STREAM_HPP

#include <ap_int.h>

#include <memory>

#include "clocked/channel.hpp"
#include "pins.hpp"

namespace simulation {

template <int kBits>
ap_uint<kBits> from_bytes(const Bytes& bytes) {
    uint64_t raw[(kBits + 63) / 64] = {};
    bytes.get(raw);
    ap_uint<kBits> word = 0;
    for (int low = 0; low < kBits; low += 64)
        word.range(low + 63 < kBits ? low + 63 : kBits - 1, low) = ap_uint<64>(raw[low / 64]);
    return word;
}

template <int kBits>
void to_bytes(const ap_uint<kBits>& word, const Bytes& bytes) {
    uint64_t raw[(kBits + 63) / 64];
    for (int low = 0; low < kBits; low += 64)
        raw[low / 64] = word.range(low + 63 < kBits ? low + 63 : kBits - 1, low).to_uint64();
    bytes.put(raw);
}

// `drive` sets what the RTL sees in a clock; `transfer`, when its outputs have settled, moves a
// word and returns whether it did.
class RtlStream {
public:
    RtlStream(const std::string& name, Pin valid, Pin ready)
        : name(name), valid(valid), ready(ready) {}
    virtual ~RtlStream() {}
    virtual void drive(uint64_t now) = 0;
    virtual bool transfer(uint64_t now) = 0;

    const std::string name;
    const Pin valid, ready;
    uint64_t words = 0;  // that went through
};

template <int kBits>
class IntoRtl : public RtlStream {
public:
    typedef std::shared_ptr<TypedChannel<ap_uint<kBits>>> From;

    IntoRtl(From from, Bytes data, Pin valid, Pin ready)
        : RtlStream(from->name, valid, ready), from_(from), data_(data) {}

    // What is offered stays until it is taken.
    void drive(uint64_t now) override {
        if (offered_) return;
        offered_ = from_->readable(now);
        valid.put(offered_);
        if (offered_) to_bytes(from_->front(), data_);
    }

    bool transfer(uint64_t now) override {
        if (!offered_ || !ready.get()) return false;
        from_->pop(now);
        offered_ = false;
        ++words;
        return true;
    }

private:
    From from_;
    Bytes data_;
    bool offered_ = false;
};

template <int kBits>
class FromRtl : public RtlStream {
public:
    typedef std::shared_ptr<TypedChannel<ap_uint<kBits>>> Into;

    FromRtl(Into into, Bytes data, Pin valid, Pin ready)
        : RtlStream(into->name, valid, ready), into_(into), data_(data) {}

    void drive(uint64_t now) override {
        room_ = into_->writable(now);
        ready.put(room_);
    }

    bool transfer(uint64_t now) override {
        if (!room_ || !valid.get()) return false;
        into_->push(from_bytes<kBits>(data_), now);
        ++words;
        return true;
    }

private:
    Into into_;
    Bytes data_;
    bool room_ = false;
};

}  // namespace simulation

#endif
