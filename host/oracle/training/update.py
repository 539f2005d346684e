"""The weight update (docs/on-device-training.md, Update)."""

from dataclasses import dataclass

import numpy as np

from trivit.host.fixed_point import INT16_MAX, INT16_MIN, Int16, Int64, round_half_even
from trivit.host.oracle.training.stochastic import hashes, nearest, stochastic_round

_PLANE = 1 << 16
_HALF = 1 << 15
#: A 32-bit master lies in -limit .. limit - 1.
MASTER_LIMIT = INT16_MAX * _PLANE + _HALF


@dataclass(frozen=True, kw_only=True)
class Updated:
    """A parameter's planes and momentum after a step, each of its shape.

    ``low`` is None with 16-bit masters. ``saturated``: clamped values of weight and momentum.
    """

    high: Int16
    low: Int16 | None
    velocity: Int16
    saturated: tuple[int, int]


def join_planes(high: Int16, low: Int16) -> Int64:
    """Return the 32-bit masters of two planes."""
    return high.astype(np.int64) * _PLANE + low


def split_planes(master: Int64) -> tuple[Int16, Int16]:
    """Return (high, low): the master rounded half up to its upper 16 bits, and the remainder."""
    high = (master + _HALF) >> 16
    return high.astype(np.int16), (master - high * _PLANE).astype(np.int16)


def clamp(values: Int64, low: int, high: int) -> tuple[Int64, int]:
    """Return ``values`` within ``low``..``high`` and how many were outside."""
    clamped = np.clip(values, low, high)
    return clamped, int(np.count_nonzero(clamped != values))


def join_master(high: Int16, low: Int16 | None) -> Int64:
    """Return the masters of two planes, or of ``high`` alone."""
    return high.astype(np.int64) if low is None else join_planes(high, low)


def split_master(master: Int64, planes: bool) -> tuple[Int16, Int16 | None, int]:
    """Return high, low (None without ``planes``) of masters within their range, and the clamps."""
    if planes:
        kept, clamped = clamp(master, -MASTER_LIMIT, MASTER_LIMIT - 1)
        return (*split_planes(kept), clamped)
    kept, clamped = clamp(master, -INT16_MAX, INT16_MAX)
    return kept.astype(np.int16), None, clamped


def update_sgd(
    gradient: Int16,
    high: Int16,
    low: Int16 | None,
    velocity: Int16,
    *,
    momentum: int,
    clip: int,
    gradient_shift: int,
    decay: int,
    decay_shift: int,
    rate: int,
    rate_shift: int,
    key: int,
    stochastic: bool = True,
) -> Updated:
    """Return a parameter after a step of SGD with momentum (torch.optim.SGD).

    Args:
        gradient: of the parameter, any shape.
        high: the rounded parameter, which forward reads.
        low: the signed remainder of a 32-bit master; None: the master is ``high`` alone.
        velocity: momentum of the steps before.
        momentum: the factor, times 2^16.
        clip: factor on the gradient, times 2^16.
        gradient_shift: right shift of gradient·clip: f_g - f_v.
        decay: weight decay as an integer of up to 16 bits, 0 for none.
        decay_shift: right shift of master·decay to f_v + 16.
        rate: learning rate as an integer of up to 24 bits.
        rate_shift: right shift of velocity·rate to the master's fraction length.
        key: of this tensor in this step.
        stochastic: round stochastically; otherwise to the nearest.
    """
    shape = gradient.shape
    master = join_master(high, low).ravel()
    g, v = gradient.astype(np.int64).ravel(), velocity.astype(np.int64).ravel()
    total = v * momentum + round_half_even(g * clip, gradient_shift)
    if decay:
        total = total + round_half_even(master * decay, decay_shift)

    def rounded(values: Int64, shift: int, part: int) -> Int64:
        if stochastic:
            return stochastic_round(values, shift, hashes(key, part, values.size))
        return nearest(values, shift)

    v, moved = clamp(rounded(total, 16, 0), INT16_MIN, INT16_MAX)
    updated = (master - rounded(v * rate, rate_shift, 1)).reshape(shape)
    new_high, new_low, clamped = split_master(updated, low is not None)
    return Updated(
        high=new_high,
        low=new_low,
        velocity=v.astype(np.int16).reshape(shape),
        saturated=(clamped, moved),
    )
