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

// `drive` sets what the RTL sees in a clock; `transfer`, when its outputs have settled, moves a word
// and returns whether it did.
class RtlStream {
public:
    explicit RtlStream(const std::string& name) : name(name) {}
    virtual ~RtlStream() {}
    virtual void drive(uint64_t now) = 0;
    virtual bool transfer(uint64_t now) = 0;
    virtual std::string state(uint64_t now) const = 0;

    const std::string name;
    uint64_t words = 0;  // that went through
};

template <int kBits>
class IntoRtl : public RtlStream {
public:
    typedef std::shared_ptr<TypedChannel<ap_uint<kBits>>> From;

    IntoRtl(From from, Bytes data, Pin valid, Pin ready)
        : RtlStream(from->name), from_(from), data_(data), valid_(valid), ready_(ready) {}

    // What is offered stays until it is taken.
    void drive(uint64_t now) override {
        if (offered_) return;
        offered_ = from_->readable(now);
        valid_.put(offered_);
        if (offered_) to_bytes(from_->front(), data_);
    }

    bool transfer(uint64_t now) override {
        if (!offered_ || !ready_.get()) return false;
        from_->pop(now);
        offered_ = false;
        ++words;
        return true;
    }

    std::string state(uint64_t) const override {
        return !offered_ ? "empty" : ready_.get() ? "moving" : "not taken by the RTL";
    }

private:
    From from_;
    Bytes data_;
    Pin valid_, ready_;
    bool offered_ = false;
};

template <int kBits>
class FromRtl : public RtlStream {
public:
    typedef std::shared_ptr<TypedChannel<ap_uint<kBits>>> Into;

    FromRtl(Into into, Bytes data, Pin valid, Pin ready)
        : RtlStream(into->name), into_(into), data_(data), valid_(valid), ready_(ready) {}

    void drive(uint64_t now) override {
        room_ = into_->writable(now);
        ready_.put(room_);
    }

    bool transfer(uint64_t now) override {
        if (!room_ || !valid_.get()) return false;
        into_->push(from_bytes<kBits>(data_), now);
        ++words;
        return true;
    }

    std::string state(uint64_t now) const override {
        if (!valid_.get()) return into_->size() ? "words wait for the block" : "empty";
        return into_->writable(now) ? "moving" : "full";
    }

private:
    Into into_;
    Bytes data_;
    Pin valid_, ready_;
    bool room_ = false;
};

}  // namespace simulation

#endif
