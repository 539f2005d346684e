// What a matmul directly behind a patchify knows about the patches (docs/cycles.md, patchify).
#ifndef TRIVIT_PATCH_PROGRESS_HPP
#define TRIVIT_PATCH_PROGRESS_HPP

#include "cycles.hpp"

namespace trivit {

// Times count from the first request for the image.
struct PatchProgress {
    bool waiting;              // a patchify waits for a matmul beside it
    uint32_t groups;           // row groups that it fills
    Cycles ready[kMaxGroups];  // the group's patches are there
    Cycles fetched;            // the ports are free
    Cycles ended;
};

}  // namespace trivit

#endif
