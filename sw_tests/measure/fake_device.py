"""A device for tests: the oracle's outputs after a while, and a record of what was asked."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from networks import random_network
from numpy.typing import NDArray

from trivit.host.backends.base import Backend, BatchOutput
from trivit.host.backends.reference import ReferenceBackend
from trivit.host.backends.session import CycleSource, JobOutcome, Session
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.images import preprocess
from trivit.host.log import LOG
from trivit.tools.schedule import with_commands


def two_programs() -> Bundle:
    """Return a small bundle of two programs, which differ in name and ratio alone."""
    bundle = with_commands(random_network(3))
    dense = replace(bundle.first, name="dense")
    sparse = replace(bundle.first, name="sparse", token_keep_ratio=0.7)
    return replace(bundle, programs=(dense, sparse), info={"model": "deit_tiny"})


def noise(bundle: Bundle, count: int) -> NDArray[np.uint8]:
    """Return images (count, channels, height, width)."""
    shape = bundle.preprocessing
    size = (count, shape.channels, shape.height, shape.width)
    return np.random.default_rng(1).integers(0, 256, size, dtype=np.uint8)


@dataclass
class Record:
    """What sessions of a device were asked, in order; ``closed`` counts their ends.

    ``taken`` and ``given_back`` count for the device itself.
    """

    events: list[tuple[str, int]] = field(default_factory=list)
    opened: int = 0
    closed: int = 0
    taken: int = 0
    given_back: int = 0

    def jobs(self) -> int:
        """Return how many jobs were started."""
        return sum(what == "start" for what, _ in self.events)


class FakeSession(Session):
    """Runs each job in a thread, for ``job_seconds`` and until ``hold(job)`` returns.

    Raises HostError where a job starts while one runs, or a slot is written before its job was
    waited for. ``damage(job, output)`` may change what comes out.
    """

    def __init__(self, bundle: Bundle, device: FakeBackend) -> None:
        self.slots = device.slots
        self.clock_mhz = device.clock_mhz
        self.source = device.reported
        self._bundle = bundle
        self._device = device
        self._layout = bundle.first.commands().image
        self._regions: dict[int, Int16] = {}
        self._running: tuple[int, threading.Thread] | None = None
        self._begin = 0.0
        self._jobs = 0
        device.record.opened += 1

    def put(self, slot: int, region: Int16) -> None:
        self.check_slot(slot)
        if self._running is not None and self._running[0] == slot:
            raise HostError(f"slot {slot} is written while its job was not waited for")
        self._regions[slot] = region.copy()
        self._device.record.events.append(("put", slot))

    def start(self, slot: int) -> None:
        if self._running is not None:
            raise HostError("a job is still running")
        self._device.record.events.append(("start", slot))
        thread = threading.Thread(target=self._work, args=(self._jobs,))
        self._running = slot, thread
        self._begin = time.perf_counter()
        thread.start()

    def wait(self, timeout_s: float | None = None) -> JobOutcome:
        assert self._running is not None
        slot, thread = self._running
        thread.join(timeout_s)
        if thread.is_alive():
            self._running = None
            raise HostError(f"the job did not end within {timeout_s:g} s")
        wall = time.perf_counter() - self._begin
        self._running = None
        self._device.record.events.append(("wait", slot))
        job, self._jobs = self._jobs, self._jobs + 1
        output = self._device.output(self._bundle, self._regions[slot])
        if self._device.damage is not None:
            output = self._device.damage(job, output)
        cycles = self._device.cycles(job)
        log = np.zeros(0, dtype=LOG)
        return JobOutcome(output=output, log=log, cycles=cycles, wall_seconds=wall)

    def close(self) -> None:
        self._device.record.closed += 1

    def _work(self, job: int) -> None:
        time.sleep(self._device.job_seconds)
        if self._device.hold is not None:
            self._device.hold(job)


class FakeBackend(Backend):
    """Opens fake sessions for images that it is told beforehand."""

    name = "fake"
    clock_mhz = 100.0

    def __init__(
        self,
        bundle: Bundle,
        images: NDArray[np.uint8],
        *,
        slots: int = 2,
        reported: CycleSource = CycleSource.device,
        job_seconds: float = 0.0,
        hold: Callable[[int], None] | None = None,
        damage: Callable[[int, Int16], Int16] | None = None,
        cycles: Callable[[int], int] = lambda job: 2000,
    ) -> None:
        self.slots, self.reported, self.source = slots, reported, reported
        self.job_seconds, self.hold, self.damage, self.cycles = job_seconds, hold, damage, cycles
        self.record = Record()
        self._outputs: dict[bytes, Int16] = {}
        self.learn(bundle, images)

    def learn(self, bundle: Bundle, images: NDArray[np.uint8]) -> None:
        """Compute what images give, (N, channels, height, width)."""
        inputs = preprocess(bundle, images)
        outputs = ReferenceBackend().run_batch(bundle.choose(bundle.first.name), inputs).regions
        regions = bundle.first.commands().image.arrange(inputs)
        for region, output in zip(regions, outputs, strict=True):
            self._outputs[region.tobytes()] = output

    def output(self, bundle: Bundle, region: Int16) -> Int16:
        """Return the oracle's output region of an image's region."""
        return self._outputs[region.tobytes()].copy()

    def open_session(self, bundle: Bundle) -> Session:
        return FakeSession(bundle, self)

    def close(self) -> None:
        self.record.given_back += 1

    def run_batch(self, bundle: Bundle, inputs: Int16) -> BatchOutput:
        raise NotImplementedError
