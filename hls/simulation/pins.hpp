// Ports of the Verilated model as bits in memory. Verilator keeps a signal in words of 8 to 64 bits
// or in an array of 32-bit words, so on a little-endian machine bit n lies in byte n / 8.
#ifndef TRIVIT_SIMULATION_PINS_HPP
#define TRIVIT_SIMULATION_PINS_HPP

#include <cstdint>
#include <cstring>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the model's words are read as bytes");

namespace simulation {

// One bit of a signal.
class Pin {
public:
    template <class Signal>
    Pin(Signal& signal, int bit)
        : byte_(reinterpret_cast<uint8_t*>(&signal) + bit / 8), mask_(uint8_t(1u << (bit % 8))) {}

    bool get() const { return (*byte_ & mask_) != 0; }
    void put(bool value) const { *byte_ = uint8_t(value ? *byte_ | mask_ : *byte_ & ~mask_); }

private:
    uint8_t* byte_;
    uint8_t mask_;
};

// A field of whole bytes of a signal.
class Bytes {
public:
    template <class Signal>
    Bytes(Signal& signal, int low_bit, int bits)
        : byte_(reinterpret_cast<uint8_t*>(&signal) + low_bit / 8), size_(bits / 8) {}

    void get(void* to) const { std::memcpy(to, byte_, std::size_t(size_)); }
    void put(const void* from) const { std::memcpy(byte_, from, std::size_t(size_)); }

    uint64_t number() const {
        uint64_t value = 0;
        std::memcpy(&value, byte_, std::size_t(size_));
        return value;
    }

private:
    uint8_t* byte_;
    int size_;
};

}  // namespace simulation

#endif
