// Memories of hls/include/trivit/engine/bank_memory.hpp that count the accesses of each port.
#ifndef TRIVIT_CLOCKED_BANK_MEMORY_HPP
#define TRIVIT_CLOCKED_BANK_MEMORY_HPP

#include <memory>

#include "iteration.hpp"

namespace trivit {
namespace blocks {

template <class Value, int kEntries>
struct BankMemory {
    BankMemory() : bank_(std::make_shared<Bank>()) { all().push_back(*this); }

    Value read(int address) const {
        bank_->use(bank_->reads, address);
        return bank_->value[address];
    }

    Value read_second(int address) const {
        bank_->use(bank_->seconds, address);
        return bank_->value[address];
    }

    void write_second(int address, const Value& written) {
        bank_->use(bank_->seconds, address);
        if (simulation::Iteration::current()) {
            bank_->place = address;
            bank_->next = written;
        } else {
            bank_->value[address] = written;
        }
    }

    // What it holds; and the memories of this kind in the order in which they were made, for
    // whoever looks into a process.
    const Value& at(int address) const { return bank_->value[std::size_t(address)]; }
    static std::vector<BankMemory>& all() {
        static std::vector<BankMemory> memories;
        return memories;
    }

private:
    struct Bank : simulation::Deferred {
        Bank() : value(kEntries) {}

        void use(int& port, int address) {
            if (address < 0 || address >= kEntries)
                simulation::violated("an access outside of a bank");
            simulation::Iteration* iteration = simulation::Iteration::current();
            if (!iteration) return;
            if (port++ != 0) simulation::violated("a port of a bank has one access");
            if (reads + seconds == 1) iteration->memories.push_back(this);
        }

        void finish(bool complete) override {
            if (complete && place >= 0) value[place] = next;
            place = -1;
            reads = seconds = 0;
        }

        std::vector<Value> value;
        int reads = 0, seconds = 0;
        int place = -1;
        Value next = Value();
    };

    std::shared_ptr<Bank> bank_;
};

}  // namespace blocks
}  // namespace trivit

#endif
