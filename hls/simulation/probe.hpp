// What can be seen inside of the RTL: the only place that knows how Verilator names it.
#ifndef TRIVIT_SIMULATION_PROBE_HPP
#define TRIVIT_SIMULATION_PROBE_HPP

#include "ddr.hpp"

class Vaccelerator;

namespace simulation {

static const int kBanks = 8;
static const int kStalls = 8;  // causes: STALL_* in hls/rtl/engine_types.sv
static const int kUnits = 23;  // by number; most of their reports are logged

struct Handshake {
    bool valid, ready;
    bool moves() const { return valid && ready; }
};

class Probe {
public:
    explicit Probe(const Vaccelerator& top) : top_(top) {}

    int stall() const;                   // why the array stands still; 0: it works
    bool product_begins() const;         // issues its first depth word
    bool product_issued() const;         // issues its last one
    Handshake command(int place) const;  // of a unit, by its place in `commands`
    int command_tag(int place) const;
    bool any_report() const;           // leaves its unit
    Handshake report(int unit) const;  // of an end command as well
    bool report_ends(int unit) const;
    int report_tag(int unit) const;
    bool report_failed(int unit) const;
    Handshake direct_rows() const;
    Handshake loaded_words() const;  // any port
    Handshake stored_words() const;

    uint64_t bank_words() const;
    DdrWord bank_word(int bank, uint64_t address) const;

private:
    const Vaccelerator& top_;
};

}  // namespace simulation

#endif
