"""Rounding and saturation of the numeric contract (docs/numerics.md, Tensors and rounding)."""

import numpy as np
from numpy.typing import NDArray

INT16_MIN, INT16_MAX = -32768, 32767

Int16 = NDArray[np.int16]
Int64 = NDArray[np.int64]


def round_half_even(values: Int64, shift: int) -> Int64:
    """Return ``values * 2**-shift`` rounded to integers, ties to even (``rhe`` of the contract).

    A shift of zero or below is exact. ``values`` is int64 of any shape; ``|values| < 2**62``, and a
    left shift must not overflow.
    """
    if shift <= 0:
        return values << -shift
    floor = values >> shift
    remainder = values - (floor << shift)
    half = 1 << (shift - 1)
    up = (remainder > half) | ((remainder == half) & ((floor & 1) == 1))
    return floor + up


def requantize(values: Int64, shift: int) -> tuple[Int16, int]:
    """Round by ``shift`` and clamp to int16; also return how many values the clamp changed."""
    # Beyond 17 bits a left shift saturates anyway; clamping first keeps it inside 64 bits.
    bounded = values if shift > 0 else np.clip(values, 2 * INT16_MIN, 2 * INT16_MAX)
    rounded = round_half_even(bounded, shift)
    clamped = np.clip(rounded, INT16_MIN, INT16_MAX)
    return clamped.astype(np.int16), int(np.count_nonzero(clamped != rounded))


def to_real(values: Int16, fraction_length: int) -> NDArray[np.float64]:
    """Return the float64 values of integers with a fraction length."""
    return values.astype(np.float64) * 2.0**-fraction_length
