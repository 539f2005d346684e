// A word with a clock.
#ifndef TRIVIT_CLOCKED_TIMED_HPP
#define TRIVIT_CLOCKED_TIMED_HPP

#include <cstdint>

namespace simulation {

// A word and the clock in which a source may offer it at the earliest, or a sink has taken it.
template <class Word>
struct Timed {
    Word word;
    uint64_t clock;
};

}  // namespace simulation

#endif
