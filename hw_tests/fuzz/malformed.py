"""Hypothesis strategies for programs that a kernel may refuse: damaged, cut short, or random."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from fuzz.case import Case
from fuzz.strategy import cases
from hypothesis import strategies as st

from trivit.host.generated import spec
from trivit.host.generated.operands import RANGES
from trivit.host.instructions import decode
from trivit.host.oracle.checks import memory_regions, tensors

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
            *(spec.PROGRAM_DEPTH - 1, spec.PROGRAM_DEPTH, 1 << 22, 1 << 23, 1 << 24),
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


def _put(case: Case, index: int, name: str, value: int) -> Case:
    """Return the case with another value of a field of instruction ``index``."""
    program = case.program.copy()
    instruction = decode(program[index])
    assert instruction is not None
    fields = spec.OPCODES[instruction.opcode].fields
    field = next(field for field in fields if field.name == name)
    program[index, field.word] = value & 0xFFFFFFFF
    if field.type == "u64":
        program[index, field.word + 1] = value >> 32 & 0xFFFFFFFF
    return replace(case, program=program)


def edges(case: Case, index: int) -> dict[str, list[int]]:
    """Return for each operand of an instruction the addresses at the edges of its memory.

    The last one that fits, the one behind, and those where 32-bit sums wrap.
    """
    instruction = decode(case.program[index])
    assert instruction is not None
    sizes = {"params": case.params_words, "input": case.input_words, "output": case.output_words}
    operands = {
        name: (spec.PROGRAM_DEPTH, -(-rows // spec.TILE_TOKENS) * words)
        for name, (_, rows, words) in tensors(instruction).items()
    }
    for name, (region, _, words) in memory_regions(instruction).items():
        operands[name] = (sizes[region], words)
    return {
        name: [size - words, size - words + 1, -words, 1 - words, -1]
        for name, (size, words) in operands.items()
    }


def limits(case: Case, index: int) -> dict[str, list[int]]:
    """Return for each number of an instruction its first and last value and those beside them."""
    instruction = decode(case.program[index])
    assert instruction is not None
    f, flags = instruction.fields, instruction.flags
    found = {}
    for number in RANGES[instruction.opcode]:
        if number.name in f:
            least, most = number.least(f, flags), number.most(f, flags)
            found[number.name] = [least - 1, least, most, most + 1]
    return found


def bent(case: Case, index: int) -> Iterator[Case]:
    """Yield the case with each operand and number of an instruction at each edge and limit."""
    for values in (edges(case, index), limits(case, index)):
        for name, choices in values.items():
            for value in choices:
                yield _put(case, index, name, value)


def _move(
    draw: st.DrawFn,
    case: Case,
    index: int,
    values: Callable[[Case, int], dict[str, list[int]]],
) -> Case:
    choices = values(case, index)
    name = draw(st.sampled_from(sorted(choices)))
    return _put(case, index, name, draw(st.sampled_from(choices[name])))


def _move_to_edge(draw: st.DrawFn, case: Case) -> Case:
    return _move(draw, case, draw(st.integers(0, len(case.program) - 1)), edges)


def _move_to_limit(draw: st.DrawFn, case: Case) -> Case:
    """Prefer instructions that have more numbers than sizes: loads and stores are the most."""
    decoded = [decode(words) for words in case.program]
    numbered = [
        index
        for index, found in enumerate(decoded)
        if found and any(number.error == "shift_range" for number in RANGES[found.opcode])
    ]
    index = draw(st.sampled_from(numbered or range(len(decoded))))
    return _move(draw, case, index, limits)


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
