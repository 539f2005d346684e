// A stream between two processes: a FIFO with a depth, in which a word that is written in a clock
// can be read some clocks later, and a place that is read can be written again in the next clock.
#ifndef TRIVIT_CLOCKED_CHANNEL_HPP
#define TRIVIT_CLOCKED_CHANNEL_HPP

#include <algorithm>
#include <deque>

#include "iteration.hpp"

namespace simulation {

class Channel {
public:
    Channel(const std::string& name, int depth, int latency)
        : name(name), depth(depth), latency(latency) {}
    virtual ~Channel() {}

    // Of iterations, in the clock `now`.
    bool writable(uint64_t now) const {
        return size() + (popped_ == now ? 1 : 0) < std::size_t(depth);
    }
    virtual std::size_t size() const = 0;
    virtual bool readable(uint64_t now) const = 0;
    virtual void commit(uint64_t now) = 0;  // the oldest word that an iteration wrote
    virtual void pop(uint64_t now) = 0;
    virtual void undo_write() = 0;

    // In `share` of 256 clocks, drawn at random, the stream offers nothing.
    void pause(int share, uint64_t seed) {
        share_ = share;
        seed_ = seed * 0x9E3779B97F4A7C15ull;
    }

    // Each end belongs to one process.
    void claim(const void*& end, const char* which) {
        const void* process = Iteration::current()->process;
        if (end && end != process) violated(name + ": two processes " + which + " it");
        end = process;
    }

    static uint64_t& now() {
        static uint64_t clock = 0;
        return clock;
    }

    std::string name;
    int depth;
    int latency;
    std::size_t most = 0;  // words at once
    uint64_t taken = 0;    // words that iterations have read

protected:
    bool paused(uint64_t now) const {
        if (share_ == 0) return false;
        uint64_t hash = (seed_ ^ now) * 0xBF58476D1CE4E5B9ull;
        hash = (hash ^ (hash >> 31)) * 0x94D049BB133111EBull;
        return int(hash >> 56) < share_;
    }

    int share_ = 0;
    uint64_t seed_ = 0;
    uint64_t popped_ = ~uint64_t(0);
    const void* reader_ = nullptr;
    const void* writer_ = nullptr;
};

template <class Word>
class TypedChannel : public Channel {
public:
    using Channel::Channel;

    std::size_t size() const override { return words_.size(); }

    bool readable(uint64_t now) const override {
        return !words_.empty() && words_.front().from <= now && !paused(now);
    }

    void commit(uint64_t now) override {
        words_.push_back({staged_.front(), now + uint64_t(latency)});
        staged_.pop_front();
        most = std::max(most, words_.size());
    }

    void pop(uint64_t now) override {
        words_.pop_front();
        popped_ = now;
        ++taken;
    }

    void undo_write() override { staged_.pop_back(); }

    // Of ends that are no processes: what stands outside of the simulator's blocks.
    const Word& front() const { return words_.front().word; }
    void push(const Word& word, uint64_t now) {
        words_.push_back({word, now + uint64_t(latency)});
        most = std::max(most, words_.size());
    }

    Word read() {
        Iteration* iteration = Iteration::current();
        if (!iteration) {
            if (words_.empty()) violated(name + ": read while it is empty");
            const Word word = words_.front().word;
            words_.pop_front();
            return word;
        }
        claim(reader_, "read");
        if (contains(iteration->reads)) violated(name + ": read twice in an iteration");
        if (!readable(now())) throw Stalled{this};
        iteration->reads.push_back(this);
        return words_.front().word;
    }

    // Whether a read would find a word.
    bool offers() const { return Iteration::current() ? readable(now()) : !words_.empty(); }

    void write(const Word& word) {
        Iteration* iteration = Iteration::current();
        if (!iteration) {
            words_.push_back({word, 0});
            return;
        }
        claim(writer_, "write");
        if (contains(iteration->writes)) violated(name + ": written twice in an iteration");
        staged_.push_back(word);
        iteration->writes.push_back(this);
    }

private:
    struct Entry {
        Word word;
        uint64_t from;  // the first clock that can read it
    };

    bool contains(const std::vector<Channel*>& channels) {
        return std::find(channels.begin(), channels.end(), this) != channels.end();
    }

    std::deque<Entry> words_;
    std::deque<Word> staged_;  // of iterations that are still in the pipeline
};

}  // namespace simulation

#endif
