// hls::stream for the blocks on this machine: blocking reads and writes, so that what a block
// computes cannot depend on time; `empty` is for the engine in C++ alone. Inside a simulation a
// stream is a FIFO of the simulator; elsewhere it has no limit, as in the C simulation of Vitis HLS.
#ifndef TRIVIT_CLOCKED_HLS_STREAM_H
#define TRIVIT_CLOCKED_HLS_STREAM_H

#include "simulator.hpp"

namespace hls {

template <class Word, int kDepth = 0>
class stream;

template <class Word>
class stream<Word, 0> {
public:
    typedef simulation::TypedChannel<Word> Channel;

    explicit stream(const char* name = "stream") : stream(name, 0) {}

    Word read() { return channel_->read(); }
    void write(const Word& word) { channel_->write(word); }
    bool empty() const { return !channel_->offers(); }

    // For benches. A copy is the same stream; in Vitis HLS streams have no copies.
    std::size_t size() const { return channel_->size(); }
    const std::shared_ptr<Channel>& channel() const { return channel_; }

protected:
    stream(const char* name, int depth) {
        simulation::Simulator* simulator = simulation::Simulator::current();
        channel_ = simulator ? simulator->channel<Word>(name, depth)
                             : std::make_shared<Channel>(name, depth, 0);
    }

private:
    std::shared_ptr<Channel> channel_;
};

template <class Word, int kDepth>
class stream : public stream<Word, 0> {
public:
    explicit stream(const char* name = "stream") : stream<Word, 0>(name, kDepth) {}
};

}  // namespace hls

#endif
