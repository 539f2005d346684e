// C interface of the training emulator: ops on an arena of int16, for this machine.
#include "trivit/training/execute.hpp"

extern "C" uint32_t trivit_training_version(void) { return trivit::kKernelVersion; }

// Executes `count` descriptors; figures are [count][3] of three int64. Returns the number of the
// first op that does not exist, or `count`.
extern "C" int64_t trivit_training_run(void* arena, const void* operations, int64_t count,
                                       const void* step, void* figures) {
    using namespace trivit::training;
    static_assert(sizeof(Descriptor) == 8 * (2 + 4 * kOperands + kFields), "as the host packs");
    static thread_local Scratch scratch;
    const Descriptor* op = static_cast<const Descriptor*>(operations);
    Figures* result = static_cast<Figures*>(figures);
    for (int64_t i = 0; i < count; ++i) {
        if (!execute(static_cast<int16_t*>(arena), op[i], *static_cast<const Step*>(step), scratch,
                     result + kWrites * i))
            return i;
    }
    return count;
}
