"""Who takes the steps of a run, by name: host backends, or the accelerator's commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from trivit.host.fixed_point import Int16, Int64
from trivit.host.training.accelerator.backend import AcceleratorTraining
from trivit.host.training.backends import (
    TRAINING_BACKENDS,
    TrainingBackend,
    open_training_backend,
)
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.descriptors import Resolved, StepConstants
from trivit.tools.errors import ToolsError
from trivit.tools.training.schedule import lower, lower_parts

#: By the accelerator's commands: in numpy, or clock by clock in RTL and blocks.
BY_COMMANDS = ("interpreter", "simulation")
BACKENDS = (*TRAINING_BACKENDS, *BY_COMMANDS)


class SimulatedAccelerator(AcceleratorTraining):
    """Steps in the simulation of the accelerator; ``cycles`` of the latest one, its own count.

    What runs without an update (exponents before the first step, evaluation) runs on the emulator,
    which computes the same integers.
    """

    name = "simulation"

    def __init__(self, bundle: TrainingBundle) -> None:
        """Lower the bundle's program; the simulator is built at the first job.

        Raises:
            ToolsError: the accelerator cannot train it.
        """
        from trivit.tools.simulation.training import SimulatedTraining

        self.device = SimulatedTraining()
        self.cycles: int | None = None
        self._emulator = open_training_backend("emulator")
        super().__init__(bundle.program, [lower(bundle.program)], self.device)

    def run(self, memory: Int16, operations: Sequence[Resolved], step: StepConstants) -> Int64:
        """Execute a step in the simulation, anything else on the emulator."""
        if not any(o.opcode.startswith("update") for o in operations):
            return self._emulator.run(memory, operations, step)
        result = super().run(memory, operations, step)
        assert self.device.last is not None
        self.cycles = int(self.device.last.cycles[0])
        return result


def open_backend(name: str, bundle: TrainingBundle) -> TrainingBackend:
    """Return the backend of this name for a bundle.

    Raises:
        HostError: a backend that cannot start on this machine.
        ToolsError: the accelerator cannot train the bundle.
    """
    if name not in BY_COMMANDS:
        return open_training_backend(name)
    if len(bundle.programs) > 1:
        raise ToolsError(
            f"the backend {name} holds one program and the bundle has {len(bundle.programs)}: "
            "compile it with one --keep, or use the backend emulator"
        )
    if name == "simulation":
        return SimulatedAccelerator(bundle)
    return AcceleratorTraining(bundle.program, lower_parts(bundle.program))


def figures(backend: TrainingBackend) -> dict[str, Any]:
    """Return what a run's summary says of the device."""
    if isinstance(backend, SimulatedAccelerator) and backend.cycles is not None:
        return {"cycles of a step (simulated)": backend.cycles}
    return {}
