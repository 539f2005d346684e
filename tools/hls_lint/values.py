"""What an index is worth, and which memory an expression names."""

from __future__ import annotations

import itertools
from collections.abc import Hashable
from dataclasses import dataclass

_fresh = itertools.count()


@dataclass(frozen=True)
class Linear:
    """``constant`` plus unknowns times factors. Equal unknowns are equal numbers."""

    constant: int
    unknowns: frozenset[tuple[Hashable, int]] = frozenset()

    @property
    def number(self) -> int | None:
        """Return the value if it is known."""
        return None if self.unknowns else self.constant

    def plus(self, other: Linear, sign: int = 1) -> Linear:
        """Return the sum, or the difference."""
        terms = dict(self.unknowns)
        for unknown, factor in other.unknowns:
            terms[unknown] = terms.get(unknown, 0) + sign * factor
        left = frozenset((unknown, factor) for unknown, factor in terms.items() if factor)
        return Linear(self.constant + sign * other.constant, left)

    def times(self, factor: int) -> Linear:
        """Return a multiple."""
        terms = frozenset((unknown, value * factor) for unknown, value in self.unknowns if factor)
        return Linear(self.constant * factor, terms)


def unknown(what: Hashable = None) -> Linear:
    """Return a value that nothing is known of but, if given, what it is the value of."""
    return Linear(0, frozenset([(("once", next(_fresh)) if what is None else what, 1)]))


def quotient(left: int, right: int) -> int | None:
    """Return C++'s quotient, towards zero."""
    return (
        None if right == 0 else abs(left) // abs(right) * (1 if (left < 0) == (right < 0) else -1)
    )


def combine(operator: str, left: Linear, right: Linear) -> Linear:
    """Return the value of an operator on two values."""
    a, b = left.number, right.number
    if operator in ("+", "-"):
        return left.plus(right, 1 if operator == "+" else -1)
    if operator == "*" and (a is not None or b is not None):
        return right.times(a) if a is not None else left.times(b or 0)
    if operator == "<<" and b is not None and 0 <= b < 64:
        return left.times(1 << b)
    if a is None or b is None:
        return unknown()
    result: int | None = None
    if operator == "/":
        result = quotient(a, b)
    elif operator == "%":
        part = quotient(a, b)
        result = None if part is None else a - part * b
    elif operator == ">>":
        result = a >> b if b >= 0 else None
    else:
        results = {
            **{"<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b, "==": a == b, "!=": a != b},
            **{"&": a & b, "|": a | b, "^": a ^ b},
        }
        result = int(results[operator]) if operator in results else None
    return unknown() if result is None else Linear(result)


@dataclass(frozen=True)
class Place:
    """A variable, or a part of it: ``path`` has names of fields and values of indices."""

    owner: int  # the call whose variable it is; 0 outside of functions
    key: int
    name: str
    path: tuple[str | Linear, ...] = ()

    def field(self, name: str) -> Place:
        """Return a field."""
        return Place(self.owner, self.key, self.name, (*self.path, name))

    def at(self, index: Linear) -> Place:
        """Return an element."""
        return Place(self.owner, self.key, self.name, (*self.path, index))

    @property
    def array(self) -> Place:
        """Return the place without the indices: an array, if there were any."""
        path = tuple(part for part in self.path if isinstance(part, str))
        return Place(self.owner, self.key, self.name, path)

    @property
    def holders(self) -> list[Place]:
        """Return what holds it, outermost first, and the place itself."""
        lengths = range(len(self.path) + 1)
        return [Place(self.owner, self.key, self.name, self.path[:length]) for length in lengths]

    @property
    def indices(self) -> tuple[Linear, ...]:
        """Return the indices, outermost first."""
        return tuple(part for part in self.path if isinstance(part, Linear))

    def __str__(self) -> str:
        shown = self.name
        for part in self.path:
            if isinstance(part, str):
                shown += f".{part}"
            else:
                shown += f"[{'?' if part.number is None else part.number}]"
        return shown
