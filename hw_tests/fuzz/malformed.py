"""Hypothesis strategies for programs that a kernel may refuse: damaged, cut short, or random."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from fuzz.case import Case
from fuzz.strategy import cases
from hypothesis import strategies as st

from trivit.host.generated import spec
from trivit.host.instructions import decode
from trivit.host.oracle.checks import memory_regions, tensors

#: Fields that are addresses outside the chip, in the order of checks.memory_regions; without
#: the flag that uses them the last ones are not there.
_OUTSIDE = ("source", "target", "weight", "gamma", "beta", "bias")

#: Words that hold fields in some opcode; the others of a descriptor are ignored.
_USED = 1 + max(
    field.word + (field.type == "u64") for op in spec.OPCODES.values() for field in op.fields
)
#: Values at the edges of checks, and some whose sums or products leave 32 bits.
_EDGES = st.one_of(
    st.integers(0, 40),
    st.sampled_from(
        [
            *(60, 61, 207, 208, 209, 383, 384, 385, 591, 592, 593, 4095, 4096, 4097),
            *(spec.ACTIVATION_DEPTH - 1, spec.ACTIVATION_DEPTH, 1 << 22, 1 << 23, 1 << 24),
            *(2**31 - 1, 2**31, 2**32 - 17, 2**32 - 16, 2**32 - 1),
        ]
    ),
    st.integers(0, 2**32 - 1),
)


def _flip_bits(draw: st.DrawFn, case: Case) -> Case:
    program = case.program.copy()
    for _ in range(draw(st.integers(1, 3))):
        index = draw(st.integers(0, len(program) - 1))
        word = draw(st.integers(0, _USED - 1) | st.integers(0, spec.DESCRIPTOR_WORDS - 1))
        # Low bits more often: high ones leave nearly every field's range.
        bit = draw(st.integers(0, 12) | st.integers(0, 31))
        program[index, word] ^= np.uint32(1 << bit)
    return replace(case, program=program)


def _replace_words(draw: st.DrawFn, case: Case) -> Case:
    program = case.program.copy()
    for _ in range(draw(st.integers(1, 3))):
        index = draw(st.integers(0, len(program) - 1))
        program[index, draw(st.integers(0, _USED - 1))] = draw(_EDGES)
    return replace(case, program=program)


def _random_descriptor(draw: st.DrawFn, case: Case) -> Case:
    program = case.program.copy()
    index = draw(st.integers(0, len(program) - 1))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    bits = draw(st.sampled_from([4, 8, 14, 32]))
    words = rng.integers(0, 1 << bits, spec.DESCRIPTOR_WORDS, dtype=np.uint64).astype(np.uint32)
    if draw(st.integers(0, 3)):  # else the opcode is random as well
        opcode = draw(st.sampled_from(list(spec.OPCODES.values())))
        words[0] = opcode.code | draw(st.integers(0, (1 << len(opcode.flags)) - 1)) << 8
    program[index] = words
    return replace(case, program=program)


def _shuffle(draw: st.DrawFn, case: Case) -> Case:
    order = draw(st.permutations(range(len(case.program))))
    return replace(case, program=case.program[list(order)])


def _move_to_edge(draw: st.DrawFn, case: Case) -> Case:
    """Put an operand at the end of its memory or one word beyond, or where 32-bit sums wrap."""
    index = draw(st.integers(0, len(case.program) - 1))
    instruction = decode(case.program[index])
    assert instruction is not None
    sizes = {"params": case.params_words, "input": case.input_words, "output": case.output_words}
    operands = {
        name: (spec.ACTIVATION_DEPTH, -(-rows // spec.TILE_TOKENS) * words)
        for name, (_, rows, words) in tensors(instruction).items()
    }
    fields = spec.OPCODES[instruction.opcode].fields
    outside = [field.name for field in fields if field.name in _OUTSIDE]
    for name, (region, _, words) in zip(outside, memory_regions(instruction), strict=False):
        operands[name] = (sizes[region], words)
    name = draw(st.sampled_from(sorted(operands)))
    size, words = operands[name]
    address = draw(st.sampled_from([size - words, size - words + 1, -words, 1 - words, -1]))
    program = case.program.copy()
    program[index, next(f.word for f in fields if f.name == name)] = address % (1 << 32)
    return replace(case, program=program)


#: The last value that each number may have and the first that it may not.
_LIMITS: dict[str, list[int]] = {
    **{name: [30, 31] for name in ("bias_shift", "residual_shift", "beta_shift")},
    **{name: [-17, -16, 60, 61] for name in ("out_shift", "norm_shift", "score_shift")},
    **{"gelu_in_frac": [15, 16], "gelu_out_frac": [24, 25], "prob_frac": [15, 16]},
    "exp_multiplier": [(1 << 23) - 1, 1 << 23, (1 << 24) - 1, 1 << 24],
    "exp_shift": [40, 41],
    "sqrt_width": [1 << 22, (1 << 22) + 1],
    "epsilon": [1 << 56, (1 << 56) + 1],
}


def _move_to_limit(draw: st.DrawFn, case: Case) -> Case:
    """Give a number the last value that it may have or the first that it may not."""
    program = case.program.copy()
    decoded = [(index, decode(words)) for index, words in enumerate(program)]
    numbered = [(i, d) for i, d in decoded if d and d.opcode in ("attention", "matmul")]
    if not numbered:
        return _replace_words(draw, case)
    index, instruction = draw(st.sampled_from(numbered))
    limits = {name: edges for name, edges in _LIMITS.items() if name in instruction.fields}
    if instruction.opcode == "matmul":
        width = 8 * instruction.fields["depth_words"]
        most = ((1 << 32) + width) // width
        limits["inv_width"] = [most, most + 1]
    name = draw(st.sampled_from(sorted(limits)))
    value = draw(st.sampled_from(limits[name]))
    place = next(f for f in spec.OPCODES[instruction.opcode].fields if f.name == name)
    program[index, place.word] = value % (1 << 32)
    if place.type == "u64":
        program[index, place.word + 1] = value >> 32
    return replace(case, program=program)


def _cut_region(draw: st.DrawFn, case: Case) -> Case:
    """Make a region a little or much smaller than the program needs."""
    cut = draw(st.sampled_from([1, 1, 1, 2, 4, 5]) | st.integers(0, 1000))
    match draw(st.sampled_from(["params", "inputs", "output"])):
        case "params":
            words = max(0, case.params_words - cut) * spec.TILE_DEPTH
            return replace(case, params=case.params[:words])
        case "inputs":
            words = max(0, case.input_words - cut) * spec.TILE_DEPTH
            return replace(case, inputs=case.inputs[:, :words])
    return replace(case, output_words=max(0, case.output_words - cut))


def _wrong_length(draw: st.DrawFn, case: Case) -> Case:
    too_long = [spec.MAX_INSTRUCTIONS + 1, 2**31, 2**32 - 1]
    shorter = st.integers(0, len(case.program) - 1)
    return replace(case, num_instructions=draw(st.sampled_from(too_long) | shorter))


_DAMAGES: list[Callable[[st.DrawFn, Case], Case]] = [
    *(_flip_bits, _flip_bits, _replace_words, _replace_words, _move_to_edge, _move_to_edge),
    *(_move_to_limit, _random_descriptor, _shuffle, _cut_region, _wrong_length),
]


@st.composite
def malformed_cases(draw: st.DrawFn) -> Case:
    """Draw a valid program and damage it."""
    case = draw(cases(most=2))
    return draw(st.sampled_from(_DAMAGES))(draw, case)
