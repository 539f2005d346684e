// How the RTL's ports and the streams of blocks meet, for the files that build the network.
#ifndef TRIVIT_SIMULATION_CONNECT_HPP
#define TRIVIT_SIMULATION_CONNECT_HPP

#include <string>
#include <vector>

#include "network.hpp"

namespace simulation {

// A stream for each port.
template <class Word>
std::vector<hls::stream<Word>> for_ports(const std::string& name) {
    std::vector<hls::stream<Word>> streams;
    for (int port = 0; port < 4; ++port)
        streams.emplace_back((name + std::to_string(port)).c_str());
    return streams;
}

}  // namespace simulation

// The streams of `top`'s ports, by their names there.
#define INTO_RTL(stream, port, bits)                                                             \
    streams_.emplace_back(new IntoRtl<bits>((stream).channel(), Bytes(top.port##_data, 0, bits), \
                                            Pin(top.port##_valid, 0), Pin(top.port##_ready, 0)))
#define INTO_RTL_AT(stream, port, bits, place)                                                \
    streams_.emplace_back(                                                                    \
        new IntoRtl<bits>((stream).channel(), Bytes(top.port##_data, (place) * (bits), bits), \
                          Pin(top.port##_valid, place), Pin(top.port##_ready, place)))
#define FROM_RTL(stream, port, bits)                                                             \
    streams_.emplace_back(new FromRtl<bits>((stream).channel(), Bytes(top.port##_data, 0, bits), \
                                            Pin(top.port##_valid, 0), Pin(top.port##_ready, 0)))
#define FROM_RTL_AT(stream, port, bits, place)                                                \
    streams_.emplace_back(                                                                    \
        new FromRtl<bits>((stream).channel(), Bytes(top.port##_data, (place) * (bits), bits), \
                          Pin(top.port##_valid, place), Pin(top.port##_ready, place)))

#endif
