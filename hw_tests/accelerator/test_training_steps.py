"""Training steps on the whole accelerator, clock by clock, against the oracle's integers."""

from __future__ import annotations

from typing import Any

import pytest
from accelerator_steps import DEIT_T_BLOCK, PRUNED_TINY, TINY, steps
from training_models import MICRO, PRUNED, training_model

from trivit.host.training.emulator import EmulatorTraining
from trivit.tools.simulation.simulator_run import SimulationSettings
from trivit.tools.simulation.training import SimulatedTraining

CASES = {
    "dense": (TINY, SimulationSettings()),
    "tokens pruned, pauses": (PRUNED_TINY, SimulationSettings(pauses=60, seed=3)),
}
SMALL = {
    "dense": MICRO,
    "0.7": {**MICRO, **PRUNED, "selector_blocks": (1, 3)},
}


@pytest.mark.parametrize(("sizes", "settings"), CASES.values(), ids=CASES)
def test_simulated_steps_are_the_oracles(
    sizes: dict[str, Any], settings: SimulationSettings
) -> None:
    steps(training_model(**sizes), 2, SimulatedTraining(settings), weight_decay=0.01)


@pytest.mark.full
@pytest.mark.parametrize("sizes", SMALL.values(), ids=SMALL)
def test_two_steps_of_the_small_model(sizes: dict[str, Any]) -> None:
    device = SimulatedTraining(SimulationSettings())
    steps(training_model(**sizes), 2, device, EmulatorTraining(), weight_decay=0.01)


@pytest.mark.full
def test_a_step_of_a_block_of_deit_t() -> None:
    device = SimulatedTraining(SimulationSettings())
    steps(training_model(**DEIT_T_BLOCK), 1, device, EmulatorTraining(), weight_decay=0.01)
