"""The derivative of GELU by table (docs/on-device-training.md, gelu_backward)."""

import numpy as np

from trivit.host.fixed_point import Int16, Int64, requantize, round_half_even
from trivit.host.generated.tables import GELU_SLOPE

SLOPE_FRAC = 16


def gelu_slope(x: Int16, in_frac: int) -> Int64:
    """Return gelu'(x) at 16 fraction bits; ``x`` has ``in_frac`` (0..15) of them."""
    wide = x.astype(np.int64)
    magnitude = np.abs(wide) << (15 - in_frac)
    index = np.minimum(magnitude >> 8, len(GELU_SLOPE) - 2)
    remainder = magnitude & 255
    slope = (GELU_SLOPE[index] << 8) + (GELU_SLOPE[index + 1] - GELU_SLOPE[index]) * remainder
    slope = np.where(magnitude >= 8 << 15, 0, slope)
    return round_half_even(np.where(wide >= 0, (1 << 28) - slope, slope), 28 - SLOPE_FRAC)


def gelu_backward(gradient: Int16, x: Int16, *, in_frac: int, shift: int) -> tuple[Int16, int]:
    """Return requantize(gradient·gelu'(x), shift) and the saturation count; shapes are equal."""
    return requantize(gradient.astype(np.int64) * gelu_slope(x, in_frac), shift)
