"""In which order an attention computes scores and context."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from trivit.host.tiles import ceil_div, row_groups
from trivit.tools.schedule.operations import Attention

# Row groups of a head for which a step is two of them. With fewer there is nothing to gain; with
# more, softmax gets too much at once while the weights behind the attention have time anyway.
_PAIRED = range(6, 16)


@dataclass(frozen=True)
class Step:
    """Row groups ``first`` to ``first + groups`` of a head."""

    head: int
    first: int
    groups: int


@dataclass(frozen=True)
class Steps:
    """The steps of one head, for each of ``heads``.

    Scores of step i stand before the context of step i - lag, so softmax has that long.
    """

    heads: int
    starts: tuple[int, ...]
    groups: int
    lag: int

    @property
    def row_groups(self) -> int:
        """Row groups of probabilities that are there at the same time at most.

        Those of a step are written when its scores begin, behind the context of the step that is
        the lag and one more before.
        """
        single = len(self.starts) == self.groups
        return min(self.groups, self.lag + 1) if single else self.groups

    @property
    def products(self) -> int:
        """Steps of all heads: products of scores, and as many of context."""
        return self.heads * len(self.starts)

    def order(self) -> Iterator[tuple[Step | None, Step | None]]:
        """Return the scores and then the context that are computed in turn."""
        for number in range(self.products + self.lag):
            yield (
                self._step(number) if number < self.products else None,
                self._step(number - self.lag) if number >= self.lag else None,
            )

    def _step(self, number: int) -> Step:
        head, place = divmod(number, len(self.starts))
        ends = (*self.starts[1:], self.groups)
        return Step(head, self.starts[place], ends[place] - self.starts[place])


def steps(attention: Attention, lag: int) -> Steps:
    """Return the steps of an attention whose scores run ``lag`` row groups ahead of its context.

    A step is one row group or two. Steps of two need fewer commands, so the engine sees the
    weights behind a short attention earlier. The lag is less than a head: the context of a head
    must be complete before the last scores of the next one release their keys, and before its
    probabilities are replaced.
    """
    groups = row_groups(attention.rows)
    size = 2 if groups in _PAIRED else 1
    starts = tuple(range(0, groups, size))
    return Steps(attention.heads, starts, groups, min(ceil_div(lag, size), len(starts) - 1))
