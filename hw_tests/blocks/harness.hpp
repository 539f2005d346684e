// How a bench runs a top function: as it is, on streams without limit (what C simulation and
// co-simulation of Vitis HLS do), or built into a simulator. What comes out must be the same.
#ifndef TRIVIT_BLOCKS_HARNESS_HPP
#define TRIVIT_BLOCKS_HARNESS_HPP

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <string>

#include "clocked/ends.hpp"

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

// A run of one top function: streams are made, fed, and drained through it.
class Run {
public:
    explicit Run(const World& world) : world_(world) {
        if (world.clocked) simulator_.reset(new simulation::Simulator(world.options));
    }

    template <class Word>
    void feed(hls::stream<Word>& stream, const std::vector<simulation::Timed<Word>>& words) {
        if (!simulator_) {
            for (const simulation::Timed<Word>& timed : words)
                stream.write(timed.word);
            return;
        }
        simulation::Source<Word> source = {
            std::make_shared<const std::vector<simulation::Timed<Word>>>(words), pauses(), 0};
        simulator_->attach(source, stream);
    }

    template <class Word>
    void feed(hls::stream<Word>& stream, const std::vector<Word>& words) {
        std::vector<simulation::Timed<Word>> timed;
        for (const Word& word : words)
            timed.push_back({word, 0});
        feed(stream, timed);
    }

    // What comes out of a stream; complete behind `finish`.
    template <class Word>
    std::shared_ptr<std::vector<simulation::Timed<Word>>> drain(hls::stream<Word>& stream) {
        auto taken = std::make_shared<std::vector<simulation::Timed<Word>>>();
        if (simulator_) {
            simulation::Sink<Word> sink = {taken, pauses()};
            simulator_->attach(sink, stream);
        } else {
            hls::stream<Word> same = stream;
            drains_.push_back([taken, same]() mutable {
                while (same.size() != 0)
                    taken->push_back({same.read(), 0});
            });
        }
        return taken;
    }

    // Behind the call of the top function. Ends the bench when nothing moves any more.
    void finish() {
        if (simulator_ && !simulator_->run()) {
            std::printf("deadlock\n%s", simulator_->report().c_str());
            std::exit(1);
        }
        for (const auto& drain : drains_)
            drain();
    }

    // Whether it ends.
    bool ends() { return simulator_->run(); }
    const simulation::Simulator& simulator() const { return *simulator_; }

private:
    simulation::Pauses pauses() {
        return simulation::Pauses(world_.options.seed * 100 + uint64_t(++ends_), world_.pauses);
    }

    World world_;
    std::unique_ptr<simulation::Simulator> simulator_;
    std::vector<std::function<void()>> drains_;
    int ends_ = 0;
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
