// Reports of an iteration: each unit makes one at most.
#ifndef TRIVIT_ENGINE_ANSWERS_HPP
#define TRIVIT_ENGINE_ANSWERS_HPP

#include "types.hpp"

namespace trivit {
namespace blocks {

struct Answer {
    Answer() : given(false) {}

    void done(const Tag& tag, const ap_uint<24>& saturated, const ap_uint<16>& largest) {
#pragma HLS INLINE
        Command command = 0;
        TagField::put(command, tag);
        give(done_report(command, saturated, largest));
    }
    // Bit 40 and, above it, the code of hls/kernel.yaml.
    void failed(const Tag& tag, const ap_uint<8>& error) {
#pragma HLS INLINE
        done(tag, 0, 0);
        report[40] = 1;
        report.range(48, 41) = error;
    }
    void end() {
#pragma HLS INLINE
        give(end_report());
    }
    void give(const Report& given_report) {
#pragma HLS INLINE
        report = given_report;
        given = true;
    }

    Report report;
    bool given;
};

struct Answers {
    Answer engine, rows, probs, norms, load, store;
};

}  // namespace blocks
}  // namespace trivit

#endif
