#include "probe.hpp"

#include "Vaccelerator.h"
#include "Vaccelerator___024root.h"

namespace simulation {

namespace {

const int kReportBits = 64;  // a figure 51:0, tag 62:52, failed 63
const int kCommandBits = 256;

// Bits of a signal that Verilator keeps in 32-bit words.
template <class Signal>
uint64_t bits(const Signal& signal, int low, int width) {
    uint64_t value = 0;
    for (int bit = 0; bit < width; ++bit) {
        const int place = low + bit;
        value |= uint64_t(signal[std::size_t(place / 32)] >> (place % 32) & 1) << bit;
    }
    return value;
}

}  // namespace

#define TOP(name) (top_.rootp->accelerator__DOT__##name)
#define ISSUE(name) TOP(engine__DOT__issuing__DOT__##name)
#define BANK(i) TOP(engine__DOT__banks__DOT__banks__BRA__##i##__KET____DOT__bank__DOT__memory)

int Probe::stall() const { return ISSUE(stall); }
bool Probe::product_begins() const { return ISSUE(begins); }
bool Probe::product_issued() const { return ISSUE(product_ready) && stall() == 0; }

Handshake Probe::command(int place) const {
    return {(TOP(command_valid) >> place & 1) != 0, (TOP(command_ready) >> place & 1) != 0};
}
int Probe::command_tag(int place) const {
    return int(bits(TOP(command), kCommandBits * place + 1, 11));
}

bool Probe::any_report() const { return (TOP(report_valid) & TOP(report_ready)) != 0; }
Handshake Probe::report(int unit) const {
    return {(TOP(report_valid) >> unit & 1) != 0, (TOP(report_ready) >> unit & 1) != 0};
}
bool Probe::report_ends(int unit) const { return TOP(report_ends) >> unit & 1; }
int Probe::report_tag(int unit) const {
    return int(bits(TOP(report), kReportBits * unit + 52, 11));
}
bool Probe::report_failed(int unit) const {
    return bits(TOP(report), kReportBits * unit + 63, 1) != 0;
}

Handshake Probe::direct_rows() const { return {bool(TOP(direct_valid)), bool(TOP(direct_ready))}; }
Handshake Probe::loaded_words() const {
    const unsigned valid = TOP(loaded_word_valid), ready = TOP(loaded_word_ready);
    return {valid != 0, (valid & ready) != 0};
}
Handshake Probe::stored_words() const {
    const unsigned valid = TOP(stored_word_valid), ready = TOP(stored_word_ready);
    return {valid != 0, (valid & ready) != 0};
}

uint64_t Probe::bank_words() const { return sizeof(BANK(0)) / kWordBytes; }

DdrWord Probe::bank_word(int bank, uint64_t address) const {
    const decltype(&BANK(0)) banks[kBanks] = {&BANK(0), &BANK(1), &BANK(2), &BANK(3),
                                              &BANK(4), &BANK(5), &BANK(6), &BANK(7)};
    DdrWord word;
    std::memcpy(word.data(), &(*banks[bank])[std::size_t(address)], kWordBytes);
    return word;
}

}  // namespace simulation
