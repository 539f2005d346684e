// hls::stream as far as UG1399 documents it for C simulation: without limit and without copies. In
// the place of the vendor's header, so that a bench which needs more does not compile.
#ifndef TRIVIT_VENDOR_HLS_STREAM_H
#define TRIVIT_VENDOR_HLS_STREAM_H

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <deque>

namespace hls {

template <class Word, int kDepth = 0>
class stream;

template <class Word>
class stream<Word, 0> {
public:
    explicit stream(const char* name = "stream") : name_(name) {}
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;

    // The vendor's gives a default word here, with a warning: a bench would go on with it.
    Word read() {
        if (words_.empty()) {
            std::printf("%s is read while it is empty\n", name_);
            std::exit(1);
        }
        const Word word = words_.front();
        words_.pop_front();
        return word;
    }
    void write(const Word& word) { words_.push_back(word); }
    bool empty() const { return words_.empty(); }
    bool full() const { return false; }
    std::size_t size() const { return words_.size(); }

private:
    const char* name_;
    std::deque<Word> words_;
};

template <class Word, int kDepth>
class stream : public stream<Word, 0> {
public:
    explicit stream(const char* name = "stream") : stream<Word, 0>(name) {}
};

}  // namespace hls

#endif
