"""The whole accelerator, clock by clock: RTL in Verilator, HLS blocks, DDR."""

from collections.abc import Callable

import numpy as np

from trivit.host.backends.base import Backend, BatchOutput
from trivit.host.backends.session import CycleSource, Session
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.log import cycles_of_instructions, saturated_values
from trivit.host.schedule import Schedule
from trivit.tools.simulation.session import SimulationSession
from trivit.tools.simulation.simulator_build import Engine, build_simulator
from trivit.tools.simulation.simulator_run import (
    Simulated,
    SimulatedProgram,
    SimulationSettings,
    simulate,
)


class SimulationBackend(Backend):
    """Run bundles in the simulation; cycles are the accelerator's own count (simulated).

    ``last`` is what the latest batch left: logs, watched tensors and cycles of each image.
    """

    name = "simulation"

    def __init__(
        self,
        settings: SimulationSettings | None = None,
        progress: Callable[[str], None] | None = None,
        engine: Engine = Engine.rtl,
    ) -> None:
        """Build the simulator, unless the cache holds it; ``progress`` is told lines.

        With ``Engine.hls`` the whole accelerator is C++, and its cycles are modelled.

        Raises:
            HostError: it cannot be built on this machine.
        """
        self.settings = settings or SimulationSettings()
        self._progress = progress
        modelled = engine is Engine.hls
        self.form = "engine in HLS C++" if modelled else None
        self.source = CycleSource.modelled if modelled else CycleSource.simulated
        self._simulator = build_simulator(waves=self.settings.wave is not None, engine=engine)
        self.last: Simulated | None = None

    def run_batch(self, bundle: Bundle, inputs: Int16) -> BatchOutput:
        """Run the input regions one after the other.

        Raises:
            HostError: the program has no commands, or the accelerator refused one or stood still.
        """
        schedule = bundle.first.commands()
        self.last = self.run_schedule(schedule, bundle.params, schedule.image.arrange(inputs))
        saturations = np.zeros(schedule.tags, dtype=np.uint64)
        cycles = np.zeros(schedule.tags, dtype=np.uint64)
        for log in self.last.logs:
            saturations += saturated_values(log, schedule.tags)
            cycles += cycles_of_instructions(log, schedule.tags)
        return BatchOutput(regions=self.last.outputs, saturations=saturations, cycles=cycles)

    def open_session(self, bundle: Bundle) -> Session:
        """Return a session whose jobs are runs of the simulator, one image each.

        Raises:
            HostError: the program has no commands.
        """
        assert self.source is not None
        schedule = bundle.first.commands()

        def run(region: Int16, timeout_s: float | None) -> Simulated:
            return self.run_schedule(schedule, bundle.params, region[None], timeout_s)

        return SimulationSession(run, schedule.image.region_words, self.settings.clock, self.source)

    def run_schedule(
        self,
        schedule: Schedule,
        params: Int16,
        images: Int16,
        timeout_s: float | None = None,
    ) -> Simulated:
        """Run a schedule over images as its layout has them, (B, region_words·8) int16.

        Raises:
            HostError: the accelerator refused a command or stood still, or the simulator ran for
                more than ``timeout_s`` seconds.
        """
        program = SimulatedProgram(
            commands=schedule.commands,
            params=np.concatenate([params, schedule.extra_params]),
            reports=schedule.reports,
            output_words=schedule.output_words,
            watched=schedule.watched,
        )
        simulated = simulate(
            self._simulator, program, images, self.settings, self._progress, timeout_s
        )
        for log in simulated.logs:
            if log["failed"].any():
                tag = int(log["tag"][log["failed"]][0])
                raise HostError(f"the accelerator refused a command of instruction {tag}")
        return simulated
