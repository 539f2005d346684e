"""Modelled cycles of one instruction, by the formulas of docs/cycles.md."""

from collections.abc import Callable, Sequence
from math import gcd

from trivit.host.generated.spec import (
    DESCRIPTOR_WORDS,
    TILE_DEPTH,
    TILE_OUTPUTS,
    TILE_TOKENS,
    TIMING,
)
from trivit.host.instructions import Instruction
from trivit.tools.errors import ToolsError

_DEPTH = TIMING["pipeline_depth"]
_TILE_WORDS = TILE_OUTPUTS // TILE_DEPTH
_MASK_BITS = 16
_ELEMENTS_PER_MEMORY_WORD = 4  # 32-bit descriptor words in a 128-bit memory word


def instruction_cycles(instruction: Instruction) -> int:
    """Return the cycles of one instruction for one image, fetch and checks included.

    Raises:
        ToolsError: an opcode without a formula.
    """
    formula = _FORMULAS.get(instruction.opcode)
    if formula is None:
        raise ToolsError(f"there is no cycle formula for '{instruction.opcode}': add one")
    fetch = _transfer(DESCRIPTOR_WORDS // _ELEMENTS_PER_MEMORY_WORD)
    return fetch + TIMING["decode"] + formula(instruction.fields, instruction.flags)


def _ceil(value: int, divisor: int) -> int:
    return -(-value // divisor)


def _loop(iterations: int) -> int:
    return iterations + _DEPTH


def _transfer(words: int) -> int:
    return TIMING["burst_latency"] + words


def _groups(rows: int) -> int:
    return _ceil(rows, TILE_TOKENS)


def _pipeline(first: Sequence[int], second: Sequence[int]) -> int:
    """Two stages over the same blocks with a ping-pong buffer between them."""
    overlapped = sum(max(a, b) for a, b in zip(first[1:], second[:-1], strict=True))
    return first[0] + overlapped + second[-1]


_Fields = dict[str, int]
_Flags = frozenset[str]


def _copy(f: _Fields, _: _Flags) -> int:
    return _transfer(f["rows"] * f["words"])


def _patchify(f: _Fields, _: _Flags) -> int:
    patch = f["patch"]
    patches = (f["height"] // patch) * (f["width"] // patch)
    row_words = _ceil(f["channels"] * patch * patch, TILE_DEPTH)
    elements = f["channels"] * f["height"] * f["width"]
    segments = elements // gcd(patch, TILE_DEPTH)
    clear = _loop(_groups(1 + patches) * row_words)
    return clear + max(_transfer(_ceil(elements, TILE_DEPTH)), _loop(segments))


def _matmul(f: _Fields, _: _Flags) -> int:
    depth, outputs, groups = f["depth_words"], f["out_words"], _groups(f["rows"])
    tiles = _ceil(outputs, _TILE_WORDS)
    load = [_transfer(TILE_OUTPUTS * depth)] * tiles
    compute = [
        _loop(groups * depth) + _loop(groups * min(_TILE_WORDS, outputs - _TILE_WORDS * tile))
        for tile in range(tiles)
    ]
    return _transfer(_TILE_WORDS * tiles) + _pipeline(load, compute)


def _layernorm(f: _Fields, _: _Flags) -> int:
    rounds = _groups(f["rows"]) + 2
    passes = TILE_TOKENS // TIMING["vector_rows"]
    return 2 * _transfer(f["words"]) + _loop(passes * f["words"]) * rounds


def _attention(f: _Fields, flags: _Flags) -> int:
    tokens, heads, width = f["tokens"], f["heads"], f["head_words"]
    groups = _groups(tokens)
    passes = TILE_TOKENS // TIMING["vector_rows"]
    scores = _loop(_ceil(tokens, TILE_OUTPUTS) * width) + _loop(groups)
    context = _loop(_ceil(width, _TILE_WORDS) * groups) + _loop(width)
    softmax = 2 * _loop(passes * groups) + _loop(TILE_TOKENS)
    compute = 0
    for step in range(groups + 2):
        array = (scores if step < groups else 0) + (context if step >= 2 else 0)
        compute += max(array, softmax if 1 <= step <= groups else 0)
    load, store = _loop(3 * groups * width), _loop(groups * width)
    total = load + (heads - 1) * max(load, compute) + compute + heads * store
    if "mask" in flags:
        total += _loop(groups * _mask_words(tokens))
    return total


def _mask_words(keys: int) -> int:
    return _ceil(_ceil(keys, _MASK_BITS), TILE_DEPTH)


def _search(candidates: int) -> int:
    passes = TIMING["score_bits"] + 1
    return _loop(passes * TILE_TOKENS * _ceil(candidates, TIMING["select_lanes"]))


def _select_tokens(f: _Fields, _: _Flags) -> int:
    tokens = f["tokens"]
    return _loop(_ceil(tokens, TILE_DEPTH)) + _search(tokens) + _loop(tokens)


def _gather(f: _Fields, _: _Flags) -> int:
    return _loop(_ceil(f["rows"], TILE_DEPTH)) + _loop(f["rows"] * f["words"])


def _select_connections(f: _Fields, _: _Flags) -> int:
    rows = f["rows"]
    groups = range(_groups(rows))
    collect = [_loop(min(TILE_TOKENS, rows - TILE_TOKENS * g) * rows) for g in groups]
    choose = [_search(rows) + _loop(_mask_words(rows)) for _ in groups]
    return _loop(_ceil(rows, TILE_DEPTH)) + _pipeline(collect, choose)


_FORMULAS: dict[str, Callable[[_Fields, _Flags], int]] = {
    "load": _copy,
    "store": _copy,
    "patchify": _patchify,
    "matmul": _matmul,
    "layernorm": _layernorm,
    "attention": _attention,
    "select_tokens": _select_tokens,
    "gather": _gather,
    "select_connections": _select_connections,
}
