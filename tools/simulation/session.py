"""Jobs one by one in the simulation: each is a run of the simulator."""

import time
from collections.abc import Callable

import numpy as np

from trivit.host.backends.session import CycleSource, JobOutcome, Session, check_region
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import TILE_DEPTH
from trivit.tools.simulation.simulator_run import Simulated


class SimulationSession(Session):
    """A session without a device: ``wait`` runs the simulator on the image that ``start`` took.

    Nothing overlaps, and ``wall_seconds`` is the simulator's own time. A time-out ends its process.
    """

    slots = 2

    def __init__(
        self,
        run: Callable[[Int16, float | None], Simulated],
        region_words: int,
        clock_mhz: float,
        source: CycleSource,
    ) -> None:
        """Hold ``run``, which simulates one image (region_words·8,) within some seconds."""
        self._run = run
        self._words = region_words
        self._images = [np.zeros(region_words * TILE_DEPTH, dtype=np.int16)] * self.slots
        self._job: tuple[Int16, float] | None = None
        self.clock_mhz = clock_mhz
        self.source = source

    def put(self, slot: int, region: Int16) -> None:
        """Keep a copy of an image, (region_words·8,) int16."""
        self.check_slot(slot)
        check_region(region, self._words)
        self._images[slot] = region.copy()

    def start(self, slot: int) -> None:
        """Take the image of a slot for the next ``wait``."""
        self.check_slot(slot)
        if self._job is not None:
            raise HostError("a job is still running: wait for it before the next start")
        self._job = (self._images[slot], time.perf_counter())

    def wait(self, timeout_s: float | None = None) -> JobOutcome:
        """Run the simulator and return what it leaves."""
        if self._job is None:
            raise HostError("no job is running: start one before waiting")
        (image, begin), self._job = self._job, None
        simulated = self._run(image, timeout_s)
        return JobOutcome(
            output=simulated.outputs[0],
            log=simulated.logs[0],
            cycles=int(simulated.cycles[0]),
            wall_seconds=time.perf_counter() - begin,
        )

    def close(self) -> None:
        """Forget the job that was not waited for."""
        self._job = None
