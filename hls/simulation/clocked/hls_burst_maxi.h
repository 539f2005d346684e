// hls::burst_maxi for the movers on this machine: the channels of an AXI4 port as streams. Who
// stands for the memory takes requests and written words, gives words and responses.
#ifndef TRIVIT_CLOCKED_HLS_BURST_MAXI_H
#define TRIVIT_CLOCKED_HLS_BURST_MAXI_H

#include <ap_int.h>

#include "hls_stream.h"

namespace hls {

// A burst: its first word and its words.
struct Burst {
    uint64_t address;
    int beats;
};

template <class Word>
class burst_maxi {
public:
    // `depth`: words and bursts that the adapter of the port holds.
    explicit burst_maxi(const std::string& name, int depth)
        : reads(stream_of<Burst>(name + ".ar", depth)),
          read_words(stream_of<Word>(name + ".r", depth)),
          writes(stream_of<Burst>(name + ".aw", depth)),
          written_words(stream_of<Word>(name + ".w", depth)),
          responses(stream_of<ap_uint<1>>(name + ".b", depth)) {}

    void read_request(uint64_t address, int beats) { reads.write({address, beats}); }
    Word read() { return read_words.read(); }
    void write_request(uint64_t address, int beats) { writes.write({address, beats}); }
    void write(const Word& word) { written_words.write(word); }
    void write_response() { responses.read(); }

    stream<Burst> reads;
    stream<Word> read_words;
    stream<Burst> writes;
    stream<Word> written_words;
    stream<ap_uint<1>> responses;

private:
    template <class Type>
    struct deep : stream<Type> {
        deep(const std::string& name, int depth) : stream<Type>(name.c_str(), depth) {}
    };
    template <class Type>
    static stream<Type> stream_of(const std::string& name, int depth) {
        return deep<Type>(name, depth);
    }
};

}  // namespace hls

#endif
