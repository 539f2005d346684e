"""Scaling of columns (docs/numerics.md, scale)."""

import numpy as np

from trivit.host.fixed_point import Int16, requantize


def scale(x: Int16, factor: Int16, out_shift: int) -> tuple[Int16, int]:
    """Return (rows, columns) ``x`` times the (columns,) ``factor``, rounded by ``out_shift``.

    Also how many values saturated.
    """
    return requantize(x.astype(np.int64) * factor, out_shift)
