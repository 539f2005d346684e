"""The gradient of the loss (docs/on-device-training.md, cross_entropy)."""

import numpy as np

from trivit.host.fixed_point import Int16, requantize
from trivit.host.oracle.attention import exponentials, reciprocal_of_sum

TARGET_FRAC = 14


def cross_entropy(
    logits: Int16, target: Int16, *, exp_multiplier: int, exp_shift: int, frac: int
) -> tuple[Int16, int]:
    """Return softmax(logits) - target at ``frac`` fraction bits, and the saturation count.

    Args:
        logits: (1, classes).
        target: (1, classes) at 14 fraction bits: one-hot, smoothed or mixed.
        exp_multiplier: with exp_shift, log2(e)·2^-f_logits at 20 fraction bits.
        exp_shift: see exp_multiplier.
        frac: fraction length of the result.
    """
    e = exponentials(logits, np.ones(logits.shape, bool), exp_multiplier, exp_shift)
    reciprocal, b = reciprocal_of_sum(int(e.sum()))
    wanted = target.astype(np.int64) << (24 + b - TARGET_FRAC)
    return requantize(e * reciprocal - wanted, 24 + b - frac)
