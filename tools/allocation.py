"""Places activation tensors in the banks: liveness intervals, first fit, largest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trivit.host.generated.spec import TILE_DEPTH, TILE_TOKENS
from trivit.host.tiles import row_groups
from trivit.tools.errors import ToolsError

_ATTEMPTS = 64


@dataclass(frozen=True)
class Interval:
    """A tensor of ``size`` bank words, alive from step ``first`` to ``last``, both included."""

    name: str
    size: int
    first: int
    last: int

    def meets(self, other: Interval) -> bool:
        """Whether both are alive at some step."""
        return self.first <= other.last and other.first <= self.last


def bank_words(rows: int, words: int) -> int:
    """Return the words that a tensor takes in each bank (docs/numerics.md, Activation memory)."""
    return row_groups(rows) * words


def allocate(intervals: Sequence[Interval], depth: int) -> dict[str, int]:
    """Return the address of each tensor in ``depth`` bank words.

    Tensors that are alive together never overlap.

    Raises:
        ToolsError: they do not fit; the message names the tensors alive at the fullest step.
    """
    # Large tensors first leaves the fewest gaps; by time is the second try. Then whatever found no
    # place comes first.
    order = sorted(intervals, key=lambda i: (-i.size, i.first, i.name))
    by_time = sorted(intervals, key=lambda i: (i.first, -i.size, i.name))
    for attempt in range(_ATTEMPTS):
        addresses, homeless = _first_fit(by_time if attempt == 1 else order, depth)
        if homeless is None:
            return addresses
        order.insert(0, order.pop(order.index(homeless)))
    raise ToolsError(_too_large(intervals, depth))


def _first_fit(order: Sequence[Interval], depth: int) -> tuple[dict[str, int], Interval | None]:
    """Return addresses, and the first interval that found no place."""
    placed: list[tuple[int, Interval]] = []
    for interval in order:
        address = 0
        for start, other in sorted((p for p in placed if p[1].meets(interval)), key=lambda p: p[0]):
            if address + interval.size <= start:
                break
            address = max(address, start + other.size)
        if address + interval.size > depth:
            return {}, interval
        placed.append((address, interval))
    return {interval.name: address for address, interval in placed}, None


def _too_large(intervals: Sequence[Interval], depth: int) -> str:
    def alive(step: int) -> list[Interval]:
        return [i for i in intervals if i.first <= step <= i.last]

    fullest = max((i.first for i in intervals), key=lambda step: sum(i.size for i in alive(step)))
    group = sorted(alive(fullest), key=lambda i: -i.size)
    sizes = " + ".join(f"{i.name} {i.size}" for i in group)
    per_word = TILE_DEPTH * TILE_TOKENS
    return (
        f"activations do not fit the kernel: {sizes} words per bank are needed together, "
        f"{depth} are there ({depth * per_word} elements): choose a smaller width, MLP or image"
    )
