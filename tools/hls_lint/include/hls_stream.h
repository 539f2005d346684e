// hls::stream as the lint must know it: what exists, not what it does. The members behind `write`
// are there to be found: a block does not use them.
#ifndef TRIVIT_HLS_LINT_HLS_STREAM_H
#define TRIVIT_HLS_LINT_HLS_STREAM_H

namespace hls {

template <class Word, int kDepth = 0>
class stream;

template <class Word>
class stream<Word, 0> {
public:
    explicit stream(const char* name = "");
    Word read();
    void read(Word& word);
    void write(const Word& word);

    bool read_nb(Word& word);
    bool write_nb(const Word& word);
    bool empty() const;
    bool full() const;
    unsigned size() const;
    unsigned capacity() const;

private:
    stream(const stream&);
};

template <class Word, int kDepth>
class stream : public stream<Word, 0> {
public:
    explicit stream(const char* name = "");
};

}  // namespace hls

#endif
