// The top function of the emulator (registers and ports: kernel.yaml).
#ifndef TRIVIT_KERNEL_HPP
#define TRIVIT_KERNEL_HPP

#include "types.hpp"

// program: num_instructions descriptors of 8 words; params0..3: the same params_words words, one
// pointer per port; input0..3: likewise num_images regions of input_words; output: num_images
// regions of output_words; stats: one word per instruction (kernel.yaml). Returns error code << 24
// | instruction index.
uint32_t trivit_kernel(const trivit::word_t* program, const trivit::word_t* params0,
                       const trivit::word_t* params1, const trivit::word_t* params2,
                       const trivit::word_t* params3, const trivit::word_t* input0,
                       const trivit::word_t* input1, const trivit::word_t* input2,
                       const trivit::word_t* input3, trivit::word_t* output, trivit::word_t* stats,
                       uint32_t num_instructions, uint32_t num_images, uint32_t params_words,
                       uint32_t input_words, uint32_t output_words);

#endif
