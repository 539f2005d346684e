"""Contents of tensors: full range, limits, constants, ties."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trivit.host.fixed_point import INT16_MAX, INT16_MIN, Int16
from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS
from trivit.host.oracle.checks import matrix_words
from trivit.host.oracle.matmul import unpack_weight

_Pattern = Callable[[np.random.Generator, int, int], np.ndarray]
_LIMITS = np.array([INT16_MIN, INT16_MIN + 1, -1, 0, 1, INT16_MAX - 1, INT16_MAX])


def _uniform(bits: int) -> _Pattern:
    return lambda rng, rows, columns: rng.integers(-(1 << bits), 1 << bits, (rows, columns))


def _constant(value: int) -> _Pattern:
    return lambda rng, rows, columns: np.full((rows, columns), value)


def _full(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return rng.integers(INT16_MIN, INT16_MAX + 1, shape)


def _sparse(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    return np.where(rng.random((rows, columns)) < 0.03, rng.choice(_LIMITS, (rows, columns)), 0)


def _alternating(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    odd = (np.arange(columns) + rng.integers(2)) % 2
    return np.broadcast_to(np.where(odd, INT16_MAX, INT16_MIN), (rows, columns))


PATTERNS: dict[str, _Pattern] = {
    "uniform_1": _uniform(1),
    "uniform_5": _uniform(5),
    "uniform_9": _uniform(9),
    "uniform_13": _uniform(13),
    "uniform_15": _uniform(15),
    "limits": lambda rng, rows, columns: rng.choice(_LIMITS, (rows, columns)),
    "smallest": _constant(INT16_MIN),
    "largest": _constant(INT16_MAX),
    "zero": _constant(0),
    "alternating": _alternating,
    "sparse": _sparse,
    "constant_rows": lambda rng, rows, columns: np.repeat(_full(rng, (rows, 1)), columns, axis=1),
    "equal_rows": lambda rng, rows, columns: np.repeat(_full(rng, (1, columns)), rows, axis=0),
    "near_constant": lambda rng, rows, columns: (
        rng.integers(INT16_MIN, INT16_MAX, (rows, 1)) + (rng.random((rows, columns)) < 0.2)
    ),
}


def magnitude_bits(pattern: str) -> int:
    """Return about how many bits the values of a pattern have, the sign not counted."""
    name, _, bits = pattern.partition("_")
    return int(bits) if name == "uniform" else 15


def tensor(rng: np.random.Generator, pattern: str, rows: int, columns: int) -> Int16:
    """Return (rows, columns) int16 of a pattern."""
    return PATTERNS[pattern](rng, rows, columns).astype(np.int16)


def matrix(
    rng: np.random.Generator, weight: str, bias: str, out_words: int, depth_words: int
) -> Int16:
    """Return a packed matrix of ``out_words``·8 outputs, padded to tiles, and its bias, flat.

    Weights are in narrow range, as the contract wants them; the bias is not. Where the bias lies
    is asked of the oracle, by unpacking positions instead of values.
    """
    tiles = -(-out_words * TILE_DEPTH // TILE_OUTPUTS)
    elements = matrix_words(tiles, depth_words) * TILE_DEPTH
    values = np.maximum(tensor(rng, weight, elements // 8, 8).ravel(), -INT16_MAX)
    positions = unpack_weight(np.arange(elements), tiles, depth_words)[1]
    values[positions] = tensor(rng, bias, 1, len(positions))[0]
    return values


def identity(words: int) -> Int16:
    """Return a packed matrix of words·8 inputs and outputs that multiplies by 2^14."""
    tiles = -(-words * TILE_DEPTH // TILE_OUTPUTS)
    elements = matrix_words(tiles, words) * TILE_DEPTH
    positions, _ = unpack_weight(np.arange(elements), tiles, words)
    values = np.zeros(elements, dtype=np.int16)
    values[positions.diagonal()] = 1 << 14
    return values


MASKS: dict[str, _Pattern] = {
    "random": lambda rng, rows, keys: rng.random((rows, keys)) < 0.4,
    "few": lambda rng, rows, keys: rng.random((rows, keys)) < 0.1,
    "open": lambda rng, rows, keys: np.ones((rows, keys), dtype=bool),
    "closed": lambda rng, rows, keys: np.zeros((rows, keys), dtype=bool),
    "some_rows_closed": lambda rng, rows, keys: np.repeat(rng.random((rows, 1)) < 0.5, keys, 1),
    "diagonal": lambda rng, rows, keys: np.eye(rows, keys, dtype=bool),
    "last_key": lambda rng, rows, keys: np.arange(keys) == np.full((rows, 1), keys - 1),
    "one_key": lambda rng, rows, keys: np.arange(keys) == rng.integers(keys, size=(rows, 1)),
}


def mask(rng: np.random.Generator, pattern: str, tokens: int, words: int) -> Int16:
    """Return (tokens, words·8) packed mask rows; bits beyond the keys are random."""
    bits = rng.random((tokens, words * 128)) < 0.5
    bits[:, :tokens] = MASKS[pattern](rng, tokens, tokens)
    return np.packbits(bits, axis=1, bitorder="little").view("<i2").astype(np.int16)


def _spread(rng: np.random.Generator, count: int, bound: int) -> np.ndarray:
    return np.sort(rng.permutation(bound)[:count])


INDICES: dict[str, Callable[[np.random.Generator, int, int], np.ndarray]] = {
    "spread": _spread,
    "first": lambda rng, count, bound: np.arange(count),
    "last": lambda rng, count, bound: np.arange(bound - count, bound),
}
#: Values that are wrong wherever they stand among indices below ``bound``.
_WRONG: dict[str, Callable[[int], int]] = {
    "bound": lambda bound: bound,
    "negative": lambda bound: -1,
    "smallest": lambda bound: INT16_MIN,
    "largest": lambda bound: INT16_MAX,
}
MISTAKES = ("twice", "swapped", *_WRONG)


def indices(
    rng: np.random.Generator, pattern: str, count: int, bound: int, mistake: str | None = None
) -> Int16:
    """Return one padded row of ``count`` ascending indices below ``bound``; the padding is random.

    ``mistake`` makes them wrong at a random place, unless it needs two and there is but one.
    """
    row = rng.integers(INT16_MIN, INT16_MAX + 1, -(-count // 8) * 8)
    row[:count] = INDICES[pattern](rng, count, bound)
    place = int(rng.integers(count))
    if mistake == "twice":
        row[place] = row[place - 1 if place else count - 1]
    elif mistake == "swapped":
        row[:count] = np.roll(row[:count], 1)
    elif mistake is not None:
        row[place] = _WRONG[mistake](bound)
    return row[None].astype(np.int16)
