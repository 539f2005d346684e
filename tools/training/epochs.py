"""Where a step stands: its epoch, and its place among the examples of that epoch."""

from __future__ import annotations

from trivit.models.methods.examples.method import ExampleConfig


class Epochs:
    """Epochs over the examples in play; batch size 1, so that an epoch has as many steps."""

    def __init__(self, count: int, examples: ExampleConfig | None = None) -> None:
        """Count epochs over ``count`` examples, of which the example level leaves some out."""
        self._whole = count
        self._kept = count if examples is None else examples.in_play(count, _LATE)
        # Epochs of the whole set before the part that stays in play.
        starts_whole = examples is not None and examples.starts_whole
        self._first = examples.period_epochs if examples is not None and starts_whole else 0

    def length(self, epoch: int) -> int:
        """Return the steps of an epoch, counted from 0."""
        return self._whole if epoch < self._first else self._kept

    def steps(self, epochs: int) -> int:
        """Return the steps of the first ``epochs`` epochs."""
        whole = min(epochs, self._first)
        return whole * self._whole + (epochs - whole) * self._kept

    def place(self, step: int) -> tuple[int, int]:
        """Return the epoch of a step and its place in it, all counted from 0."""
        before = self._first * self._whole
        if step < before:
            return divmod(step, self._whole)
        epoch, place = divmod(step - before, self._kept)
        return self._first + epoch, place


#: An epoch behind the first period of any method.
_LATE = 1 << 40
