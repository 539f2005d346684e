"""Streams and signals of a design under test, all stepped at the falling edge of its clock.

Ready signals of the RTL come from registers, so at the falling edge both sides of a transfer are
known: what is valid and ready then moves at the next rising edge.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge
from numpy.typing import NDArray


def to_bits(elements: NDArray[np.int16]) -> int:
    """Return int16 elements as one bit vector, the first in the lowest bits."""
    return int.from_bytes(np.ascontiguousarray(elements, dtype="<i2").tobytes(), "little")


def from_bits(value: int, count: int) -> NDArray[np.int16]:
    """Return `count` int16 elements of a bit vector."""
    return np.frombuffer(value.to_bytes(2 * count, "little"), dtype="<i2").astype(np.int16)


class Pins:
    """The signals of one unit: those of `dut` whose names begin with `prefix`."""

    def __init__(self, dut: Any, prefix: str = "") -> None:
        self._dut = dut
        self._prefix = prefix

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dut, self._prefix + name)


class Steps:
    """Runs a clock and steps functions at each of its falling edges."""

    def __init__(self, clock: Any) -> None:
        self.clock = clock
        self.steps: list[Callable[[], None]] = []
        self.cycle = 0

    def start(self) -> None:
        """Start the clock."""
        Clock(self.clock, 2, unit="ns").start(start_high=False)

    async def run(self, cycles: int = 1) -> None:
        """Let `cycles` cycles pass."""
        for _ in range(cycles):
            await FallingEdge(self.clock)
            self.cycle += 1
            for step in self.steps:
                step()

    async def until(self, done: Callable[[], bool], limit: int = 20_000) -> None:
        """Step until `done()`; fail after `limit` cycles."""
        begin = self.cycle
        while not done():
            assert self.cycle - begin < limit, f"nothing more happens after {limit} cycles"
            await self.run()


class Sender:
    """Sends words over a stream; stands still in a share of the cycles."""

    def __init__(
        self, data: Any, valid: Any, ready: Any, rng: random.Random, pause: float = 0.0
    ) -> None:
        self.data, self.valid, self.ready = data, valid, ready
        self.rng, self.pause = rng, pause
        self.words: list[int] = []
        self.sent = 0
        self.offered = False
        valid.value = 0

    def send(self, words: Sequence[int]) -> None:
        """Add words to what is to be sent."""
        self.words += words

    @property
    def empty(self) -> bool:
        """Whether everything was sent."""
        return self.sent == len(self.words)

    def step(self) -> None:
        """Offer the next word; once offered it stays until it is taken."""
        if not self.offered and not self.empty and self.rng.random() >= self.pause:
            self.data.value = self.words[self.sent]
            self.valid.value = 1
            self.offered = True
        if not self.offered:
            self.valid.value = 0
        elif int(self.ready.value):
            self.sent += 1
            self.offered = False


class Receiver:
    """Takes words from a stream; is not ready in a share of the cycles."""

    def __init__(
        self, read: Callable[[], Any], valid: Any, ready: Any, rng: random.Random, pause: float = 0
    ) -> None:
        self.read, self.valid, self.ready = read, valid, ready
        self.rng, self.pause = rng, pause
        self.words: list[Any] = []

    def step(self) -> None:
        """Take a word if there is one."""
        ready = self.rng.random() >= self.pause
        self.ready.value = int(ready)
        if ready and int(self.valid.value):
            self.words.append(self.read())
