// What every test bench shares: seeded random numbers, counted comparisons, tensors in memory.
#ifndef TRIVIT_CSIM_BENCH_HPP
#define TRIVIT_CSIM_BENCH_HPP

#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "trivit/activation_memory.hpp"
#include "trivit/ports.hpp"

namespace csim {

typedef std::vector<int16_t> Row;
typedef std::vector<Row> Tensor;  // rows x columns; columns a multiple of 8

// splitmix64: the same sequence on every machine.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t next() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15ull);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
        return z ^ (z >> 31);
    }

    // low..high, both included.
    int64_t between(int64_t low, int64_t high) {
        return low + int64_t(next() % uint64_t(high - low + 1));
    }

    bool one_in(int64_t n) { return between(1, n) == 1; }

    // Values below 2^bits with some zeros and extremes among them.
    int16_t value(int bits) {
        const int64_t kind = between(0, 19);
        if (kind == 0) return 0;
        if (kind == 1 && bits == 15) return one_in(2) ? -32768 : 32767;
        return int16_t(between(-(int64_t(1) << bits), (int64_t(1) << bits) - 1));
    }

    Tensor tensor(uint32_t rows, uint32_t words, int bits) {
        Tensor t(rows, Row(words * 8));
        for (Row& row : t) {
            for (int16_t& x : row)
                x = value(bits);
        }
        return t;
    }

private:
    uint64_t state_;
};

// Counts comparisons and differences; finish() is the bench's exit status.
class Checker {
public:
    explicit Checker(const char* name) : name_(name), compared_(0), failures_(0) {}

    void equal(int64_t actual, int64_t expected, const char* what, int64_t place = 0) {
        ++compared_;
        if (actual == expected) return;
        if (++failures_ <= 20) {
            std::printf("%s: %s [%lld]: %lld, expected %lld\n", name_, what,
                        static_cast<long long>(place), static_cast<long long>(actual),
                        static_cast<long long>(expected));
        }
    }

    void holds(bool condition, const char* what, int64_t place = 0) {
        ++compared_;
        if (condition) return;
        if (++failures_ <= 20) {
            std::printf("%s: %s [%lld] does not hold\n", name_, what,
                        static_cast<long long>(place));
        }
    }

    void equal(const Tensor& actual, const Tensor& expected, const char* what) {
        equal(int64_t(actual.size()), int64_t(expected.size()), what);
        if (actual.size() != expected.size()) return;
        for (size_t r = 0; r < actual.size(); ++r) {
            for (size_t c = 0; c < expected[r].size(); ++c) {
                equal(actual[r][c], expected[r][c], what, int64_t(r * 10000 + c));
            }
        }
    }

    int finish() const {
        std::printf("%s: %llu comparisons, %llu differences\n", name_,
                    static_cast<unsigned long long>(compared_),
                    static_cast<unsigned long long>(failures_));
        return failures_ != 0 || compared_ == 0 ? 1 : 0;
    }

private:
    const char* name_;
    uint64_t compared_;
    uint64_t failures_;
};

inline uint32_t groups(uint32_t rows) { return (rows + 7) / 8; }

inline void put(trivit::ActivationMemory& memory, uint32_t address, const Tensor& t) {
    for (size_t r = 0; r < t.size(); ++r) {
        const size_t words = t[r].size() / 8;
        for (size_t c = 0; c < t[r].size(); ++c) {
            memory.bank[r % 8][address + r / 8 * words + c / 8].lane[c % 8] = t[r][c];
        }
    }
}

inline Tensor get(const trivit::ActivationMemory& memory, uint32_t address, uint32_t rows,
                  uint32_t words) {
    Tensor t(rows, Row(words * 8));
    for (uint32_t r = 0; r < rows; ++r) {
        for (uint32_t c = 0; c < words * 8; ++c) {
            t[r][c] = memory.bank[r % 8][address + r / 8 * words + c / 8].lane[c % 8];
        }
    }
    return t;
}

inline void scramble(trivit::ActivationMemory& memory, Random& random) {
    for (int bank = 0; bank < 8; ++bank) {
        for (trivit::word_t& word : memory.bank[bank]) {
            const uint64_t bits = random.next();
            for (int lane = 0; lane < 8; ++lane) {
                word.lane[lane] = int16_t(uint16_t(bits >> (8 * lane % 48)));
            }
        }
    }
}

// Nothing but the rows of one tensor may change.
class Untouched {
public:
    explicit Untouched(const trivit::ActivationMemory& memory)
        : before_(new trivit::ActivationMemory(memory)) {}

    void check(const trivit::ActivationMemory& memory, uint32_t address, uint32_t rows,
               uint32_t words, Checker& checker) {
        put(*before_, address, get(memory, address, rows, words));
        checker.holds(std::memcmp(before_.get(), &memory, sizeof(memory)) == 0,
                      "memory outside the destination is unchanged", address);
    }

private:
    std::unique_ptr<trivit::ActivationMemory> before_;
};

typedef std::vector<trivit::word_t> Words;

// Append rows, packed eight elements to a word, and return the address of the first word.
inline uint32_t append(Words& words, const Tensor& t) {
    const uint32_t address = uint32_t(words.size());
    for (const Row& row : t) {
        for (size_t c = 0; c < row.size(); c += 8) {
            trivit::word_t word;
            for (size_t lane = 0; lane < 8; ++lane)
                word.lane[lane] = row[c + lane];
            words.push_back(word);
        }
    }
    return address;
}

// Append a weight matrix (outputs x inputs) and its bias as docs/numerics.md, Parameters, says: a
// segment per word of a column tile, padded to whole tiles.
inline uint32_t append_matrix(Words& words, const Tensor& w, const Row& bias) {
    const uint32_t address = uint32_t(words.size());
    for (size_t port = 0; port < size_t(trivit::kWordsPerTile); ++port) {
        for (size_t tile = 0; tile < trivit::ceil_div(uint32_t(w.size()), trivit::kOutputs);
             ++tile) {
            const size_t first = tile * trivit::kOutputs + port * 8;
            trivit::word_t word;
            for (size_t n = 0; n < 8; ++n) {
                word.lane[n] = first + n < bias.size() ? bias[first + n] : int16_t(0);
            }
            words.push_back(word);
            for (size_t k = 0; k < w[0].size(); k += 8) {
                for (size_t n = first; n < first + 8; ++n) {
                    for (size_t e = 0; e < 8; ++e) {
                        word.lane[e] = n < w.size() ? w[n][k + e] : int16_t(0);
                    }
                    words.push_back(word);
                }
            }
        }
    }
    return address;
}

// A region of DDR that knows its bounds; an access outside is counted and not made.
class GuardedPort {
public:
    explicit GuardedPort(Words& words) : words_(words), violations_(0) {}

    void read(uint64_t offset, uint32_t count, trivit::word_t* destination) {
        if (!inside(offset, count)) return;
        for (uint32_t i = 0; i < count; ++i)
            destination[i] = words_[offset + i];
    }

    void write(uint64_t offset, uint32_t count, const trivit::word_t* source) {
        if (!inside(offset, count)) return;
        for (uint32_t i = 0; i < count; ++i)
            words_[offset + i] = source[i];
    }

    uint64_t violations() const { return violations_; }

private:
    bool inside(uint64_t offset, uint32_t count) {
        const bool fits = count >= 1 && count <= 256 && offset <= words_.size() &&
                          count <= words_.size() - offset;
        if (!fits) ++violations_;
        return fits;
    }

    Words& words_;
    uint64_t violations_;
};

// Four ports that lead to one region.
inline trivit::QuadPort<GuardedPort> four(GuardedPort& port) {
    const trivit::QuadPort<GuardedPort> ports = {port, port, port, port};
    return ports;
}

}  // namespace csim

#endif
