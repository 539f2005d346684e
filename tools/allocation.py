"""Places activation tensors in the banks: liveness intervals, first fit, largest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trivit.host.generated.spec import TILE_DEPTH, TILE_TOKENS
from trivit.host.tiles import row_groups
from trivit.tools.errors import ToolsError

_ATTEMPTS = 64


class NoRoomError(ToolsError):
    """Tensors that do not fit together; ``steps``: at which, or the fullest if all do by size."""

    def __init__(self, message: str, steps: list[int]) -> None:
        super().__init__(message)
        self.steps = steps


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
        NoRoomError: they do not fit; the message names the tensors alive at the fullest step.
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
    raise _no_room(intervals, depth)


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


def _no_room(intervals: Sequence[Interval], depth: int) -> NoRoomError:
    def alive(step: int) -> list[Interval]:
        return [i for i in intervals if i.first <= step <= i.last]

    needs = {i.first: sum(other.size for other in alive(i.first)) for i in intervals}
    fullest = max(needs, key=lambda step: needs[step])
    need = needs[fullest]
    sizes = " + ".join(f"{i.name} {i.size}" for i in sorted(alive(fullest), key=lambda i: -i.size))
    missing = f"{need - depth} too many" if need > depth else "which leaves gaps that are too small"
    message = (
        f"activations do not fit the kernel: {sizes} words per bank are needed together, "
        f"{depth} are there ({depth * TILE_DEPTH * TILE_TOKENS} elements), {missing}: choose a "
        "smaller width, MLP or image"
    )
    over = [step for step, words in needs.items() if words > depth]
    return NoRoomError(message, over or [fullest])
