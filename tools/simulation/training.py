"""Training steps clock by clock: the accelerator with the blocks of training, a job a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated.commands import COMMANDS
from trivit.host.log import saturated_values
from trivit.host.oracle.commands import Outcome
from trivit.host.oracle.commands.units import Report
from trivit.host.schedule import Schedule
from trivit.tools.simulation.simulator_build import build_simulator
from trivit.tools.simulation.simulator_run import (
    Simulated,
    SimulatedProgram,
    SimulationSettings,
    simulate,
)

_UNITS = {spec.number: unit for unit, spec in COMMANDS.items()}


@dataclass
class SimulatedTraining:
    """A device of ``AcceleratorTraining`` that runs each job in the simulation.

    ``last`` is what the latest job left: its log and its cycles, which are the accelerator's own
    count (simulated). ``progress`` is told the simulator's lines.
    """

    settings: SimulationSettings = field(default_factory=SimulationSettings)
    progress: Callable[[str], None] | None = None
    last: Simulated | None = None

    def __call__(self, schedule: Schedule, params: Int16, inputs: Int16) -> Outcome:
        """Run the commands of ``schedule`` over what lies in DDR.

        Args:
            schedule: its commands run; its image layout and extra parameters are not looked at.
            params: (words·8,) int16, all planes and constants.
            inputs: (words·8,) int16, image and target.

        Raises:
            HostError: the simulator cannot be built, or the accelerator refused a command or stood
                still.
        """
        simulator = build_simulator(waves=self.settings.wave is not None, training=True)
        program = SimulatedProgram(
            commands=schedule.commands,
            params=params,
            reports=schedule.reports,
            output_words=schedule.output_words,
        )
        done = simulate(simulator, program, inputs[None], self.settings, self.progress)
        self.last = done
        log = done.logs[0]
        if log["failed"].any():
            tag = int(log["tag"][log["failed"]][0])
            raise HostError(f"the accelerator refused a command of op {tag}")
        reports = tuple(
            Report(
                unit=_UNITS[int(line["unit"])],
                tag=int(line["tag"]),
                saturated=int(line["saturated"]),
                largest=int(line["largest"]),
                squares=int(line["squares"]),
            )
            for line in log
        )
        return Outcome(
            output=done.outputs[0],
            params=done.params,
            tensors={},
            saturations=saturated_values(log, schedule.tags),
            reports=reports,
        )
