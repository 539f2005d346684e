"""The one clock: how long work takes, a GPU's work that it started included.

A ``Stopwatch`` waits for the device before and after. A ``StepClock`` does not make it wait: on a
CPU a mark reads the clock; on CUDA it records an event in the stream, the time between two events
is what the device spent from one to the other, idle time included, and is read once both have
passed. So the parts of a step add up to its time on either.

Needs no torch where no device is timed, so that commands that never load it can time as well.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def synchronise(device: torch.device | None) -> None:
    """Wait until the device has finished, so that a clock read now is right."""
    if device is not None and device.type == "cuda":
        import torch  # late because of its start-up time; a device means that it is loaded

        torch.cuda.synchronize(device)


def rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    """Return times by part as reports give them: to the millisecond."""
    return {part: round(spent, 3) for part, spent in seconds.items()}


class Stopwatch:
    """Times the body of a ``with``.

    Attributes:
        seconds: what it took, once it has ended.
    """

    def __init__(
        self, device: torch.device | None = None, now: Callable[[], float] = time.perf_counter
    ) -> None:
        """Time on ``device`` (``None``: nothing to wait for), by the clock ``now``."""
        self.seconds = 0.0
        self._device = device
        self._now = now

    def __enter__(self) -> Stopwatch:
        synchronise(self._device)
        self._started = self._now()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            synchronise(self._device)
            self.seconds = self._now() - self._started


def timed(
    work: Callable[[], object],
    device: torch.device | None = None,
    now: Callable[[], float] = time.perf_counter,
) -> float:
    """Return the seconds that ``work`` takes; arguments as for ``Stopwatch``."""
    with Stopwatch(device, now) as watch:
        work()
    return watch.seconds


class PartClock:
    """Times the parts of a run: loading, training, evaluation, checkpoints ...

    Attributes:
        seconds: by part, of those that ended without an error.
    """

    def __init__(
        self, seconds: dict[str, float] | None = None, device: torch.device | None = None
    ) -> None:
        """Add times to ``seconds``, the work of ``device`` included."""
        self.seconds = {} if seconds is None else seconds
        self._device = device

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time of the body, and of the device's work that it started, to ``name``."""
        with Stopwatch(self._device) as watch:
            yield
        self.seconds[name] = self.seconds.get(name, 0.0) + watch.seconds


class StepClock:
    """Splits steps into parts, without making the device wait."""

    def __init__(self, device: torch.device, seconds: dict[str, float]) -> None:
        """Add times to ``seconds``, by part; on CUDA they are complete after ``finish``."""
        self._seconds = seconds
        self._on_cuda = device.type == "cuda"
        self._last = 0.0
        # Events that have been recorded and not read yet, with the part that ends at each.
        self._recorded: deque[tuple[str | None, Any]] = deque()
        self._spare: list[Any] = []

    def start(self) -> None:
        """Begin: what happened before belongs to no part."""
        self._mark(None)

    def mark(self, part: str) -> None:
        """End a part that began at the mark before."""
        self._mark(part)

    def finish(self) -> None:
        """Wait for the device and read what is left."""
        if self._recorded:
            self._recorded[-1][1].synchronize()
            self._read()

    def _mark(self, part: str | None) -> None:
        if self._on_cuda:
            self._record(part)
            return
        now = time.perf_counter()
        if part is not None:
            self._seconds[part] += now - self._last
        self._last = now

    def _record(self, part: str | None) -> None:
        import torch  # late because of its start-up time; a device means that it is loaded

        event = self._spare.pop() if self._spare else torch.cuda.Event(enable_timing=True)
        event.record()
        self._recorded.append((part, event))
        self._read()

    def _read(self) -> None:
        """Read the pairs of events that have passed, without waiting; their events serve again."""
        while len(self._recorded) > 1 and self._recorded[1][1].query():
            _, before = self._recorded.popleft()
            part, after = self._recorded[0]
            if part is not None:
                self._seconds[part] += before.elapsed_time(after) / 1000
            self._spare.append(before)
