"""AdamW (docs/on-device-training.md, AdamW)."""

from dataclasses import dataclass

import numpy as np

from trivit.host.fixed_point import INT16_MAX, INT16_MIN, Int16, Int64, round_half_even
from trivit.host.oracle.normalise import inverse_root
from trivit.host.oracle.training.normalise import shifted_within
from trivit.host.oracle.training.stochastic import hashes, nearest, stochastic_round, tensor_key
from trivit.host.oracle.training.update import (
    clamp,
    join_master,
    join_planes,
    split_master,
    split_planes,
)

#: Fraction bits of the direction, mean over root of the mean square; its bound: +-128.
DIRECTION_FRAC = 20
_DIRECTION_LIMIT = 1 << (DIRECTION_FRAC + 7)
#: Fraction bits of 1 - beta2.
ALPHA_FRAC = 24
SECOND_LIMIT = (1 << 31) - (1 << 15) - 1
_ADDED_LIMIT, _EPSILON_LIMIT = 1 << 60, 1 << 40
#: The hashes of the second moment are those of a tensor with a number this much higher.
SECOND_NUMBER = 1 << 16


@dataclass(frozen=True, kw_only=True)
class AdamUpdated:
    """Planes of a parameter and its moments after a step, each of the parameter's shape.

    ``low`` is None with 16-bit masters. ``saturated``: clamped values of weight, first and second
    moment.
    """

    high: Int16
    low: Int16 | None
    velocity: Int16
    second: Int16
    second_low: Int16
    saturated: tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class AdamStep:
    """What a step brings: ``bias`` is sqrt(1 - beta2^t)/(1 - beta1^t), ``second`` 1 - beta2^t.

    Both are integers of up to 16 bits times 2^-exponent; ``rate`` one of up to 24 bits.
    """

    rate: int
    rate_exponent: int
    key: int
    clip: int
    bias: int
    bias_exponent: int
    second: int
    second_exponent: int


def update_adamw(
    gradient: Int16,
    planes: tuple[Int16, Int16 | None],
    velocity: Int16,
    moments: tuple[Int16, Int16],
    step: AdamStep,
    *,
    number: int,
    beta1: int,
    mean_shift: int,
    alpha2: int,
    square_shift: int,
    epsilon: int,
    epsilon_shift: int,
    direction_shift: int,
    decay: int,
    decay_shift: int,
    rate_shift: int,
    stochastic: bool = True,
) -> AdamUpdated:
    """Return a parameter after a step of AdamW (torch.optim.AdamW).

    Args:
        gradient: of the parameter, any shape.
        planes: high and low of the 32-bit master; None for low: the master is high alone.
        velocity: first moment of the steps before.
        moments: high and low of the 32-bit second moment, 0 or more.
        step: what all parameters share.
        number: of the tensor.
        beta1: times 2^16.
        mean_shift: f_g - f_m.
        alpha2: (1 - beta2) times 2^24.
        square_shift: 2·(f_g - f_s).
        epsilon: the square of epsilon, an integer of up to 16 bits.
        epsilon_shift: right shift of epsilon to 2·f_s; the step's exponent is added.
        direction_shift: f_m - f_s + 4; the step's exponent is added.
        decay: weight decay as an integer of up to 16 bits, 0 for none.
        decay_shift: right shift of master·decay to 20 fraction bits.
        rate_shift: 20 minus the master's fraction length; the step's exponent is added.
        stochastic: round stochastically; otherwise to the nearest.
    """
    shape, key = gradient.shape, tensor_key(step.key, number)
    second_key = tensor_key(step.key, number + SECOND_NUMBER)

    def rounded(values: Int64, shift: int, key: int, part: int) -> Int64:
        if stochastic:
            return stochastic_round(values, shift, hashes(key, part, values.size))
        return nearest(values, shift)

    g = round_half_even(gradient.astype(np.int64).ravel() * step.clip, 16)
    total = velocity.astype(np.int64).ravel() * beta1
    total = total + round_half_even(g * (65536 - beta1), mean_shift)
    m, moved = clamp(rounded(total, 16, key, 0), INT16_MIN, INT16_MAX)

    added = [shifted_within(int(x), square_shift, _ADDED_LIMIT) for x in g * g * alpha2]
    total = join_planes(*moments).ravel() * ((1 << ALPHA_FRAC) - alpha2) + np.array(added, np.int64)
    v, grown = clamp(rounded(total, ALPHA_FRAC, second_key, 0), 0, SECOND_LIMIT)

    floor = shifted_within(
        epsilon * step.second, epsilon_shift + step.second_exponent, _EPSILON_LIMIT
    )
    direction = np.empty_like(m)
    for index, (mean, square) in enumerate(zip(m.tolist(), v.tolist(), strict=True)):
        root, halvings = inverse_root(square + max(floor, 1))
        shift = direction_shift + halvings + step.bias_exponent
        direction[index] = shifted_within(mean * root * step.bias, shift, _DIRECTION_LIMIT)

    master = join_master(*planes).ravel()
    if decay:
        direction = direction + round_half_even(master * decay, decay_shift)
    moves = rounded(direction * step.rate, rate_shift + step.rate_exponent, key, 1)
    high, low, clamped = split_master((master - moves).reshape(shape), planes[1] is not None)
    second, second_low = split_planes(v.reshape(shape))
    return AdamUpdated(
        high=high,
        low=low,
        velocity=m.astype(np.int16).reshape(shape),
        second=second,
        second_low=second_low,
        saturated=(clamped, moved, grown),
    )
