// Patches of every alignment: one pixel to sixteen, one to four channels, images off word
// boundaries.
#include "direct.hpp"
#include "trivit/program.hpp"

using namespace csim;

static trivit::KernelState state;

static void one_image(Random& random, Checker& checker, uint32_t patch) {
    trivit::PatchifyFields f;
    f.patch = patch;
    f.channels = uint32_t(random.between(1, 4));
    f.height = patch * uint32_t(random.between(1, 14));
    f.width = patch * uint32_t(random.between(1, 14));
    f.dst = uint32_t(random.between(0, 500));
    f.source = uint32_t(random.between(0, 9));
    const uint32_t image_index = uint32_t(random.between(0, 2));
    const uint32_t pixels = f.channels * f.height * f.width;
    trivit::Regions regions = {0, f.source + (pixels + 7) / 8, 0};
    const uint32_t rows = 1 + (f.height / patch) * (f.width / patch);
    const uint32_t words = (f.channels * patch * patch + 7) / 8;
    if (rows > uint32_t(trivit::kMaxTokens) || words > uint32_t(trivit::kMaxDepthWords)) {
        checker.equal(int64_t(trivit::check(f, regions)), int64_t(trivit::Error::size_limit),
                      "refused");
        return;
    }
    checker.equal(int64_t(trivit::check(f, regions)), 0, "accepted");

    Row image = random.tensor(1, (pixels + 7) / 8, 15)[0];
    Words input(image_index * regions.input + f.source);
    append(input, Tensor(1, image));
    scramble(state.activation, random);
    Untouched untouched(state.activation);
    GuardedPort port(input);
    trivit::QuadPort<GuardedPort> ports = four(port);
    trivit::patchify(f, uint64_t(image_index) * regions.input, ports, state.lines,
                     state.activation);
    checker.equal(get(state.activation, f.dst, rows, words),
                  direct::patchify(image, f.channels, f.height, f.width, patch), "patches");
    checker.equal(int64_t(port.violations()), 0, "accesses outside the image");
    untouched.check(state.activation, f.dst, rows, words, checker);
}

int main() {
    Checker checker("patchify");
    Random random(7);
    for (uint32_t patch = 1; patch <= 16; ++patch) {
        for (int i = 0; i < 6; ++i)
            one_image(random, checker, patch);
    }
    return checker.finish();
}
