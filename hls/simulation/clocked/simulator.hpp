// A network of processes and streams under one clock.
#ifndef TRIVIT_CLOCKED_SIMULATOR_HPP
#define TRIVIT_CLOCKED_SIMULATOR_HPP

#include <memory>

#include "options.hpp"
#include "process.hpp"

namespace simulation {

class Simulator {
public:
    explicit Simulator(const Options& options) : options_(options), random_(options.seed) {
        previous_ = current();
        current() = this;
        Channel::now() = 0;
    }
    ~Simulator() { current() = previous_; }
    Simulator(const Simulator&) = delete;

    // The one that top functions build themselves into.
    static Simulator*& current() {
        static Simulator* simulator = nullptr;
        return simulator;
    }

    template <class Word>
    std::shared_ptr<TypedChannel<Word>> channel(const std::string& name, int depth) {
        if (depth == 0) depth = options_.port_depth;
        const auto found = options_.depth.find(name);
        if (found != options_.depth.end()) depth = found->second;
        auto made = std::make_shared<TypedChannel<Word>>(name, depth, options_.stream_latency);
        if (options_.pauses != 0) made->pause(options_.pauses, options_.seed + channels_.size());
        channels_.push_back(made);
        return made;
    }

    // A process of a block, whose loops are all flp: the simulation ends when all of these have.
    template <class Process, class... Streams>
    void add(const Process& process, const Streams&... streams) {
        add_as(Style::flp, process, streams...);
    }

    template <class Process, class... Streams>
    void add_as(Style style, const Process& process, const Streams&... streams) {
        blocks_.emplace_back(new ProcessPipeline<Process, Streams...>(
            Process::name(), Process::kDepth * options_.depth_factor, style,
            uint64_t(options_.loop_entry), process, streams...));
        if (options_.restart) blocks_.back()->restart(uint64_t(options_.loop_entry));
        order_.push_back(blocks_.back().get());
    }

    // A process of the bench, which neither ends nor has a way to go.
    template <class Process, class... Streams>
    void attach(const Process& process, const Streams&... streams) {
        ends_.emplace_back(new ProcessPipeline<Process, Streams...>(Process::name(), 1, Style::flp,
                                                                    0, process, streams...));
        order_.push_back(ends_.back().get());
    }

    // Runs until the blocks have ended, those that were called again wait for a first word, and all
    // streams are empty; returns false when nothing moves.
    bool run() {
        uint64_t idle = 0;
        while (!finished()) {
            idle = clock() ? 0 : idle + 1;
            if (idle > uint64_t(options_.patience)) return false;
        }
        return true;
    }

    // One clock of all processes; returns whether anything moved.
    bool clock() {
        if (options_.seed != 0) shuffle();
        bool moved = false;
        for (Pipeline* pipeline : order_)
            moved = pipeline->clock(Channel::now()) || moved;
        ++Channel::now();
        return moved;
    }

    // What stands still, and on what.
    std::string report() const {
        std::string text;
        for (const auto& block : blocks_) {
            text += block->name + ": " + std::to_string(block->activity.busy) + " iterations";
            for (const auto& wait : block->activity.starved)
                text += ", " + std::to_string(wait.second) + " without " + wait.first->name;
            for (const auto& wait : block->activity.held)
                text += ", " + std::to_string(wait.second) + " without room in " + wait.first->name;
            text += block->done() ? "\n" : ", not ended\n";
        }
        for (const auto& channel : channels_) {
            text += channel->name + ": " + std::to_string(channel->size()) + " words, at most " +
                    std::to_string(channel->most) + " of " + std::to_string(channel->depth) + "\n";
        }
        return text;
    }

    uint64_t clocks() const { return Channel::now(); }
    const std::vector<std::unique_ptr<Pipeline>>& blocks() const { return blocks_; }
    const std::vector<std::shared_ptr<Channel>>& channels() const { return channels_; }

    std::size_t most(const std::string& name) const {
        for (const auto& channel : channels_) {
            if (channel->name == name) return channel->most;
        }
        violated("no stream " + name);
    }

private:
    bool finished() const {
        for (const auto& block : blocks_) {
            if (!block->done()) return false;
        }
        for (const auto& channel : channels_) {
            if (channel->size() != 0) return false;
        }
        return true;
    }

    void shuffle() {
        for (std::size_t i = order_.size(); i > 1; --i) {
            random_ = random_ * 6364136223846793005ull + 1442695040888963407ull;
            std::swap(order_[i - 1], order_[(random_ >> 33) % i]);
        }
    }

    const Options options_;
    uint64_t random_;
    Simulator* previous_;
    std::vector<std::shared_ptr<Channel>> channels_;
    std::vector<std::unique_ptr<Pipeline>> blocks_;
    std::vector<std::unique_ptr<Pipeline>> ends_;
    std::vector<Pipeline*> order_;
};

}  // namespace simulation

#endif
