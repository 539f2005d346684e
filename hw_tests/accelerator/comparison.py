"""Programs in simulation beside the oracle of instructions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from networks import Compared, compared, region

from trivit.host.bundle import Bundle
from trivit.tools.simulation.simulator_run import (
    Simulated,
    SimulatedProgram,
    SimulationSettings,
    simulate,
)


class WithoutRefresh(SimulationSettings):
    """The memory's refreshes begin when a simulator does, so jobs meet them at other moments."""

    def arguments(self) -> list[str]:
        """Return the simulator's arguments."""
        return [*super().arguments(), "--refresh", "0"]


def run_bundle(
    simulator: Path, bundle: Bundle, settings: SimulationSettings, **options: int
) -> tuple[Compared, Simulated]:
    """Simulate a bundle's first program with a random image, and run the oracle.

    ``options`` are those of the schedule.
    """
    expected = compared(bundle, **options)
    made = expected.schedule
    program = SimulatedProgram(
        commands=made.commands,
        params=np.concatenate([bundle.params, made.extra_params]),
        reports=made.reports,
        output_words=made.output_words,
        watched=made.watched,
    )
    images = made.image.arrange(region(bundle)[None])
    return expected, simulate(simulator, program, images, settings)


def assert_tensors(expected: Compared, simulated: Simulated) -> None:
    """Hold the output and every watched tensor against the oracle of instructions."""
    for watched, value in zip(expected.schedule.watched, simulated.tensors[0], strict=True):
        rows = expected.tensors[watched.name][watched.first_row :][: watched.rows]
        assert np.array_equal(value[:, : watched.columns], rows), watched.name
    assert np.array_equal(simulated.outputs[0][: len(expected.output)], expected.output)
