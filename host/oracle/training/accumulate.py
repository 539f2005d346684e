"""Sums of gradients over images (docs/on-device-training.md, Accumulation)."""

import numpy as np

from trivit.host.fixed_point import Int16, requantize
from trivit.host.oracle.training.products import align
from trivit.host.oracle.training.update import join_planes, split_master


def accumulate(gradient: Int16, planes: tuple[Int16, Int16], *, shift: int) -> tuple[Int16, Int16]:
    """Return (high, low) of a 32-bit sum with a gradient more, within the range of masters.

    Args:
        gradient: of one image, any shape.
        planes: high and low of the sum so far, of the same shape.
        shift: left shift of the gradient to the sum's fraction length; below 0 it is rounded.
    """
    high, low, _ = split_master(join_planes(*planes) + align(gradient, shift), True)
    assert low is not None
    return high, low


def release(planes: tuple[Int16, Int16], *, shift: int) -> tuple[Int16, int]:
    """Return a sum (high, low) as the int16 gradient that an update reads, and the saturations.

    The sum is zero afterwards, which is up to the caller.
    """
    return requantize(join_planes(*planes).astype(np.int64), shift)
