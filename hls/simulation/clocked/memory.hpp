// Memories of hls/include/trivit/blocks/memory.hpp that count their accesses and know when each
// entry was written.
#ifndef TRIVIT_CLOCKED_MEMORY_HPP
#define TRIVIT_CLOCKED_MEMORY_HPP

#include <memory>

#include "iteration.hpp"

namespace trivit {
namespace blocks {

template <class Value, int kEntries, int kDistance>
struct Memory {
    Memory() : bank_(std::make_shared<Bank>()) {}

    Value read(int index) const { return bank_->read(index); }
    void write(int index, const Value& value) { bank_->write(index, value); }

private:
    struct Bank : simulation::Deferred {
        Bank() : value(kEntries), written(kEntries, -1) {}

        Value read(int index) {
            check(index);
            if (written[index] < 0) simulation::violated("a memory is read before it is written");
            const simulation::Iteration* iteration = simulation::Iteration::current();
            if (iteration) {
                begin();
                if (reads++ != 0) simulation::violated("a memory has one port that reads");
                if (int64_t(iteration->number) + 1 - written[index] < kDistance)
                    simulation::violated("a memory is read too soon behind a write");
            }
            return value[index];
        }

        void write(int index, const Value& given) {
            check(index);
            if (!simulation::Iteration::current()) {
                value[index] = given;
                written[index] = 0;
                return;
            }
            begin();
            if (writes++ != 0) simulation::violated("a memory has one port that writes");
            place = index;
            next = given;
        }

        // `written` holds the number of the iteration, from 1.
        void finish(bool complete) override {
            if (complete && writes != 0) {
                value[place] = next;
                written[place] = int64_t(number) + 1;
            }
            reads = writes = 0;
            open = false;
        }

        void begin() {
            if (open) return;
            open = true;
            number = simulation::Iteration::current()->number;
            simulation::Iteration::current()->memories.push_back(this);
        }

        static void check(int index) {
            if (index < 0 || index >= kEntries)
                simulation::violated("an access outside of a memory");
        }

        std::vector<Value> value;
        std::vector<int64_t> written;
        uint64_t number = 0;
        int reads = 0;
        int writes = 0;
        int place = 0;
        Value next = Value();
        bool open = false;
    };

    std::shared_ptr<Bank> bank_;
};

struct TablePorts {
    template <class Value, int kEntries>
    Value read(const Value (&table)[kEntries], int index) {
        if (++reads > 2) simulation::violated("a table has two ports");
        if (index < 0 || index >= kEntries) simulation::violated("a read outside of a table");
        return table[index];
    }

    int reads = 0;
};

}  // namespace blocks
}  // namespace trivit

#endif
