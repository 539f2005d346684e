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
from trivit.host.oracle.training.loss import cross_entropy
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
