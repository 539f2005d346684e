"""Modelled cycles of one instruction once it runs, by the formulas of docs/cycles.md.

What an instruction waits for before and while it runs (descriptors, parameters) is in schedule.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import gcd

from trivit.host.generated import spec
from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS, TIMING

Fields = dict[str, int]
Flags = frozenset[str]

DEPTH = TIMING["pipeline_depth"]
LATENCY = TIMING["burst_latency"]
_TILE_WORDS = TILE_OUTPUTS // TILE_DEPTH
_MASK_BITS = 16


@dataclass(frozen=True)
class Busy:
    """Cycles of a running instruction, and in how many of them the array issues products.

    ``memory`` are the cycles that only wait for DDR; the rest belongs to the vector units.
    """

    cycles: int
    array: int = 0
    memory: int = 0


@dataclass(frozen=True)
class MatmulTime:
    """A matrix product tile by tile: cycles of each (``compute``), then ``drain``.

    ``array`` are the cycles of each tile in which the array issues products.
    """

    compute: tuple[int, ...]
    array: int
    drain: int


def ceil_div(value: int, divisor: int) -> int:
    """Return ``value / divisor`` rounded up."""
    return -(-value // divisor)


def groups(rows: int) -> int:
    """Return the row groups of a tensor: one row in each bank."""
    return ceil_div(rows, TILE_TOKENS)


def matmul_time(f: Fields, flags: Flags) -> MatmulTime:
    """Return the time of a matmul whose tiles are there when it wants them."""
    depth, outputs = f["depth_words"], f["out_words"]
    per_word = 2 if "residual" in flags else 1
    words = [min(_TILE_WORDS, outputs - start) for start in range(0, outputs, _TILE_WORDS)]
    epilogue = [count * per_word for count in words]
    return MatmulTime(
        compute=tuple(groups(f["rows"]) * max(depth, e) for e in epilogue),
        array=groups(f["rows"]) * depth,
        drain=epilogue[-1] + 2 * DEPTH,
    )


def running_time(opcode: str, f: Fields, flags: Flags) -> Busy:
    """Return the time of an instruction other than matmul from its begin to its end."""
    return _FORMULAS[opcode](f, flags)


def head_words(tokens: int, width: int) -> int:
    """Return head_size: depth words of weight memory that keys and values of a head take."""
    values = ceil_div(width, _TILE_WORDS) * groups(tokens)
    return ceil_div(tokens, TILE_OUTPUTS) * width + values


def _loop(iterations: int) -> int:
    return iterations + DEPTH


def _transfer(words: int) -> int:
    return LATENCY + words


def _load(f: Fields, _: Flags) -> Busy:
    cycles = _transfer(ceil_div(f["rows"], spec.PARAM_PORTS) * f["words"])
    return Busy(cycles, memory=cycles)


def _store(f: Fields, _: Flags) -> Busy:
    cycles = _transfer(f["rows"] * f["words"])
    return Busy(cycles, memory=cycles)


def _patchify(f: Fields, _: Flags) -> Busy:
    patch, width = f["patch"], f["width"]
    segment = gcd(patch, TILE_DEPTH)
    columns, lines = width // patch, f["channels"] * f["height"]
    patches = columns * (f["height"] // patch)
    row_words = ceil_div(f["channels"] * patch * patch, TILE_DEPTH)
    if width % TILE_DEPTH == 0:
        share = ceil_div(lines, spec.PARAM_PORTS)
        fetch = LATENCY + share * width // TILE_DEPTH
    else:
        share = lines
        fetch = _transfer(ceil_div(lines * width, TILE_DEPTH))
    cycles = max(
        _loop(groups(1 + patches) + row_words),
        fetch,
        _loop(share * width // segment),
        _loop(lines * (patch // segment) * ceil_div(columns, TILE_DEPTH)),
    )
    return Busy(cycles, memory=fetch)


def _layernorm(f: Fields, _: Flags) -> Busy:
    return Busy((groups(f["rows"]) + 4) * max(f["words"], DEPTH) + DEPTH)


def _attention(f: Fields, flags: Flags) -> Busy:
    tokens, heads, width = f["tokens"], f["heads"], f["head_words"]
    mask = _mask_words(tokens) if "mask" in flags else 0
    steps, array = _attention_steps(tokens, heads, width)
    return Busy(_loop(groups(tokens) * (width + mask)) + steps + DEPTH, array=array)


@cache
def _attention_steps(tokens: int, heads: int, width: int) -> tuple[int, int]:
    """Return the cycles of all steps of attention, and those that the array issues in."""
    lag, buffers = TIMING["attention_lag"], TIMING["softmax_buffers"]
    count = groups(tokens)
    total = heads * count
    scores = ceil_div(tokens, TILE_OUTPUTS) * width
    context = ceil_div(width, _TILE_WORDS) * count
    softmax = TILE_TOKENS // TIMING["softmax_rows"] * count
    # Ends of the softmax processes by step; steps before the first ended at 0.
    rounded, exponentials, probabilities = ([0] * (total + buffers) for _ in range(3))
    clock = 0
    for t in range(total + lag + 1):
        array = clock
        if t < total:
            array = max(array, rounded[t - 2]) + scores
            rounded[t] = max(array + DEPTH, rounded[t - 1], exponentials[t - buffers]) + count
            exponentials[t] = (
                max(rounded[t] + DEPTH, exponentials[t - 1], probabilities[t - buffers]) + softmax
            )
            probabilities[t] = max(exponentials[t] + DEPTH, probabilities[t - 1]) + softmax
        if lag <= t < total + lag:
            array = max(array, probabilities[t - lag] + DEPTH) + context
        blocks = (t + count < total) + (count <= t + count - lag < total)
        moved = clock + blocks * width
        output = max(moved, clock + DEPTH) + width if t > lag else moved
        clock = max(array, output, moved + DEPTH if blocks else 0)
    return clock, total * (scores + context)


def _mask_words(keys: int) -> int:
    return ceil_div(ceil_div(keys, _MASK_BITS), TILE_DEPTH)


def _select_tokens(f: Fields, _: Flags) -> Busy:
    tokens = f["tokens"]
    one_pass = ceil_div(tokens, TIMING["select_lanes"]) + TIMING["select_latency"]
    search = _loop((TIMING["score_bits"] + 1) * one_pass)
    return Busy(_loop(ceil_div(tokens, TILE_DEPTH)) + search + _loop(tokens))


def _gather(f: Fields, _: Flags) -> Busy:
    copy = _loop(groups(f["src_rows"]) * f["words"])
    return Busy(_loop(ceil_div(f["rows"], TILE_DEPTH)) + _loop(f["rows"]) + copy)


def _select_connections(f: Fields, _: Flags) -> Busy:
    rows = f["rows"]
    words = TILE_TOKENS * ceil_div(rows, TIMING["select_lanes"])
    choose = _loop((TIMING["score_bits"] + 1) * words) + _loop(_mask_words(rows))
    collect = [
        _loop(min(TILE_TOKENS, rows - start) * rows) for start in range(0, rows, TILE_TOKENS)
    ]
    return Busy(_loop(ceil_div(rows, TILE_DEPTH)) + _pipeline(collect, [choose] * len(collect)))


def _pipeline(first: Sequence[int], second: Sequence[int]) -> int:
    """Two stages over the same blocks with a ping-pong buffer between them."""
    overlapped = sum(max(a, b) for a, b in zip(first[1:], second[:-1], strict=True))
    return first[0] + overlapped + second[-1]


_FORMULAS: dict[str, Callable[[Fields, Flags], Busy]] = {
    "load": _load,
    "store": _store,
    "patchify": _patchify,
    "layernorm": _layernorm,
    "attention": _attention,
    "select_tokens": _select_tokens,
    "gather": _gather,
    "select_connections": _select_connections,
}
OPCODES = frozenset(_FORMULAS) | {"matmul"}
