// What one iteration of a process does to the world outside it: collected while it runs, made
// effective when it is complete, forgotten when a stream had nothing for it.
#ifndef TRIVIT_CLOCKED_ITERATION_HPP
#define TRIVIT_CLOCKED_ITERATION_HPP

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace simulation {

// A block breaks a rule that hardware would not forgive.
[[noreturn]] inline void violated(const std::string& rule) { throw std::logic_error(rule); }

class Channel;

// Thrown by a read of a stream that has nothing yet: the iteration has not begun.
struct Stalled {
    Channel* channel;
};

// A memory whose writes wait for the end of the iteration.
class Deferred {
public:
    virtual ~Deferred() {}
    virtual void finish(bool complete) = 0;
};

struct Iteration {
    std::vector<Channel*> reads;
    std::vector<Channel*> writes;
    std::vector<Deferred*> memories;
    const void* process = nullptr;
    uint64_t number = 0;  // iterations of this process before this one

    // The one that runs now; none outside of a simulation.
    static Iteration*& current() {
        static Iteration* iteration = nullptr;
        return iteration;
    }
};

}  // namespace simulation

#endif
