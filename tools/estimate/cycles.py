"""Modelled cycles of one instruction once it runs, by the formulas of docs/cycles.md.

What an instruction waits for before and while it runs (descriptors, parameters) is in schedule.py.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from math import gcd

from trivit.host.generated import spec
from trivit.host.generated.spec import SCORE_BITS, TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS, TIMING
from trivit.host.tiles import ceil_div, row_groups

Fields = dict[str, int]
Flags = frozenset[str]

DEPTH = TIMING["pipeline_depth"]
LATENCY = TIMING["burst_latency"]
ROUNDING = TILE_TOKENS // TIMING["rounding_rows"]  # cycles for a word of eight rows
_TILE_WORDS = TILE_OUTPUTS // TILE_DEPTH
_MASK_BITS = 16
_PASSES = SCORE_BITS // TIMING["select_digit"] + 1
SCORE_FLAGS = frozenset({"score_cls", "score_all"})


@dataclass(frozen=True)
class Busy:
    """Cycles of a running instruction, and in how many of them the array issues products.

    ``memory`` are the cycles that only wait for DDR; the rest belongs to the vector units.
    ``complete``: when an attention's [CLS] scores are there, if it keeps them.
    """

    cycles: int
    array: int = 0
    memory: int = 0
    complete: int | None = None


@dataclass(frozen=True)
class MatmulTime:
    """A matrix product tile by tile.

    ``compute`` are the cycles of each tile, ``array`` those of them in which the array issues
    products; ``tail`` later everything is in memory. ``pace_first`` and ``pace_last`` are the
    cycles of a row group in the first and the last tile.
    """

    compute: tuple[int, ...]
    array: int
    tail: int
    pace_first: int
    pace_last: int


def matmul_time(f: Fields, flags: Flags) -> MatmulTime:
    """Return the time of a matmul whose operands are there when it wants them."""
    depth, outputs = f["depth_words"], f["out_words"]
    per_word = max(ROUNDING, 2 if "residual" in flags else 1)
    words = [min(_TILE_WORDS, outputs - start) for start in range(0, outputs, _TILE_WORDS)]
    epilogue = [count * per_word for count in words]
    pace = [max(depth, e) for e in epilogue]
    pipelines = 3 if "normalise" in flags else 2
    return MatmulTime(
        compute=tuple(row_groups(f["rows"]) * cycles for cycles in pace),
        array=row_groups(f["rows"]) * depth,
        tail=epilogue[-1] + pipelines * DEPTH,
        pace_first=pace[0],
        pace_last=pace[-1],
    )


def norm_latency(flags: Flags) -> int:
    """Return the cycles from a row's last statistics to its mean and root, if they are needed."""
    return 2 * DEPTH if "normalise" in flags else 0


def plan_time(f: Fields, flags: Flags) -> int:
    """Return the cycles in which a compacting matmul reads its index tensor."""
    return _loop(ceil_div(f["kept"], TILE_DEPTH)) if "compact" in flags else 0


def written_groups(f: Fields, flags: Flags) -> int:
    """Return the row groups of a matmul's result."""
    return row_groups(f["kept"] if "compact" in flags else f["rows"])


def running_time(opcode: str, f: Fields, flags: Flags) -> Busy:
    """Return the time of an instruction other than matmul from its begin to its end."""
    return _FORMULAS[opcode](f, flags)


def head_words(tokens: int, width: int) -> int:
    """Return head_size: depth words of weight memory that keys and values of a head take."""
    values = ceil_div(width, _TILE_WORDS) * row_groups(tokens)
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
    if comes_in_bands(f):
        fetch, cut = _lines(f, f["channels"] * f["height"])
    else:
        segments = f["channels"] * f["height"] * f["width"] // gcd(f["patch"], TILE_DEPTH)
        fetch = _transfer(ceil_div(f["channels"] * f["height"] * f["width"], TILE_DEPTH))
        cut = max(segments, _written(f, f["channels"] * f["height"]))
    return Busy(max(_cleared(f), fetch, cut + DEPTH), memory=fetch)


def comes_in_bands(f: Fields) -> bool:
    """Return whether a patchify's rows of patches arrive one after the other."""
    return f["width"] % TILE_DEPTH == 0


def patches_ready(f: Fields, group: int) -> int:
    """Return when, from the first request on, the patches of a row group are there."""
    columns, band = f["width"] // f["patch"], f["channels"] * f["patch"]
    patches = columns * (f["height"] // f["patch"])
    last = min(TILE_TOKENS * (group + 1) - 1, patches)  # patch i is row i; row 0 is [CLS]
    fetch, cut = _lines(f, ceil_div(last, columns) * band)
    return max(_cleared(f), max(fetch, cut) + 2 * DEPTH)


def patches_fetched(f: Fields) -> int:
    """Return when, from the first request on, the image has come."""
    return _lines(f, f["channels"] * f["height"])[0]


def _lines(f: Fields, lines: int) -> tuple[int, int]:
    """Return when so many lines have come, and the cycles of cutting and writing them."""
    rounds = ceil_div(lines, spec.PARAM_PORTS)
    pixels = rounds * f["width"]
    complete = min(rounds * spec.PARAM_PORTS, f["channels"] * f["height"])
    filled = pixels // gcd(f["patch"], TILE_DEPTH)
    return _transfer(pixels // TILE_DEPTH), max(filled, _written(f, complete))


def _written(f: Fields, lines: int) -> int:
    segments = f["patch"] // gcd(f["patch"], TILE_DEPTH)
    return lines * segments * ceil_div(f["width"] // f["patch"], TILE_DEPTH)


def _cleared(f: Fields) -> int:
    patches = (f["width"] // f["patch"]) * (f["height"] // f["patch"])
    row_words = ceil_div(f["channels"] * f["patch"] ** 2, TILE_DEPTH)
    return _loop(row_groups(1 + patches) + row_words)


def _attention(f: Fields, flags: Flags) -> Busy:
    tokens, heads, width = f["tokens"], f["heads"], f["head_words"]
    mask = _mask_words(tokens) if "mask" in flags else 0
    steps, array, scores = _attention_steps(tokens, heads, width)
    start = _loop(row_groups(tokens) * (width + mask))
    complete = start + scores + DEPTH if flags & SCORE_FLAGS else None
    return Busy(start + steps + DEPTH, array=array, complete=complete)


@cache
def _attention_steps(tokens: int, heads: int, width: int) -> tuple[int, int, int]:
    """Return the cycles of attention's steps, of the array in them, and until [CLS] is scored."""
    lag, buffers = TIMING["attention_lag"], TIMING["softmax_buffers"]
    count = row_groups(tokens)
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
            rounded[t] = max(array + DEPTH, rounded[t - 1], exponentials[t - buffers])
            rounded[t] += ROUNDING * count
            exponentials[t] = (
                max(rounded[t] + DEPTH, exponentials[t - 1], probabilities[t - buffers]) + softmax
            )
            probabilities[t] = max(exponentials[t] + DEPTH, probabilities[t - 1]) + softmax
        if lag <= t < total + lag:
            array = max(array, probabilities[t - lag] + DEPTH) + context
        blocks = (t + count < total) + (count <= t + count - lag < total)
        moved = clock + blocks * width
        output = max(moved, clock + DEPTH) + ROUNDING * width if t > lag else moved
        clock = max(array, output, moved + DEPTH if blocks else 0)
    return clock, total * (scores + context), probabilities[total - count]


def _mask_words(keys: int) -> int:
    return ceil_div(ceil_div(keys, _MASK_BITS), TILE_DEPTH)


def _select_tokens(f: Fields, _: Flags) -> Busy:
    tokens = f["tokens"]
    words = _loop(ceil_div(tokens, TILE_DEPTH))
    one_pass = ceil_div(tokens, TIMING["select_lanes"]) + TIMING["select_latency"]
    return Busy(words + _loop(_PASSES * one_pass) + words)


def _select_connections(f: Fields, _: Flags) -> Busy:
    """Only the reading of the index tensor: what follows runs beside the next matmul."""
    return Busy(_loop(ceil_div(f["rows"], TILE_DEPTH)))


def connections_time(f: Fields) -> tuple[int, int]:
    """Return the cycles of choosing the connections, and of writing the mask afterwards."""
    rows = f["rows"]
    choose = _loop(_PASSES * TILE_TOKENS * ceil_div(rows, TIMING["select_lanes"]))
    collect = [
        _loop(min(TILE_TOKENS, rows - start) * row_groups(f["tokens"]))
        for start in range(0, rows, TILE_TOKENS)
    ]
    write = _loop(row_groups(rows) * _mask_words(rows))
    return _pipeline(collect, [choose] * len(collect)), write


def _pipeline(first: Sequence[int], second: Sequence[int]) -> int:
    """Two stages over the same blocks with a ping-pong buffer between them."""
    overlapped = sum(max(a, b) for a, b in zip(first[1:], second[:-1], strict=True))
    return first[0] + overlapped + second[-1]


_FORMULAS: dict[str, Callable[[Fields, Flags], Busy]] = {
    "load": _load,
    "store": _store,
    "patchify": _patchify,
    "attention": _attention,
    "select_tokens": _select_tokens,
    "select_connections": _select_connections,
}
OPCODES = frozenset(_FORMULAS) | {"matmul"}
