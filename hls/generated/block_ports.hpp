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
    {"sequencer", "training", 256, false},
    {"sequencer", "weights0", 128, false},
    {"sequencer", "weights1", 128, false},
    {"sequencer", "weights2", 128, false},
    {"sequencer", "weights3", 128, false},
    {"sequencer", "rows0", 128, false},
    {"sequencer", "rows1", 128, false},
    {"sequencer", "rows2", 128, false},
    {"sequencer", "rows3", 128, false},
    {"sequencer", "stores0", 128, false},
    {"sequencer", "stores1", 128, false},
    {"sequencer", "stores2", 128, false},
    {"sequencer", "stores3", 128, false},
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
    {"gelu_backward", "commands", 256, true},
    {"gelu_backward", "rows", 512, true},
    {"gelu_backward", "partners", 512, true},
    {"gelu_backward", "results", 512, false},
    {"gelu_backward", "reports", 64, false},
    {"softmax_backward", "commands", 256, true},
    {"softmax_backward", "rows", 512, true},
    {"softmax_backward", "partners", 512, true},
    {"softmax_backward", "results", 512, false},
    {"softmax_backward", "reports", 64, false},
    {"cross_entropy", "commands", 256, true},
    {"cross_entropy", "logits", 512, true},
    {"cross_entropy", "targets", 512, true},
    {"cross_entropy", "results", 512, false},
    {"cross_entropy", "reports", 64, false},
    {"normalise_backward", "commands", 256, true},
    {"normalise_backward", "rows", 256, true},
    {"normalise_backward", "vectors", 256, true},
    {"normalise_backward", "results", 256, false},
    {"normalise_backward", "reports", 64, false},
    {"update", "commands", 256, true},
    {"update", "words0", 128, true},
    {"update", "words1", 128, true},
    {"update", "words2", 128, true},
    {"update", "words3", 128, true},
    {"update", "results0", 128, false},
    {"update", "results1", 128, false},
    {"update", "results2", 128, false},
    {"update", "results3", 128, false},
    {"update", "reports", 64, false},
};

}  // namespace trivit

#endif
