"""Backward's products on the whole accelerator: weights by columns, operands from the banks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from accelerator.backward import NO_IMAGE, WORD, Backward, linear_backward
from networks import random_network

from trivit.host.log import saturated_values
from trivit.host.oracle.commands import interpret
from trivit.tools.simulation.simulator_build import Engine, build_simulator
from trivit.tools.simulation.simulator_run import SimulationSettings, simulate

#: Tokens, outputs, inputs: tails of tiles, groups and words; fewer groups than ports; DeiT's rows.
SIZES = [(5, 32, 32), (13, 200, 76), (69, 20, 13), (197, 64, 96)]


@pytest.fixture(scope="session", params=[Engine.rtl, Engine.hls], ids=["rtl", "hls"])
def either(request: pytest.FixtureRequest) -> Path:
    return build_simulator(engine=request.param)


def case(size: tuple[int, int, int]) -> Backward:
    return linear_backward(np.random.default_rng(sum(size)), *size)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_interpreted(size: tuple[int, int, int]) -> None:
    wanted = case(size)
    bundle = replace(random_network(0), params=wanted.params)
    outcome = interpret(wanted.schedule, bundle, np.zeros(WORD, np.int16))
    assert np.array_equal(outcome.output, wanted.expected)
    assert outcome.saturations.tolist() == wanted.saturated
    assert all(wanted.saturated)


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize(
    "settings", [SimulationSettings(), SimulationSettings(pauses=100, seed=2)], ids=["", "pauses"]
)
def test_simulated(size: tuple[int, int, int], settings: SimulationSettings, either: Path) -> None:
    wanted = case(size)
    images = np.zeros((1, NO_IMAGE.region_words * WORD), np.int16)
    run = simulate(either, wanted.program, images, settings)
    assert np.array_equal(run.outputs[0], wanted.expected)
    assert saturated_values(run.logs[0], 2).tolist() == wanted.saturated
