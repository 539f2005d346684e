// C interface of the kernel compiled for this machine. The kernel's memories are static, as on the
// chip, so a process runs one program at a time.
#include "trivit/kernel.hpp"
#include "trivit/vectors.hpp"

extern "C" uint32_t trivit_emulator_version(void) { return trivit::kKernelVersion; }

// What the inner loops were compiled for.
extern "C" const char* trivit_emulator_form(void) { return trivit::Vectors::name(); }

// Whether this processor has the instructions that the compiler was allowed to use.
extern "C" int trivit_emulator_runs_here(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
#if defined(__AVX512VNNI__)
    if (!__builtin_cpu_supports("avx512vnni")) return 0;
#endif
#if defined(__AVX512BW__)
    if (!__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512vl")) return 0;
#endif
#if defined(__AVX512F__)
    if (!__builtin_cpu_supports("avx512f")) return 0;
#endif
#if defined(__AVX2__)
    if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0;
#endif
#if defined(__BMI2__)
    if (!__builtin_cpu_supports("bmi2")) return 0;
#endif
#endif
    return 1;
}

// Pointers hold 128-bit words, little endian; sizes as in trivit_kernel, whose four ports for
// params and input all get the one address.
extern "C" uint32_t trivit_emulator_run(const void* program, const void* params, const void* input,
                                        void* output, void* stats, uint32_t num_instructions,
                                        uint32_t num_images, uint32_t params_words,
                                        uint32_t input_words, uint32_t output_words) {
    const trivit::word_t* p = static_cast<const trivit::word_t*>(params);
    const trivit::word_t* x = static_cast<const trivit::word_t*>(input);
    return trivit_kernel(static_cast<const trivit::word_t*>(program), p, p, p, p, x, x, x, x,
                         static_cast<trivit::word_t*>(output), static_cast<trivit::word_t*>(stats),
                         num_instructions, num_images, params_words, input_words, output_words);
}
