// The files of a job: what fills the memory, what is saved of it, and tensors that are watched.
#ifndef TRIVIT_SIMULATION_JOB_FILES_HPP
#define TRIVIT_SIMULATION_JOB_FILES_HPP

#include <array>
#include <fstream>

#include "options.hpp"

namespace simulation {

static const int kUnitNumbers = 32;
static const int kBankNumbers = 8;

void load_regions(const std::string& folder, const Input& input, Ddr& ddr);
void save_regions(const std::string& folder, const Input& input, const Ddr& ddr);

// Copies tensors from the banks when the unit that writes them says that they are complete.
class Watches {
public:
    explicit Watches(const Input& input) : input_(input), tensors_(input.watches.size()) {}

    void next_job() { reports_ = {}; }

    // The unit has made its next report. `banks` has bank_word(bank, address) and bank_words().
    template <class Banks>
    void reported(std::size_t job, int unit, const Banks& banks) {
        for (std::size_t i = 0; i < tensors_.size(); ++i) {
            const Watch& watch = input_.watches[i];
            if (watch.job == job && int(watch.unit) == unit &&
                watch.report == reports_[std::size_t(unit)])
                copy(watch, banks, tensors_[i]);
        }
        ++reports_[std::size_t(unit)];
    }

    void write(const std::string& folder) const;

private:
    template <class Banks>
    void copy(const Watch& watch, const Banks& banks, std::vector<DdrWord>& tensor) const {
        for (uint64_t row = 0; row < watch.rows; ++row) {
            for (uint64_t word = 0; word < watch.words; ++word) {
                const uint64_t address = watch.address + row / kBankNumbers * watch.stride + word;
                if (address >= banks.bank_words())
                    throw InputError("a watched tensor lies outside of the banks");
                tensor.push_back(banks.bank_word(int(row % kBankNumbers), address));
            }
        }
    }

    const Input& input_;
    std::vector<std::vector<DdrWord>> tensors_;
    std::array<uint64_t, kUnitNumbers> reports_ = {};
};

}  // namespace simulation

#endif
