// How a bench runs a top function: as it is, on streams without limit (what C simulation and
// co-simulation of Vitis HLS do), or built into a simulator. What comes out must be the same.
// Vitis HLS compiles the first form with its own streams, which have no copies: a bench keeps a
// stream where it is until its words are drained.
#ifndef TRIVIT_BLOCKS_HARNESS_HPP
#define TRIVIT_BLOCKS_HARNESS_HPP

#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <hls_stream.h>

#include "clocked/options.hpp"
#include "clocked/timed.hpp"
#ifdef TRIVIT_SIMULATION
#include "clocked/ends.hpp"
#endif

namespace harness {

#ifdef TRIVIT_SIMULATION
static const bool kSimulates = true;
#else
static const bool kSimulates = false;  // the loop of each process runs as it stands
#endif

// What the world around a block is like in a run.
struct World {
    bool clocked = false;
    int pauses = 0;  // of 256 clocks, at every open end
    simulation::Options options;
};

inline World plain() { return World(); }

inline World steady() {
    World world;
    world.clocked = true;
    return world;
}

// The same with the processes called in a random order, which must not change a clock.
inline World shuffled(uint64_t seed) {
    World world = steady();
    world.options.seed = seed;
    return world;
}

// Everything on its way twice as long.
inline World doubled() {
    World world = steady();
    world.options.depth_factor = 2;
    world.options.stream_latency = 4;
    world.options.port_depth = 8;  // a word a clock needs room for those on their way
    return world;
}

// Random pauses at every end, ports of the least depth, processes in random order.
inline World hostile(uint64_t seed) {
    World world;
    world.clocked = true;
    world.pauses = int(seed * 37 % 200);
    world.options.seed = seed;
    world.options.port_depth = 1;
    return world;
}

// What a run keeps of a stream's words, with the clock in which each left.
template <class Word>
using Taken = std::shared_ptr<std::vector<simulation::Timed<Word>>>;

// A run of one top function: streams are made, fed, and drained through it.
class Run {
public:
#ifdef TRIVIT_SIMULATION
    explicit Run(const World& world) : world_(world) {
        if (world.clocked) simulator_.reset(new simulation::Simulator(world.options));
    }
#else
    explicit Run(const World&) {}
#endif

    template <class Word>
    void feed(hls::stream<Word>& stream, const std::vector<simulation::Timed<Word>>& words) {
#ifdef TRIVIT_SIMULATION
        if (simulator_) {
            simulation::Source<Word> source = {
                std::make_shared<const std::vector<simulation::Timed<Word>>>(words), pauses(), 0};
            simulator_->attach(source, stream);
            return;
        }
#endif
        for (const simulation::Timed<Word>& timed : words)
            stream.write(timed.word);
    }

    template <class Word>
    void feed(hls::stream<Word>& stream, const std::vector<Word>& words) {
        std::vector<simulation::Timed<Word>> timed;
        for (const Word& word : words)
            timed.push_back({word, 0});
        feed(stream, timed);
    }

    // What comes out of a stream; complete behind `finish`, or `collect` where streams end before.
    template <class Word>
    Taken<Word> drain(hls::stream<Word>& stream) {
        auto taken = std::make_shared<std::vector<simulation::Timed<Word>>>();
#ifdef TRIVIT_SIMULATION
        if (simulator_) {
            simulation::Sink<Word> sink = {taken, pauses()};
            simulator_->attach(sink, stream);
            return taken;
        }
#endif
        hls::stream<Word>* const from = &stream;
        drains_.push_back([taken, from]() {
            while (!from->empty())
                taken->push_back({from->read(), 0});
        });
        return taken;
    }

    // Behind the call of the top function: what lies in its streams, unless a simulator moves it.
    void collect() {
        for (const auto& drain : drains_)
            drain();
        drains_.clear();
    }

    // Behind the call of the top function. Ends the bench when nothing moves any more.
    void finish() {
#ifdef TRIVIT_SIMULATION
        if (simulator_ && !simulator_->run()) {
            std::printf("deadlock\n%s", simulator_->report().c_str());
            std::exit(1);
        }
#endif
        collect();
    }

#ifdef TRIVIT_SIMULATION
    // Whether it ends, and the most words that a stream held.
    bool ends() { return simulator_->run(); }
    std::size_t most(const std::string& stream) const { return simulator_->most(stream); }

private:
    simulation::Pauses pauses() {
        return simulation::Pauses(world_.options.seed * 100 + uint64_t(++ends_), world_.pauses);
    }

    World world_;
    std::unique_ptr<simulation::Simulator> simulator_;
    int ends_ = 0;
#else
    // Benches ask these where they simulate alone.
    bool ends() { std::abort(); }
    std::size_t most(const std::string&) const { std::abort(); }

private:
#endif
    std::vector<std::function<void()>> drains_;
};

template <class Word>
std::vector<Word> words(const std::vector<simulation::Timed<Word>>& timed) {
    std::vector<Word> result;
    for (const simulation::Timed<Word>& each : timed)
        result.push_back(each.word);
    return result;
}

template <class Word>
bool same_clocks(const std::vector<simulation::Timed<Word>>& a,
                 const std::vector<simulation::Timed<Word>>& b) {
    bool same = a.size() == b.size();
    for (std::size_t i = 0; same && i < a.size(); ++i)
        same = a[i].clock == b[i].clock;
    return same;
}

}  // namespace harness

#endif
