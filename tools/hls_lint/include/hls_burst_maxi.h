// hls::burst_maxi as the lint must know it: an AXI4 port whose bursts are asked for by hand.
#ifndef TRIVIT_HLS_LINT_HLS_BURST_MAXI_H
#define TRIVIT_HLS_LINT_HLS_BURST_MAXI_H

namespace hls {

template <class Word>
class burst_maxi {
public:
    void read_request(unsigned long address, unsigned beats);
    Word read();
    void write_request(unsigned long address, unsigned beats);
    void write(const Word& word);
    void write_response();
};

}  // namespace hls

#endif
