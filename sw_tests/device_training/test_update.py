"""The weight update against torch.optim.SGD in float64, and what stochastic rounding promises."""

import numpy as np
import pytest
import torch

from trivit.host.fixed_point import Int16, to_real
from trivit.host.oracle.training import (
    Updated,
    join_planes,
    mix,
    split_planes,
    stochastic_round,
    tensor_key,
    update_sgd,
)
from trivit.host.oracle.training.stochastic import hashes, nearest
from trivit.host.training.shifts import mantissa

F_W, F_G, F_V = 15, 18, 16
MOMENTUM, DECAY, RATE = 0.9, 1e-2, 0.013


def step(
    gradient: Int16, high: Int16, low: Int16 | None, velocity: Int16, key: int, **changes: object
) -> Updated:
    frac = F_W + (0 if low is None else 16)
    decay, decay_frac = mantissa(DECAY, 16)
    rate, rate_frac = mantissa(RATE, 24)
    settings: dict[str, object] = {
        "momentum": round(MOMENTUM * 65536),
        "clip": 65536,
        "gradient_shift": F_G - F_V,
        "decay": decay,
        "decay_shift": decay_frac + frac - F_V - 16,
        "rate": rate,
        "rate_shift": rate_frac + F_V - frac,
        "key": key,
    }
    return update_sgd(gradient, high, low, velocity, **{**settings, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("planes", [True, False])
@pytest.mark.parametrize("stochastic", [True, False])
def test_steps_follow_torch(planes: bool, stochastic: bool) -> None:
    rng = np.random.default_rng(0)
    shape, steps = (16, 24), 20
    master = rng.integers(-(2**29), 2**29, shape)
    high, low = split_planes(master)
    w = torch.from_numpy(to_real(high, F_W) + (low * 2.0 ** -(F_W + 16) if planes else 0))
    weight = torch.nn.Parameter(w.clone())
    optimizer = torch.optim.SGD([weight], lr=RATE, momentum=MOMENTUM, weight_decay=DECAY)
    state = (high, low if planes else None, np.zeros(shape, np.int16))
    for number in range(steps):
        gradient = np.rint(rng.normal(0, 3000, shape)).astype(np.int16)
        weight.grad = torch.from_numpy(to_real(gradient, F_G))
        optimizer.step()
        after = step(gradient, *state, tensor_key(77, number), stochastic=stochastic)
        assert after.saturated == (0, 0)
        state = (after.high, after.low, after.velocity)
    got = to_real(state[0], F_W)
    if state[1] is not None:
        got = got + state[1] * 2.0 ** -(F_W + 16)
    # Every step rounds the momentum (at most one step, which later ones repeat by up to 1/(1 - mu))
    # and the weight (at most one step).
    bound = steps * (RATE * 2.0**-F_V / (1 - MOMENTUM) + 2.0 ** -(F_W + (16 if planes else 0)))
    assert np.abs(got - weight.detach().numpy()).max() <= bound
    moved = np.abs(weight.detach().numpy() - w.numpy()).max()
    assert moved > 20 * bound if planes else moved > 0, "the weights moved far more than the bound"


def test_an_update_below_half_a_step_survives_by_chance_alone() -> None:
    """What rounding to the nearest loses with 16-bit masters, stochastic rounding keeps."""
    count = 20000
    high: Int16 = np.zeros(count, np.int16)
    gradient: Int16 = np.full(count, -160, np.int16)
    settings = {"momentum": 0, "decay": 0}
    kept = step(gradient, high, None, high, tensor_key(1, 2), **settings).high.astype(float)
    lost = step(gradient, high, None, high, 5, stochastic=False, **settings).high
    wanted = RATE * 160 * 2.0**-F_G * 2.0**F_W
    assert 0.05 < wanted < 0.5 and not lost.any()
    deviation = (wanted * (1 - wanted) / count) ** 0.5
    # The momentum is rounded stochastically before: its own deviation is far smaller.
    assert abs(kept.mean() - wanted) < 5 * deviation


def test_masters_are_the_rounded_weight_and_a_remainder() -> None:
    edges = np.array([0, 1, 0x7FFF, 0x8000, -0x8000, -0x8001, 2**30 + 5, -(2**31) + 0x18000])
    high, low = split_planes(edges)
    assert np.array_equal(join_planes(high, low), edges)
    assert np.array_equal(high, np.floor(edges / 65536 + 0.5))


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("planes", [True, False])
def test_a_weight_stops_at_its_narrow_range(sign: int, planes: bool) -> None:
    high: Int16 = np.array([sign * 32767], np.int16)
    low: Int16 | None = np.array([sign * 30000], np.int16) if planes else None
    gradient: Int16 = np.array([-sign * 32767], np.int16)
    after = step(gradient, high, low, 0 * high, 3, rate_shift=0)
    assert after.high[0] == sign * 32767 and after.saturated[0] == 1


def test_half_a_step_of_nearest_rounding_is_half_a_step_at_every_shift() -> None:
    for shift in (1, 5, 31, 32, 33, 40):
        value = np.int64(3) << (shift - 1)  # one and a half
        assert nearest(value, shift) == 2 and nearest(value - (1 << max(shift - 32, 0)), shift) == 1


@pytest.mark.parametrize("shift", [1, 4, 12, 32, 36])
def test_stochastic_rounding_is_right_on_average(shift: int) -> None:
    count = 1 << 16
    for fraction in (0.125, 0.5, 0.9375):
        value = int((7 + fraction) * 2**shift) if shift >= 4 else (7 << shift) + (1 << shift) // 2
        exact = value / 2**shift
        rounded = stochastic_round(np.int64(value), shift, hashes(tensor_key(9, 4), 1, count))
        assert set(np.unique(rounded)) <= {7, 8}
        assert abs(rounded.mean() - exact) < 5 * 0.5 / count**0.5


def test_hashes_of_neighbours_steps_and_parts_are_unrelated() -> None:
    count = 1 << 14
    base = hashes(tensor_key(1000, 3), 0, count)
    others = [
        np.roll(base, 1),
        hashes(tensor_key(1001, 3), 0, count),
        hashes(tensor_key(1000, 4), 0, count),
        hashes(tensor_key(1000, 3), 1, count),
    ]
    for bit in (0, 7, 15, 31):
        ones = (base >> bit) & 1
        assert abs(ones.mean() - 0.5) < 5 * 0.5 / count**0.5
        for other in others:
            same = (ones == ((other >> bit) & 1)).mean()
            assert abs(same - 0.5) < 5 * 0.5 / count**0.5
    assert len(np.unique(mix(np.arange(1 << 16)))) == 1 << 16, "mix is a bijection"
