"""AdamW against torch.optim.AdamW in float64, within the bound of docs/on-device-training.md."""

from typing import Literal

import numpy as np
import pytest
import torch
from training_models import (
    DENSE,
    PRUNED,
    chosen_rows,
    cosine,
    float_gradients,
    real_master,
    training_model,
)

from trivit.host.fixed_point import to_real
from trivit.host.oracle.training import AdamStep, split_planes, update_adamw
from trivit.host.oracle.training.update import join_master
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.exponents import Move
from trivit.host.training.session import target_row
from trivit.host.training.shifts import UpdateSettings, mantissa

F_W, F_G, F_M, F_S = 15, 18, 17, 18
RATE, DECAY, EPSILON = 0.003, 0.05, 1e-8
STEPS = 30


class Device:
    """A parameter of zeros' moments and its steps in integers."""

    def __init__(
        self,
        master: np.ndarray,
        decay: float,
        stochastic: bool,
        epsilon: float,
        bits: Literal[16, 32] = 32,
    ) -> None:
        """Start from masters at F_W + 16 fraction bits; with 16 ``bits``, from their upper half."""
        high, low = split_planes(master)
        self.planes = (high, low if bits == 32 else None)
        self.frac = F_W + bits - 16
        self.velocity = np.zeros(master.shape, np.int16)
        self.moments = split_planes(np.zeros(master.shape, np.int64))
        self.settings = UpdateSettings(epsilon=epsilon)
        self.decay, self.stochastic, self.steps = mantissa(decay, 16), stochastic, 0

    def step(self, gradient: np.ndarray, rate: float = RATE) -> None:
        self.steps += 1
        m, e = mantissa(rate, 24)
        epsilon, epsilon_frac = mantissa(self.settings.epsilon**2, 16)
        got = update_adamw(
            gradient,
            self.planes,
            self.velocity,
            self.moments,
            AdamStep(
                rate=m,
                rate_exponent=e,
                key=1000 + self.steps,
                clip=65536,
                **self.settings.corrections(self.steps),
            ),
            number=3,
            beta1=self.settings.beta1_integer,
            mean_shift=F_G - F_M,
            alpha2=self.settings.alpha2_integer,
            square_shift=2 * (F_G - F_S),
            epsilon=epsilon,
            epsilon_shift=epsilon_frac - 2 * F_S,
            direction_shift=F_M - F_S + 4,
            decay=self.decay[0],
            decay_shift=self.decay[1] + self.frac - 20,
            rate_shift=20 - self.frac,
            stochastic=self.stochastic,
        )
        assert got.saturated == (0, 0, 0)
        self.planes, self.velocity = (got.high, got.low), got.velocity
        self.moments = (got.second, got.second_low)

    @property
    def weight(self) -> np.ndarray:
        return join_master(*self.planes) * 2.0**-self.frac


@pytest.mark.parametrize("bits", [32, 16])
@pytest.mark.parametrize("stochastic", [True, False])
@pytest.mark.parametrize(("decay", "epsilon"), [(DECAY, EPSILON), (0.0, 1e-4)])
def test_steps_follow_torch(
    bits: Literal[16, 32], stochastic: bool, decay: float, epsilon: float
) -> None:
    rng = np.random.default_rng(0)
    shape = (8, 12)
    masters = rng.integers(-(2**29), 2**29, shape)
    device = Device(masters, decay, stochastic, epsilon, bits)
    start = device.weight
    weight = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = torch.optim.AdamW([weight], lr=RATE, weight_decay=decay, eps=epsilon)
    bound = np.zeros(shape)
    for t in range(1, STEPS + 1):
        size = rng.choice([-1, 1], shape) * rng.uniform(800, 9000, shape)
        gradient = np.rint(size + 500).astype(np.int16)
        weight.grad = torch.from_numpy(to_real(gradient, F_G))
        optimizer.step()
        device.step(gradient)
        state = optimizer.state[weight]
        bound += error_of(t, state["exp_avg"].numpy(), state["exp_avg_sq"].numpy(), decay, epsilon)
        bound += 2.0**-device.frac
    wanted = weight.detach().numpy()
    error = np.abs(device.weight - wanted)
    assert (error <= bound).all(), (error / bound).max()
    assert np.abs(wanted - start).mean() > (10 if bits == 32 else 5) * bound.mean(), (
        "they moved far more than the bound"
    )


def error_of(t: int, m: np.ndarray, v: np.ndarray, decay: float, epsilon: float) -> np.ndarray:
    """The bound of a step without its rounding of the weight, with beta 0.9 and 0.999.

    docs/on-device-training.md, AdamW.
    """
    first, square = 1 - 0.9**t, 1 - 0.999**t
    mean, root = np.abs(m) / first, np.sqrt(v / square)
    # Means of rounded values: the sum of the steps before, as the averages forget them.
    mean_error = 2.0**-F_M * first / 0.1 / first + mean * 2.0**-15
    square_error = 2.0 ** (-2 * F_S) * square / 0.001 / square
    ratio = mean / (root + epsilon)
    direction = mean_error / root + ratio * (
        square_error / root**2 + 2.0**-12 + epsilon / (root + epsilon)
    )
    return RATE * (direction + 2.0**-20 + decay * 2.0**-14)


def test_no_gradient_moves_nothing() -> None:
    """Mean and mean square of zero: the root of epsilon alone, and no division by zero."""
    master = np.arange(-5, 5, dtype=np.int64) << 20
    for epsilon in (1e-12, 1e-8, 1.0):
        device = Device(master, 0.0, True, epsilon)
        device.step(np.zeros(10, np.int16))
        assert np.array_equal(join_master(*device.planes), master)


def test_a_constant_gradient_moves_by_the_rate() -> None:
    """What AdamW is known by: the first steps are as long as the rate, whatever the gradient."""
    gradient = np.array([30, -300, 3000, -30000], np.int16)
    device = Device(np.zeros(4, np.int64), 0.0, False, EPSILON)
    for _ in range(5):
        device.step(gradient)
    assert np.allclose(device.weight, -5 * RATE * np.sign(gradient), rtol=[0.2, 0.02, 0.01, 0.01])


def test_a_second_moment_keeps_its_value_when_its_exponent_moves() -> None:
    session = training_model(optimizer="adamw", **DENSE).session(EmulatorTraining())
    session.find_exponents(training_model(**DENSE).image(0), target_row(1, 5))
    session.step(training_model(**DENSE).image(0), target_row(1, 5), 0.001)
    name, state = "blocks.0.mlp.fc1.weight.second", session.state
    frac, before = state.formats[name], state.master(name)
    assert before.max() > 1 << 12 and before.min() >= 0
    assert state.apply([Move(name, -2)]) and state.formats[name] == frac - 2
    assert np.abs(state.master(name) - before / 16).max() <= 0.5


@pytest.mark.parametrize("bits", [32, 16])
def test_steps_of_a_model_follow_torch(bits: int) -> None:
    m = training_model(optimizer="adamw", masters=bits, **PRUNED)
    session, rate = m.session(EmulatorTraining(), weight_decay=0.05), 0.001
    targets = [target_row(number % 5, 5, 0.1) for number in range(4)]
    session.find_exponents(m.image(0), targets[0])
    start = {t.name: real_master(session.state, t.name) for t in session.program.parameters}
    weights = {name: torch.from_numpy(value.copy()) for name, value in start.items()}
    decays = {
        o.operands["high"].tensor: bool(o.attributes["decays"])
        for o in session.program.operations
        if o.phase == "update"
    }
    optimizer = torch.optim.AdamW(
        [{"params": [w], "weight_decay": 0.05 * decays[n]} for n, w in weights.items()], lr=rate
    )
    frac = m.derived.program.by_name["image"].frac
    for step in range(20):
        image, target = m.image(step % 4), targets[step % 4]
        session.step(image, target, rate)
        values = {name: weight.numpy() for name, weight in weights.items()}
        _, gradients = float_gradients(
            m.model, values, image * 2.0**-frac, target * 2.0**-14, chosen_rows(session)
        )
        for name, weight in weights.items():
            weight.grad = torch.from_numpy(gradients[name])
        optimizer.step()
    for name, before in start.items():
        # A key's bias has no gradient, only rounding, which AdamW would make as large as any.
        key = slice(32, 64) if name.endswith("qkv.bias") else slice(0, 0)
        moved, wanted = (
            np.delete(after - before, key, axis=1)
            for after in (real_master(session.state, name), weights[name].numpy())
        )
        assert cosine(moved, wanted) > 0.99, (name, cosine(moved, wanted))
        assert abs(np.linalg.norm(moved) / np.linalg.norm(wanted) - 1) < 0.05, name


@pytest.mark.parametrize("stochastic", [True, False])
def test_moves_below_half_a_step_survive_by_chance_alone(stochastic: bool) -> None:
    """A rate of an eighth of a step: 16-bit masters follow on average, or not at all."""
    count, steps = 4000, 16
    device = Device(np.zeros(count, np.int64), 0.0, stochastic, EPSILON, bits=16)
    for _ in range(steps):
        device.step(np.full(count, -5000, np.int16), rate=2.0 ** -(F_W + 3))
    moved = device.weight * 2.0**F_W
    if not stochastic:
        assert not moved.any()
        return
    wanted = steps / 8
    deviation = (steps * 1 / 8 * 7 / 8 / count) ** 0.5
    assert abs(moved.mean() - wanted) < 5 * deviation + 0.01 * wanted
