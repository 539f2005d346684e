"""Where the wall-clock time of training goes, without making the device wait.

On a CPU a mark reads the clock. On CUDA it records an event in the stream: the time between two
events is what the device spent from one to the other, idle time included, and is read once both
have passed. So the parts of a step add up to its time on either.
"""

import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from trivit.models.training.device import synchronise

STEP_PARTS = ("data", "forward", "backward", "optimizer", "bookkeeping")


class StepClock:
    """Splits training steps into ``STEP_PARTS``."""

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
            event = self._spare.pop() if self._spare else torch.cuda.Event(enable_timing=True)
            event.record()
            self._recorded.append((part, event))
            self._read()
            return
        now = time.perf_counter()
        if part is not None:
            self._seconds[part] += now - self._last
        self._last = now

    def _read(self) -> None:
        """Read the pairs of events that have passed, without waiting; their events serve again."""
        while len(self._recorded) > 1 and self._recorded[1][1].query():
            _, before = self._recorded.popleft()
            part, after = self._recorded[0]
            if part is not None:
                self._seconds[part] += before.elapsed_time(after) / 1000
            self._spare.append(before)


class RunClock:
    """Times the parts of a run: loading, training, evaluation, checkpoints ..."""

    def __init__(self, device: torch.device, seconds: dict[str, float]) -> None:
        """Add times to ``seconds``, by part."""
        self._seconds = seconds
        self._device = device

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Add the time of the body, and of the device's work that it started, to ``name``."""
        started = time.perf_counter()
        yield
        synchronise(self._device)
        spent = time.perf_counter() - started
        self._seconds[name] = self._seconds.get(name, 0.0) + spent
