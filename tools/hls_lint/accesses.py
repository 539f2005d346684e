"""Accesses of one iteration to arrays and streams, and the ports that there are for them.

Branches exclude each other, so what an array is asked for is a list of alternatives: the reads and
the writes of a path. Accesses to one element count once, if its index is the same for certain.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field

from trivit.tools.hls_lint.values import Linear, Place

#: Paths that are told apart for an array; more are taken together, which only counts more.
_PATHS = 8

Index = tuple[Linear, ...]
Alternative = tuple[frozenset[Index], frozenset[Index]]
_NONE: Alternative = (frozenset(), frozenset())


def _pruned(alternatives: Iterable[Alternative]) -> list[Alternative]:
    kept: list[Alternative] = []
    for reads, writes in alternatives:
        if any(reads <= r and writes <= w for r, w in kept):
            continue
        kept = [(r, w) for r, w in kept if not (r <= reads and w <= writes)] + [(reads, writes)]
    if len(kept) <= _PATHS:
        return kept
    return [(frozenset().union(*(r for r, _ in kept)), frozenset().union(*(w for _, w in kept)))]


@dataclass
class Accesses:
    """What an iteration, or a part of it, asks of each array and stream; ``first`` says where."""

    alternatives: dict[Place, list[Alternative]] = field(default_factory=dict)
    first: dict[Place, tuple[str, int]] = field(default_factory=dict)

    def add(self, array: Place, index: Index, how: str, where: tuple[str, int]) -> None:
        """Add an access, ``how`` with an ``r``, a ``w`` or both."""
        one = frozenset([index])
        self.first.setdefault(array, where)
        self.alternatives[array] = _pruned(
            (reads | one if "r" in how else reads, writes | one if "w" in how else writes)
            for reads, writes in self.alternatives.get(array, [_NONE])
        )

    def then(self, other: Accesses) -> None:
        """Add what follows on every path."""
        for array, paths in other.alternatives.items():
            before = self.alternatives.get(array, [_NONE])
            self.alternatives[array] = _pruned((r | s, w | v) for r, w in before for s, v in paths)
            self.first.setdefault(array, other.first[array])

    def either(self, other: Accesses) -> None:
        """Take the other's accesses instead of these, on some paths."""
        for array in {*self.alternatives, *other.alternatives}:
            mine = self.alternatives.get(array, [_NONE])
            theirs = other.alternatives.get(array, [_NONE])
            self.alternatives[array] = _pruned([*mine, *theirs])
            self.first.setdefault(array, other.first.get(array, ("", 0)))


@dataclass(frozen=True)
class Division:
    """ARRAY_PARTITION or ARRAY_RESHAPE of one dimension, from 1; 0: of all.

    ``offset`` counts dimensions of what holds the array.
    """

    kind: str
    dim: int
    factor: int
    dims: tuple[int, ...]
    offset: int = 0

    @property
    def positions(self) -> range:
        """Return which of an access's indices it divides."""
        first = self.offset + max(self.dim - 1, 0)
        return range(first, first + (1 if self.dim else len(self.dims)))


#: Ports that read, ports that write, ports in all, of a type of memory (UG1399, BIND_STORAGE).
PORTS = {
    **{"ram_1p": (1, 1, 1), "ram_2p": (2, 1, 2), "ram_s2p": (1, 1, 2), "ram_t2p": (2, 2, 2)},
    **{"ram_1wnr": (10**9, 1, 10**9), "fifo": (1, 1, 2), "rom_1p": (1, 0, 1)},
    **{"rom_2p": (2, 0, 2), "rom_np": (10**9, 0, 10**9)},
}
DEFAULT_PORTS = (2, 2, 2)


def _split(index: Linear, dim: int, division: Division) -> tuple[Hashable, Hashable]:
    """Return which group of banks and which of them an index goes to.

    Indices of one group lie in different banks when their banks differ; of two groups nothing is
    known, so they may meet.
    """
    if division.kind == "cyclic":
        return index.unknowns, index.constant % division.factor
    if index.number is None:
        return index.unknowns, None
    size = -(-division.dims[dim - division.offset] // division.factor)
    return frozenset(), index.constant // size


def busiest(accesses: Iterable[Index], divisions: list[Division]) -> int:
    """Return how many of the accesses may meet in one bank."""
    groups: dict[Hashable, dict[Hashable, int]] = {}
    for indices in accesses:
        group: list[Hashable] = []
        bank: list[Hashable] = []
        for dim, index in enumerate(indices):
            for division in divisions:
                if dim not in division.positions:
                    continue
                if division.kind == "complete":
                    group.append(index.unknowns)
                    bank.append(index.constant)
                else:
                    which, one = _split(index, dim, division)
                    group.append(which)
                    bank.append(one)
        banks = groups.setdefault(tuple(group), {})
        banks[tuple(bank)] = banks.get(tuple(bank), 0) + 1
    return sum(max(banks.values()) for banks in groups.values())


def are_registers(rank: int, divisions: list[Division]) -> bool:
    """Return whether each element is a register of its own."""
    complete = [division.positions for division in divisions if division.kind == "complete"]
    return set(range(rank)) <= {position for positions in complete for position in positions}


def too_many(
    paths: list[Alternative], ports: tuple[int, int, int], divisions: list[Division], ii: int
) -> str:
    """Return what exceeds the ports within ``ii`` clocks, empty when nothing does."""
    for reads, writes in paths:
        counts = [busiest(some, divisions) for some in (reads, writes, [*reads, *writes])]
        for count, limit, what in zip(counts, ports, ("reads", "writes", "accesses"), strict=True):
            if count > limit * ii:
                return f"{count} {what} for {limit * ii} of its ports"
    return ""
