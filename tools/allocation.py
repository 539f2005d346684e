"""Places activation tensors in the banks: liveness intervals, first fit, largest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trivit.host.generated.spec import TILE_DEPTH, TILE_TOKENS
from trivit.host.tiles import row_groups
from trivit.tools.errors import ToolsError

_ATTEMPTS = 64


class NoRoomError(ToolsError):
    """Tensors that do not fit together.

    ``problems``: what is too much at each step that holds too much; at the fullest one, if none
    does and gaps between tensors are the reason.
    """

    def __init__(self, problems: dict[int, str], fullest: int) -> None:
        super().__init__(problems[fullest])
        self.problems = problems


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
    alive = {
        step: [i for i in intervals if i.first <= step <= i.last]
        for step in sorted({i.first for i in intervals})
    }
    needs = {step: sum(i.size for i in found) for step, found in alive.items()}
    fullest = max(needs, key=lambda step: needs[step])
    over = [step for step, need in needs.items() if need > depth] or [fullest]
    return NoRoomError({step: _problem(alive[step], depth) for step in over}, fullest)


def _problem(alive: Sequence[Interval], depth: int) -> str:
    largest_first = sorted(alive, key=lambda i: -i.size)
    sizes = " + ".join(f"{i.name} {i.size}" for i in largest_first)
    missing = sum(i.size for i in alive) - depth
    why = f"{missing} too many" if missing > 0 else "with gaps that are too small"
    return (
        f"activations do not fit the kernel: {sizes} words per bank are needed together, "
        f"{depth} are there ({depth * TILE_DEPTH * TILE_TOKENS} elements), {why}: choose a "
        "smaller width, MLP or image"
    )
