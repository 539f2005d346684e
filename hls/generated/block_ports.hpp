// Generated from hls/kernel.yaml by `python -m trivit.tools.kernel`; do not edit.
#ifndef TRIVIT_GENERATED_BLOCK_PORTS_HPP
#define TRIVIT_GENERATED_BLOCK_PORTS_HPP

namespace trivit {

// A stream at an HLS block, in the order in which the block's module packs them.
struct BlockPort {
    const char* block;
    const char* name;
    int bits;
    bool taken;  // by the block; otherwise given
};

static const BlockPort kBlockPorts[] = {
    {"sequencer", "jobs", 256, true},
    {"sequencer", "descriptors", 256, true},
    {"sequencer", "program_end", 24, false},
    {"sequencer", "engine", 256, false},
    {"sequencer", "row_writer", 256, false},
    {"sequencer", "softmax_writer", 256, false},
    {"sequencer", "norm_writer", 256, false},
    {"sequencer", "row_reader", 256, false},
    {"sequencer", "load", 256, false},
    {"sequencer", "store", 256, false},
    {"sequencer", "gelu", 256, false},
    {"sequencer", "softmax", 256, false},
    {"sequencer", "normalise", 256, false},
    {"sequencer", "select", 256, false},
    {"sequencer", "connections", 256, false},
    {"sequencer", "weights0", 88, false},
    {"sequencer", "weights1", 88, false},
    {"sequencer", "weights2", 88, false},
    {"sequencer", "weights3", 88, false},
    {"sequencer", "rows0", 88, false},
    {"sequencer", "rows1", 88, false},
    {"sequencer", "rows2", 88, false},
    {"sequencer", "rows3", 88, false},
    {"sequencer", "stores0", 88, false},
    {"sequencer", "stores1", 88, false},
    {"sequencer", "stores2", 88, false},
    {"sequencer", "stores3", 88, false},
    {"gelu", "commands", 256, true},
    {"gelu", "rows", 512, true},
    {"gelu", "results", 512, false},
    {"gelu", "reports", 64, false},
    {"softmax", "commands", 256, true},
    {"softmax", "scores", 512, true},
    {"softmax", "results", 256, false},
    {"softmax", "cls", 128, false},
    {"softmax", "all", 272, false},
    {"softmax", "open", 32, true},
    {"softmax", "reports", 64, false},
    {"normalise", "commands", 256, true},
    {"normalise", "rows", 256, true},
    {"normalise", "vectors", 256, true},
    {"normalise", "results", 256, false},
    {"normalise", "reports", 64, false},
    {"select", "commands", 256, true},
    {"select", "cls", 128, true},
    {"select", "kept", 8, false},
    {"select", "lists", 128, false},
    {"select", "reports", 64, false},
    {"connections", "commands", 256, true},
    {"connections", "all", 272, true},
    {"connections", "open", 32, false},
    {"connections", "kept", 8, true},
    {"connections", "reports", 64, false},
};

}  // namespace trivit

#endif
