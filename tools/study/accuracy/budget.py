"""The time that a study has: which runs still fit, and when the one under way has to stop."""

import math
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from trivit.models.runs.checkpoint import has_checkpoint, read_state

if TYPE_CHECKING:
    from trivit.tools.study.accuracy.runs import Run

Clock = Callable[[], float]
Expect = Callable[["Run"], float | None]


class OutOfTimeError(Exception):
    """The next epoch would end after the deadline; the run is saved up to here."""


class Budget:
    """Says what can be finished before a deadline, from what finished runs took.

    Attributes:
        deadline: time of the clock; ``inf``: no limit.
        clock: monotonic seconds, which processes of a machine share.
    """

    def __init__(
        self,
        deadline: float = math.inf,
        *,
        expect: Expect | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        """Make a budget.

        Args:
            deadline: time of ``clock``.
            expect: seconds of a run, while none has finished that tells; ``None``: unknown.
            clock: monotonic seconds.
        """
        self.deadline = deadline
        self.clock = clock
        self.expect = expect
        self._taken: dict[tuple[str, str], tuple[Run, float]] = {}

    @classmethod
    def of(cls, seconds: float | None, **settings: Any) -> "Budget":
        """Return a budget of so many seconds from now on (``None``: no limit)."""
        budget = cls(**settings)
        if seconds is not None:
            budget.deadline = budget.clock() + seconds
        return budget

    def left(self) -> float:
        """Return the seconds that are left; below 0 after the deadline."""
        return self.deadline - self.clock()

    def learn(self, run: "Run", seconds: float) -> None:
        """Note what a whole run took."""
        key = run.dataset, run.method.name
        if key not in self._taken or self._taken[key][1] < seconds:
            self._taken[key] = run, seconds

    def expected(self, run: "Run") -> float | None:
        """Return the seconds of a whole run; ``None``: nothing is known.

        What its method took; else what was expected, as much longer as other runs took than was
        expected of them; else the most that any took on its data set.
        """
        if (run.dataset, run.method.name) in self._taken:
            return self._taken[run.dataset, run.method.name][1]
        others = [pair for (dataset, _), pair in self._taken.items() if dataset == run.dataset]
        guess = None if self.expect is None else self.expect(run)
        if self.expect is not None and guess is not None:
            pairs = [(self.expect(other), taken) for other, taken in others]
            return guess * max([taken / of for of, taken in pairs if of], default=1.0)
        return max((taken for _, taken in others), default=None)

    def allows(self, run: "Run") -> bool:
        """Return whether what is left of a run ends before the deadline, as far as is known."""
        left = self.left()
        if left <= 0 or math.isinf(left):
            return left > 0
        expected = self.expected(run)
        return expected is None or expected * _share_left(run) <= left

    def watch(self, epochs: int) -> Callable[[Mapping[str, Any]], None]:
        """Return what a training calls after each of its ``epochs``.

        It raises ``OutOfTimeError`` where the next one would end too late.
        """
        ended: list[float] = []

        def check(record: Mapping[str, Any]) -> None:
            now = self.clock()
            # Loading and preparing come before the first epoch, and will not come again.
            took = now - ended[-1] if ended else float(record["seconds"])
            ended.append(now)
            if record["epoch"] < epochs and self.left() < took:
                raise OutOfTimeError

        return check


def _share_left(run: "Run") -> float:
    """Return which share of its epochs a run has still to make."""
    folder = run.folder / "checkpoint"
    if not has_checkpoint(folder):
        return 1.0
    return max(0.0, 1.0 - int(read_state(folder)["epoch"]) / run.config.training.epochs)
