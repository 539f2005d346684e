"""What an instruction must do however it is scheduled: ideal array cycles and DDR traffic."""

from collections.abc import Callable

from trivit.host.generated.spec import (
    DESCRIPTOR_WORDS,
    TILE_DEPTH,
    TILE_OUTPUTS,
    TILE_TOKENS,
)
from trivit.host.instructions import Instruction
from trivit.host.tiles import ceil_div

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


def _tiles(rows: int, outputs: int, depth: int) -> int:
    return (
        ceil_div(rows, TILE_TOKENS) * ceil_div(outputs, TILE_OUTPUTS) * ceil_div(depth, TILE_DEPTH)
    )


def _matmul_words(f: _Fields) -> int:
    # Weights of a tile, and a bias word for every eight outputs.
    return ceil_div(f["out_words"], _TILE_WORDS) * (TILE_OUTPUTS * f["depth_words"] + _TILE_WORDS)


_OPERAND_WORDS: dict[str, Callable[[_Fields], int]] = {
    "load": lambda f: f["rows"] * f["words"],
    "store": lambda f: f["rows"] * f["words"],
    "patchify": lambda f: ceil_div(f["channels"] * f["height"] * f["width"], TILE_DEPTH),
    "matmul": _matmul_words,
}
