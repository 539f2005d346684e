"""GELU by table and linear interpolation (docs/numerics.md, GELU)."""

import numpy as np

from trivit.host.fixed_point import Int16, requantize
from trivit.host.generated.tables import GELU


def gelu(x: Int16, in_frac: int, out_frac: int) -> tuple[Int16, int]:
    """Return gelu(x) at ``out_frac`` fraction bits and the saturation count.

    ``x`` is int16 of any shape with ``in_frac`` (0..15) fraction bits.
    """
    wide = x.astype(np.int64)
    magnitude = np.abs(wide) << (15 - in_frac)
    index = np.minimum(magnitude >> 8, len(GELU) - 2)
    remainder = magnitude & 255
    delta = (GELU[index] << 8) + (GELU[index + 1] - GELU[index]) * remainder
    delta = np.where(magnitude >= 8 << 15, 0, delta)
    return requantize((np.maximum(wide, 0) << (28 - in_frac)) - delta, 28 - out_frac)
