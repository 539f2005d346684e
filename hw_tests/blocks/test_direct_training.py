"""The direct forms that the benches of training's blocks expect, against the numpy oracle."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from trivit.host.fixed_point import Int16
from trivit.host.oracle.training.adamw import SECOND_NUMBER, AdamStep, update_adamw
from trivit.host.oracle.training.loss import cross_entropy
from trivit.host.oracle.training.normalise import shifted_within
from trivit.host.oracle.training.stochastic import tensor_key
from trivit.host.oracle.training.update import update_sgd

HERE = Path(__file__).resolve().parent
INCLUDE = HERE.parents[1] / "hls" / "include"


@pytest.fixture(scope="module")
def direct(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    library = tmp_path_factory.mktemp("direct") / "direct_training.so"
    command = [os.environ.get("CXX", "g++"), "-std=c++14", "-O1", "-shared", "-fPIC"]
    command += [f"-I{INCLUDE}", str(HERE / "direct_training.cpp"), "-o", str(library)]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(library))


def address(array: NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def values(generator: np.random.Generator, count: int, low: int = -32768) -> Int16:
    """Return int16 of a random size, the ends of the range among them."""
    bound = 2 ** int(generator.integers(1, 16))
    drawn = generator.integers(max(low, -bound), bound, count).astype(np.int16)
    drawn[generator.random(count) < 0.02] = low
    drawn[generator.random(count) < 0.02] = 32767
    return drawn


@pytest.mark.parametrize("seed", range(40))
def test_sgd(seed: int, direct: ctypes.CDLL) -> None:
    generator = np.random.default_rng(seed)
    count, masters, stochastic = 400, seed % 2 == 0, seed % 4 < 3
    high, low = values(generator, count, -32767), values(generator, count)
    velocity, gradient = values(generator, count), values(generator, count)
    numbers = {
        "momentum": int(generator.integers(0, 65536)),
        "clip": int(generator.integers(0, 65537)),
        "rate": int(generator.integers(2**23, 2**24)),
        "decay": int(generator.integers(2**15, 2**16)) if seed % 3 else 0,
        "decay_shift": int(generator.integers(-8, 63)),
        "gradient_shift": int(generator.integers(-24, 61)),
        "rate_shift": int(generator.integers(0, 128)),
        "key": int(generator.integers(2**32)),
    }
    expected = update_sgd(
        gradient, high, low if masters else None, velocity, stochastic=stochastic, **numbers
    )
    got = [high.copy(), low.copy(), velocity.copy()]
    figures = np.zeros(5, np.int64)
    fields = np.array([masters, *numbers.values(), stochastic], np.int64)
    direct.update_sgd(
        ctypes.c_int64(count), *map(address, [*got, gradient]), address(fields), address(figures)
    )
    assert np.array_equal(got[0], expected.high)
    assert expected.low is None or np.array_equal(got[1], expected.low)
    assert np.array_equal(got[2], expected.velocity)
    wide = gradient.astype(np.int64)
    assert figures.tolist() == [
        expected.saturated[1],
        int(np.abs(expected.velocity.astype(int)).max()),
        expected.saturated[0],
        int(np.abs(expected.high.astype(int)).max()),
        int(wide @ wide),
    ]


@pytest.mark.parametrize("seed", range(30))
def test_adamw(seed: int, direct: ctypes.CDLL) -> None:
    generator = np.random.default_rng(seed)
    count, number, stochastic = 100, seed, seed % 4 < 3
    second = values(generator, count, 0)
    planes = np.stack(
        [
            *(values(generator, count, -32767), values(generator, count)),
            *(values(generator, count), second & 32766, values(generator, count)),
            values(generator, count),
        ]
    )
    planes[4] = np.where(planes[3] == 0, np.abs(planes[4] // 2), planes[4])
    step = AdamStep(
        rate=int(generator.integers(2**23, 2**24)),
        rate_exponent=int(generator.integers(23, 40)),
        key=int(generator.integers(2**32)),
        clip=int(generator.integers(0, 65537)),
        bias=int(generator.integers(2**15, 2**16)),
        bias_exponent=int(generator.integers(12, 18)),
        second=int(generator.integers(2**15, 2**16)),
        second_exponent=int(generator.integers(15, 26)),
    )
    numbers = {
        "beta1": int(generator.integers(0, 65536)),
        "alpha2": int(generator.integers(1, 2**23 if seed % 3 else 2**16)),
        "mean_shift": int(generator.integers(-24, 61)),
        "square_shift": 2 * int(generator.integers(-46, 47)),
        "direction_shift": int(generator.integers(-42, 51)),
        "decay": int(generator.integers(2**15, 2**16)) if seed % 2 else 0,
        "decay_shift": int(generator.integers(12, 63)),
        "rate_shift": int(generator.integers(-20, 12)),
    }
    epsilon, epsilon_shift = int(generator.integers(2**15, 2**16)), int(generator.integers(0, 60))
    expected = update_adamw(
        planes[5],
        (planes[0], planes[1]),
        planes[2],
        (planes[3], planes[4]),
        step,
        number=number,
        epsilon=epsilon,
        epsilon_shift=epsilon_shift,
        stochastic=stochastic,
        **numbers,
    )
    floor = shifted_within(epsilon * step.second, epsilon_shift + step.second_exponent, 1 << 40)
    fields = [1, numbers["beta1"], numbers["alpha2"], step.clip, step.rate, step.bias]
    fields += [numbers["decay"], numbers["decay_shift"], numbers["mean_shift"]]
    fields += [numbers["square_shift"], numbers["direction_shift"] + step.bias_exponent]
    fields += [numbers["rate_shift"] + step.rate_exponent, max(floor, 1)]
    fields += [tensor_key(step.key, number), tensor_key(step.key, number + SECOND_NUMBER)]
    packed, saturated = np.array([*fields, stochastic], np.int64), np.zeros(3, np.int64)
    got = planes.copy()
    direct.update_adamw(ctypes.c_int64(count), *map(address, [got, packed, saturated]))
    assert np.array_equal(got[0], expected.high)
    assert np.array_equal(got[1], expected.low)
    assert np.array_equal(got[2], expected.velocity)
    assert np.array_equal(got[3], expected.second)
    assert np.array_equal(got[4], expected.second_low)
    assert saturated.tolist() == list(expected.saturated)


@pytest.mark.parametrize("seed", range(20))
def test_cross_entropy(seed: int, direct: ctypes.CDLL) -> None:
    generator = np.random.default_rng(seed)
    classes = int(generator.integers(1, 1200))
    logits, target = values(generator, classes), values(generator, classes)
    numbers = {
        "exp_multiplier": int(generator.integers(2**23, 2**24)),
        "exp_shift": int(generator.integers(0, 41)),
        "frac": int(generator.integers(0, 47)),
    }
    expected, saturated = cross_entropy(logits[None], target[None], **numbers)
    got, fields = np.zeros(classes, np.int16), np.array([*numbers.values()], np.int64)
    direct.cross_entropy.restype = ctypes.c_int64
    clamped = direct.cross_entropy(
        ctypes.c_int64(classes), *map(address, [logits, target, fields, got])
    )
    assert np.array_equal(got, expected[0])
    assert clamped == saturated
