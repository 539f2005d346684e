"""Who has done what before whom: vector clocks, and the error of an order that does not hold.

Units run at speeds that nobody knows. Something is in order only if a chain of streams, counts and
the engine's own order leads from the one to the other; clocks carry these chains.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError

Clock: TypeAlias = NDArray[np.int32]

#: Everything that works by itself. The engine reads when a product begins and writes later.
THREADS = (
    "engine",
    "write_back",
    "placer",
    "gelu",
    "softmax",
    "normalise",
    "select",
    "connections",
    "gelu_backward",
    "softmax_backward",
    "cross_entropy",
    "normalise_backward",
    "update",
    "row_writer",
    "softmax_writer",
    "norm_writer",
    "row_reader",
    "load",
    "store",
    "mover",  # the stores' side of the ports
)


class OrderError(HostError):
    """A schedule that could compute something else on the units, or that they refuse."""

    def __init__(self, unit: str, tag: int, problem: str) -> None:
        super().__init__(
            f"{unit}, instruction {tag}: {problem}; the schedule is wrong: report it, with the "
            "program"
        )


class Thread:
    """A unit's time: what it has done, and what it knows of the others."""

    def __init__(self, name: str) -> None:
        self.name, self.number = name, THREADS.index(name)
        self.clock: Clock = np.zeros(len(THREADS), dtype=np.int32)
        self.clock[self.number] = 1
        self.tag = 0  # of the command at work
        self.steps = 0  # that it made, to see whether anybody goes on

    @property
    def now(self) -> int:
        """Its own time."""
        return int(self.clock[self.number])

    def tell(self) -> Clock:
        """Return what it knows and has done; whatever it does next is not part of that."""
        self.steps += 1
        known = self.clock.copy()
        self.clock[self.number] += 1
        return known

    def learn(self, clock: Clock) -> None:
        """Take over what another thread told."""
        self.steps += 1
        np.maximum(self.clock, clock, out=self.clock)

    def error(self, problem: str) -> OrderError:
        """Return the error of this thread's command."""
        return OrderError(self.name, self.tag, problem)
