"""Layer normalisation of a product's source (docs/numerics.md, normalise)."""

from dataclasses import dataclass

import numpy as np

from trivit.host.fixed_point import Int16, Int64, requantize, round_half_even
from trivit.host.generated.tables import RSQRT

#: Bounds of the mean at 8 fraction bits and of the normalised value at 20, whatever the statistics.
_MEAN_LIMIT = 1 << 23
_VALUE_LIMIT = 1 << 26


def row_statistics(rows: Int16) -> tuple[Int64, Int64]:
    """Return the sum and the sum of squares of each row of ``rows`` (R, C), both (R,)."""
    wide = rows.astype(np.int64)
    return wide.sum(axis=1), (wide * wide).sum(axis=1)


def inverse_root(power: int) -> tuple[int, int]:
    """Return (rs, k) with 1/sqrt(power) = rs · 2^-24 · 2^-k, ``power`` in 1..2^62."""
    k = (power.bit_length() - 1) // 2
    u = (power << (62 - 2 * k)) >> 40
    index, remainder = divmod(u - (1 << 22), 4096)
    low, high = int(RSQRT[index]), int(RSQRT[index + 1])
    return ((low << 12) - (low - high) * remainder) >> 12, k


def normalise(
    x: Int16,
    statistics: tuple[Int64, Int64],
    gamma: Int16,
    beta: Int16,
    *,
    inv_width: int,
    sqrt_width: int,
    epsilon: int,
    beta_shift: int,
    norm_shift: int,
) -> tuple[Int16, int]:
    """Return the normalised, scaled and shifted rows and the saturation count.

    Args:
        x: (rows, C).
        statistics: sums and sums of squares, (rows,) each, usually ``row_statistics(x)``.
        gamma: (C,) scale.
        beta: (C,) offset.
        inv_width: round(2^32 / C).
        sqrt_width: round(sqrt(C) · 2^16).
        epsilon: the real epsilon times C · 2^(2·(f_x + 8)).
        beta_shift: left shift that aligns beta with the product.
        norm_shift: right shift to the fraction length of the result.
    """
    rows = normalised(x, statistics, inv_width=inv_width, sqrt_width=sqrt_width, epsilon=epsilon)
    offsets = beta.astype(np.int64) << beta_shift
    return requantize(rows.values * gamma + offsets, norm_shift)


@dataclass(frozen=True, kw_only=True)
class NormalisedRows:
    """What lies between the statistics of rows and their scale.

    ``values`` is (rows, C) int64, the normalised values at 20 fraction bits; ``gains`` (g) and
    ``exponents`` (k) are (rows,) int64: a row's 1/sigma is g·2^-(k + 22) for elements at 8 further
    fraction bits.
    """

    values: Int64
    gains: Int64
    exponents: Int64


def normalised(
    x: Int16, statistics: tuple[Int64, Int64], *, inv_width: int, sqrt_width: int, epsilon: int
) -> NormalisedRows:
    """Return the normalised values of ``x`` (rows, C); arguments as for :func:`normalise`."""
    width = x.shape[1]
    wide = x.astype(np.int64)
    values: Int64 = np.empty_like(wide)
    gains: Int64 = np.empty(len(x), dtype=np.int64)
    exponents: Int64 = np.empty(len(x), dtype=np.int64)
    for row, (total, squares) in enumerate(zip(*(s.tolist() for s in statistics), strict=True)):
        mean = (total * inv_width + (1 << 23)) >> 24
        mean = max(-_MEAN_LIMIT, min(_MEAN_LIMIT, mean))
        power = (squares << 16) - (mean * total << 9) + width * mean**2 + epsilon
        rs, k = inverse_root(max(1, power))
        gain = int(round_half_even(np.int64(rs) * np.int64(sqrt_width), 18))
        rounded = round_half_even(((wide[row] << 8) - mean) * gain, k + 2)
        values[row] = np.clip(rounded, -_VALUE_LIMIT, _VALUE_LIMIT - 1)
        gains[row], exponents[row] = gain, k
    return NormalisedRows(values=values, gains=gains, exponents=exponents)
