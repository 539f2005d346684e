"""Gradients of layer normalisation (docs/on-device-training.md, normalise_backward)."""

import numpy as np

from trivit.host.fixed_point import Int16, requantize, round_half_even
from trivit.host.oracle.normalise import NormalisedRows, normalised, row_statistics
from trivit.host.oracle.training.products import align

#: Fraction bits of the normalised value in backward, and further ones of the gradient's sums.
VALUE_FRAC = 12
GUARD_BITS = 8
_LIMIT = 1 << 40


def normalise_backward(
    gradient: Int16,
    x: Int16,
    gamma: Int16,
    *,
    inv_width: int,
    sqrt_width: int,
    epsilon: int,
    shift: int,
    addend: Int16 | None = None,
    addend_shift: int = 0,
) -> tuple[Int16, int]:
    """Return the gradient of the rows that were normalised, and the saturation count.

    Args:
        gradient: (rows, C) of the normalised rows.
        x: (at least rows, C): what was normalised; its further rows had no part.
        gamma: (C,) scale.
        inv_width: as for normalise.
        sqrt_width: as for normalise.
        epsilon: as for normalise.
        shift: f_dY + f_gamma - f_x + 4 - f_dX; a row's k is added.
        addend: of x's shape, added to the result; none counts as zero.
        addend_shift: left shift from its fraction length to f_dX + 8.
    """
    rows = len(gradient)
    parts = _again(x[:rows], inv_width, sqrt_width, epsilon)
    total = np.zeros(x.shape, np.int64)
    for row in range(rows):
        m = round_half_even(parts.values[row], 20 - VALUE_FRAC)
        a = gradient[row].astype(np.int64) * gamma.astype(np.int64)
        mean_a = int(round_half_even(a.sum() * inv_width, 24))
        weighted = round_half_even((a * m).sum(), VALUE_FRAC)
        mean_b = int(round_half_even(weighted * inv_width, 24))
        t = (a << GUARD_BITS) - mean_a - round_half_even(m * mean_b, VALUE_FRAC)
        gain = int(round_half_even(parts.gains[row], 10))
        scaled = [
            shifted_within(int(v), shift + int(parts.exponents[row]), _LIMIT) for v in t * gain
        ]
        total[row] = scaled
    if addend is not None:
        total = total + align(addend, addend_shift)
    return requantize(total, GUARD_BITS)


def normalise_gamma(
    gradient: Int16, x: Int16, *, inv_width: int, sqrt_width: int, epsilon: int, shift: int
) -> tuple[Int16, int]:
    """Return the (C,) gradient of gamma and the saturation count; arguments as above."""
    parts = _again(x[: len(gradient)], inv_width, sqrt_width, epsilon)
    m = round_half_even(parts.values, 20 - VALUE_FRAC)
    return requantize((gradient.astype(np.int64) * m).sum(axis=0), shift)


def _again(x: Int16, inv_width: int, sqrt_width: int, epsilon: int) -> NormalisedRows:
    return normalised(
        x, row_statistics(x), inv_width=inv_width, sqrt_width=sqrt_width, epsilon=epsilon
    )


def shifted_within(value: int, shift: int, limit: int) -> int:
    """Return ``value``·2^-shift rounded half to even and clamped to ±limit."""
    if shift <= 0:
        return max(-limit, min(limit, value << -shift))
    floor, remainder = value >> shift, value & ((1 << shift) - 1)
    half = 1 << (shift - 1)
    rounded = floor + (remainder > half or (remainder == half and floor % 2 == 1))
    return max(-limit, min(limit, rounded))
