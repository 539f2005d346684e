"""Layer normalisation: mean first, then centred squares (docs/numerics.md, layernorm)."""

import numpy as np

from trivit.host.fixed_point import Int16, Int64, requantize, round_half_even
from trivit.host.generated.tables import RSQRT


def _inverse_root(power: int) -> tuple[int, int]:
    """Return (rs, k) with 1/sqrt(power) = rs · 2^-24 · 2^-k, ``power`` in 1..2^62."""
    k = (power.bit_length() - 1) // 2
    u = (power << (62 - 2 * k)) >> 40
    index, remainder = divmod(u - (1 << 22), 4096)
    low, high = int(RSQRT[index]), int(RSQRT[index + 1])
    return ((low << 12) - (low - high) * remainder) >> 12, k


def layernorm(
    x: Int16,
    gamma: Int16,
    beta: Int16,
    *,
    inv_width: int,
    sqrt_width: int,
    epsilon: int,
    beta_shift: int,
    out_shift: int,
) -> tuple[Int16, int]:
    """Return the normalised, scaled and shifted rows and the saturation count.

    Args:
        x: (rows, C).
        gamma: (C,) scale.
        beta: (C,) offset.
        inv_width: round(2^32 / C).
        sqrt_width: round(sqrt(C) · 2^16).
        epsilon: the real epsilon times C · 2^(2·(f_x + 8)).
        beta_shift: left shift that aligns beta with the product.
        out_shift: right shift to the output's fraction length.
    """
    wide = x.astype(np.int64)
    mean = (wide.sum(axis=1, keepdims=True) * inv_width + (1 << 23)) >> 24
    centred = (wide << 8) - mean
    accumulators: Int64 = np.empty_like(wide)
    for row, d in enumerate(centred):
        power = max(1, int(np.dot(d, d)) + epsilon)
        rs, k = _inverse_root(power)
        gain = int(round_half_even(np.int64(rs) * np.int64(sqrt_width), 18))
        normalised = round_half_even(d * gain, k + 2)
        accumulators[row] = normalised * gamma + (beta.astype(np.int64) << beta_shift)
    return requantize(accumulators, out_shift)
