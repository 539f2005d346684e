"""Descriptor checks in the order of docs/numerics.md, section Checks.

What ops read and write, and the ranges of their numbers, stand in hls/kernel.yaml.
"""

from collections.abc import Iterator

from trivit.host.generated import spec
from trivit.host.generated.operands import OPERANDS, RANGES, OperandSpec
from trivit.host.instructions import Instruction
from trivit.host.tiles import ceil_div, depth_words, row_groups


def operands(instruction: Instruction) -> Iterator[tuple[OperandSpec, int, int, int]]:
    """Yield (operand, address, rows, words) of all that the instruction reads and writes."""
    f, flags = instruction.fields, instruction.flags
    for operand in OPERANDS[instruction.opcode]:
        if not operand.flag or operand.flag in flags:
            yield operand, f[operand.name], operand.rows(f, flags), operand.words(f, flags)


def tensors(instruction: Instruction) -> dict[str, tuple[int, int, int]]:
    """Return (address, rows, words) of every activation tensor that the instruction touches."""
    return {
        operand.name: (address, rows, words)
        for operand, address, rows, words in operands(instruction)
        if operand.memory == "banks"
    }


def memory_regions(instruction: Instruction) -> dict[str, tuple[str, int, int]]:
    """Return (region, first word, words) of every DDR access besides program and stats."""
    return {
        operand.name: (operand.memory, address, rows * words)
        for operand, address, rows, words in operands(instruction)
        if operand.memory != "banks"
    }


def column_tiles(out_words: int) -> int:
    """Return the tiles of the array's outputs that rows of ``out_words`` words take."""
    return ceil_div(out_words * spec.TILE_DEPTH, spec.TILE_OUTPUTS)


def matrix_words(tiles: int, depth_words: int) -> int:
    """Return the words of a packed weight matrix with its bias."""
    return tiles * (depth_words * spec.TILE_OUTPUTS + spec.TILE_OUTPUTS // spec.TILE_DEPTH)


def mask_words(keys: int) -> int:
    """Return the words in a row of a connection mask over ``keys`` keys."""
    return depth_words(ceil_div(keys, 16))


def _numbers_fit(instruction: Instruction, error: str) -> bool:
    f, flags = instruction.fields, instruction.flags
    return all(
        entry.least(f, flags) <= entry.value(f, flags) <= entry.most(f, flags)
        for entry in RANGES[instruction.opcode]
        if entry.error == error
    )


def check(instruction: Instruction | None, regions: dict[str, int]) -> str:
    """Return the name of the first violated check, or "ok".

    ``regions`` gives the size in words of params, input and output.
    """
    if instruction is None:
        return "unknown_opcode"
    if not _numbers_fit(instruction, "size_limit"):
        return "size_limit"
    for address, rows, words in tensors(instruction).values():
        if address + row_groups(rows) * words > spec.PROGRAM_DEPTH:
            return "activation_address"
    for region, start, count in memory_regions(instruction).values():
        if start + count > regions[region]:
            return "memory_address"
    return "ok" if _numbers_fit(instruction, "shift_range") else "shift_range"
