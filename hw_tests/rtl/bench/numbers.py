"""Sizes of the small engine, and numbers for its units."""

from __future__ import annotations

import numpy as np
from rtl.designs import SMALL, SUM_BITS

TOKENS, OUTPUTS, DEPTH, PORTS = SMALL.tokens, SMALL.outputs, SMALL.depth, SMALL.ports
MASK = (1 << SUM_BITS) - 1
EXTREMES = (-32768, -32767, -1, 0, 1, 32767)


def draw(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Random int16, a third of them extremes."""
    values = rng.integers(-32768, 32768, shape)
    return np.where(rng.random(shape) < 1 / 3, rng.choice(EXTREMES, shape), values).astype(np.int16)


def signed(value: int, bits: int) -> int:
    """A bit vector as a number in two's complement."""
    return value - (1 << bits) if value >> (bits - 1) else value
