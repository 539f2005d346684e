// What stands at the open ends of a network: sources that offer words and sinks that take them,
// each after pauses of random length.
#ifndef TRIVIT_CLOCKED_ENDS_HPP
#define TRIVIT_CLOCKED_ENDS_HPP

#include "hls_stream.h"
#include "timed.hpp"

namespace simulation {

// Of a source or a sink: in so many of 256 clocks, drawn at random, it does nothing.
class Pauses {
public:
    Pauses(uint64_t seed, int share) : state_(seed * 2 + 1), share_(share) {
        for (int i = 0; i < 4; ++i)
            pause();
    }

    bool pause() {
        state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
        return int(state_ >> 56) < share_;
    }

private:
    uint64_t state_;
    int share_;
};

template <class Word>
struct Source {
    static const char* name() { return "source"; }

    bool iterate(hls::stream<Word>& out) {
        if (pauses.pause() || next == words->size()) return true;
        if ((*words)[next].clock <= Channel::now()) out.write((*words)[next++].word);
        return true;
    }

    std::shared_ptr<const std::vector<Timed<Word>>> words;
    Pauses pauses;
    std::size_t next;
};

template <class Word>
struct Sink {
    static const char* name() { return "sink"; }

    bool iterate(hls::stream<Word>& in) {
        if (pauses.pause()) return true;
        const Word word = in.read();
        taken->push_back({word, Channel::now()});
        return true;
    }

    std::shared_ptr<std::vector<Timed<Word>>> taken;
    Pauses pauses;
};

}  // namespace simulation

#endif
