// An HLS block behind its module: the processes of hls/src under a clock of their own, and for each
// port a stream of at most one word, which the module moves.
#ifndef TRIVIT_SIMULATION_DPI_BLOCK_HPP
#define TRIVIT_SIMULATION_DPI_BLOCK_HPP

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "../../generated/block_ports.hpp"
#include "clocked/ends.hpp"
#include "rtl_stream.hpp"

namespace simulation {

// Packed vectors of SystemVerilog, as DPI hands them over: 32 bits a word.
typedef const uint32_t* BitsIn;
typedef uint32_t* BitsOut;

// How blocks run from their next reset on.
Options& block_settings();

class Port {
public:
    virtual ~Port() {}
    virtual Channel& channel() = 0;
    virtual int bits() const = 0;
    virtual void put(BitsIn data) = 0;   // a word that the block may take
    virtual void get(BitsOut data) = 0;  // the word that the block has given
    virtual void clear() = 0;
};

template <int kBits>
class TypedPort : public Port {
public:
    typedef std::shared_ptr<TypedChannel<ap_uint<kBits>>> Stream;

    explicit TypedPort(Stream stream) : stream_(stream) {}

    Channel& channel() override { return *stream_; }
    int bits() const override { return kBits; }
    void put(BitsIn data) override {
        uint32_t copy[(kBits + 31) / 32];
        std::memcpy(copy, data, sizeof copy);
        stream_->push(from_bytes<kBits>(Bytes(copy, 0, kBits)), Channel::now());
    }
    void get(BitsOut data) override {
        uint32_t copy[(kBits + 31) / 32] = {};
        to_bytes(stream_->front(), Bytes(copy, 0, kBits));
        std::memcpy(data, copy, sizeof copy);
    }
    void clear() override {
        while (stream_->size() != 0)
            stream_->pop(~uint64_t(0) - 1);
    }

private:
    Stream stream_;
};

typedef std::map<std::string, std::unique_ptr<Port>> Ports;

template <class Words>
std::unique_ptr<Port> make_port(const Words& stream) {
    typedef typename std::decay<decltype(stream.channel()->front())>::type Word;
    return std::unique_ptr<Port>(new TypedPort<Word::width>(stream.channel()));
}

template <class... Streams, std::size_t... kPlaces>
Ports make_named_ports(void (*top)(Streams&...), const std::vector<std::string>& names,
                       std::index_sequence<kPlaces...>) {
    std::tuple<Streams...> streams{Streams(names.at(kPlaces).c_str())...};
    top(std::get<kPlaces>(streams)...);
    Ports ports;
    (void(ports[names[kPlaces]] = make_port(std::get<kPlaces>(streams))), ...);
    return ports;
}

// Calls a top function, whose streams become ports of these names, in the order of its arguments.
template <class... Streams>
Ports make_ports(void (*top)(Streams&...), const std::vector<std::string>& names) {
    return make_named_ports(top, names, std::index_sequence_for<Streams...>());
}

class Block {
public:
    typedef std::function<Ports()> Build;

    Block(const std::string& name, Build build);

    // One clock: what the block may take and where it may give is decided before it, what it has
    // taken and given afterwards. While it does not run, it begins again.
    void clock(bool running, BitsIn taken_valid, BitsIn taken_data, BitsOut taken_ready,
               BitsIn given_ready, BitsOut given_valid, BitsOut given_data);

private:
    struct Place {
        Port* port;
        std::size_t word;  // of its data
        int bit;           // of its handshake
    };

    void begin();

    const std::string name_;
    const Build build_;
    std::unique_ptr<Simulator> simulator_;
    Ports ports_;
    std::vector<Place> taken_, given_;
    std::size_t given_words_ = 0;
    uint64_t now_ = 0;
    Pauses pauses_;
};

}  // namespace simulation

#endif
