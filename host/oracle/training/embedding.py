"""Rows that are copied: [CLS], kept tokens and where their gradients go."""

import numpy as np

from trivit.host.fixed_point import Int16, requantize
from trivit.host.oracle.training.products import align


def cls_row(
    cls_token: Int16, position: Int16, *, cls_shift: int, position_shift: int, shift: int
) -> tuple[Int16, int]:
    """Return the row of [CLS], token plus position rounded once, and the saturation count."""
    return requantize(align(cls_token, cls_shift) + align(position, position_shift), shift)


def gather(x: Int16, index: Int16) -> Int16:
    """Return the rows of ``x`` (rows, C) that ``index`` (kept,) names."""
    return x[index]


def scatter(gradient: Int16, index: Int16, rows: int) -> Int16:
    """Return ``rows`` rows: row index[i] is row i of ``gradient`` (kept, C), the others zero."""
    result = np.zeros((rows, gradient.shape[1]), np.int16)
    result[index] = gradient
    return result
