"""Training steps on the whole accelerator, clock by clock, against the oracle's integers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from training_models import DENSE, MICRO, PRUNED, training_model

from trivit.host.fixed_point import Int16, Int64
from trivit.host.training.accelerator.backend import AcceleratorTraining
from trivit.host.training.backends import TrainingBackend
from trivit.host.training.descriptors import Resolved, StepConstants
from trivit.host.training.emulator import EmulatorTraining
from trivit.host.training.program import TrainingProgram
from trivit.host.training.session import target_row
from trivit.host.training.state import Check
from trivit.tools.simulation.simulator_run import SimulationSettings
from trivit.tools.simulation.training import SimulatedTraining
from trivit.tools.training.schedule import lower_parts

TINY = {**DENSE, "patch_size": 4, "depth": 1}
CASES = {
    "dense": (TINY, SimulationSettings()),
    "tokens pruned, pauses": ({**PRUNED, "patch_size": 4}, SimulationSettings(pauses=60, seed=3)),
}
SMALL = {
    "dense": MICRO,
    "0.7": {**MICRO, **PRUNED, "image_size": 28, "patch_size": 4, "selector_blocks": (1, 3)},
}


class Narrow(TrainingBackend):
    """The emulator with the room that the accelerator's fields have, so that exponents agree."""

    name = "emulator"

    def __init__(self, accelerator: AcceleratorTraining) -> None:
        self._emulator, self._accelerator = EmulatorTraining(), accelerator

    def checker(self, program: TrainingProgram) -> Check:
        """Refuse what the accelerator refuses."""
        return self._accelerator.checker(program)

    def run(self, memory: Int16, operations: Sequence[Resolved], step: StepConstants) -> Int64:
        """Run on the emulator."""
        return self._emulator.run(memory, operations, step)


def steps(sizes: dict[str, Any], settings: SimulationSettings, count: int) -> None:
    """Take steps in simulation and on the emulator; all that lasts is equal, and the logits."""
    model = training_model(**sizes)
    program = model.derived.program
    accelerator = AcceleratorTraining(program, lower_parts(program), SimulatedTraining(settings))
    target = target_row(1, model.exported.config.num_classes, smoothing=0.1)
    got, wanted = (model.session(Narrow(accelerator), seed=5, weight_decay=0.01) for _ in range(2))
    for session in (got, wanted):
        session.find_exponents(model.image(0), target)
    got.backend = accelerator
    assert np.array_equal(got.logits(model.image(1)), wanted.logits(model.image(1)))
    lasting = [t.name for t in program.tensors if t.role in ("parameter", "low", "momentum")]
    for number in range(count):
        both = [s.step(model.image(number), target, 0.02) for s in (got, wanted)]
        assert both[0].moves == both[1].moves
        assert both[0].gradient_norm == both[1].gradient_norm > 0
        assert both[0].saturated == both[1].saturated
        for name in (*lasting, program.logits):
            pair = [s.state.arena.view(s.state.memory, name) for s in (got, wanted)]
            assert np.array_equal(*pair), (number, name)


@pytest.mark.parametrize(("sizes", "settings"), CASES.values(), ids=CASES)
def test_a_simulated_step_is_the_emulators(
    sizes: dict[str, Any], settings: SimulationSettings
) -> None:
    steps(sizes, settings, 2)


@pytest.mark.full
@pytest.mark.parametrize("sizes", SMALL.values(), ids=SMALL)
def test_two_steps_of_the_small_model(sizes: dict[str, Any]) -> None:
    steps(sizes, SimulationSettings(), 2)
