"""What an instruction must do however it is scheduled: ideal array cycles and DDR traffic."""

from collections.abc import Callable

from trivit.host.generated.spec import (
    DESCRIPTOR_WORDS,
    TILE_DEPTH,
    TILE_OUTPUTS,
    TILE_TOKENS,
)
from trivit.host.instructions import Instruction

#: Products of the array in a cycle.
ARRAY_MACS = TILE_TOKENS * TILE_OUTPUTS * TILE_DEPTH
WORD_BYTES = 2 * TILE_DEPTH
_TILE_WORDS = TILE_OUTPUTS // TILE_DEPTH

_Fields = dict[str, int]


def ideal_cycles(instruction: Instruction) -> int:
    """Return ceil(M/8)·ceil(N/32)·ceil(K/8) summed over the products of an instruction.

    Nothing but the array's geometry: no load, no epilogue, no softmax. Zero without products.
    """
    f = instruction.fields
    if instruction.opcode == "matmul":
        return _tiles(f["rows"], f["out_words"] * TILE_DEPTH, f["depth_words"] * TILE_DEPTH)
    if instruction.opcode == "attention":
        tokens, width = f["tokens"], f["head_words"] * TILE_DEPTH
        return f["heads"] * (_tiles(tokens, tokens, width) + _tiles(tokens, width, tokens))
    return 0


def ddr_bytes(instruction: Instruction) -> int:
    """Return the bytes between DDR and the chip for one image, the descriptor included."""
    f = instruction.fields
    words = _OPERAND_WORDS.get(instruction.opcode, lambda f: 0)(f)
    if "normalise" in instruction.flags:
        words += 2 * f["depth_words"]
    return words * WORD_BYTES + DESCRIPTOR_WORDS * 4


def _ceil(value: int, divisor: int) -> int:
    return -(-value // divisor)


def _tiles(rows: int, outputs: int, depth: int) -> int:
    return _ceil(rows, TILE_TOKENS) * _ceil(outputs, TILE_OUTPUTS) * _ceil(depth, TILE_DEPTH)


def _matmul_words(f: _Fields) -> int:
    # Weights of a tile, and a bias word for every eight outputs.
    return _ceil(f["out_words"], _TILE_WORDS) * (TILE_OUTPUTS * f["depth_words"] + _TILE_WORDS)


_OPERAND_WORDS: dict[str, Callable[[_Fields], int]] = {
    "load": lambda f: f["rows"] * f["words"],
    "store": lambda f: f["rows"] * f["words"],
    "patchify": lambda f: _ceil(f["channels"] * f["height"] * f["width"], TILE_DEPTH),
    "matmul": _matmul_words,
}
