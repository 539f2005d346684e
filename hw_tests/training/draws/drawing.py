"""Random ops on a small arena, at the ends of ranges as often as within them."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from trivit.host.fixed_point import Int16
from trivit.host.training.arena import Place, view
from trivit.host.training.descriptors import Resolved, StepConstants
from trivit.host.training.operations import OPERATIONS


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """An op's operands, numbers and flags."""

    places: dict[str, Place]
    fields: dict[str, int] = field(default_factory=dict)
    flags: tuple[str, ...] = ()


class Draw:
    """Numbers, places and the memory of one op."""

    def __init__(self, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self._size = 0
        self._held: list[tuple[Place, Callable[[Int16], Int16]]] = []

    def place(self, rows: int, columns: int) -> Place:
        stride = -(-columns // 8) * 8
        place = Place(self._size, rows, columns, stride)
        self._size += rows * stride
        return place

    def places(self, names: tuple[str, ...], rows: int, columns: int) -> dict[str, Place]:
        """Places of the same size."""
        return {name: self.place(rows, columns) for name in names}

    def hold(self, place: Place, values: Callable[[Int16], Int16]) -> Place:
        """Let a place hold what ``values`` makes of random elements, (rows, columns)."""
        self._held.append((place, values))
        return place

    def number(self, low: int, high: int) -> int:
        return int(self.rng.choice([low, high, *self.rng.integers(low, high + 1, 4)]))

    def size(self, high: int) -> int:
        """Rows or columns, 1 to ``high`` - 1."""
        return int(self.rng.integers(1, high))

    def shift(self) -> int:
        """A shift of requantize."""
        return self.number(-16, 62)

    def memory(self) -> Int16:
        spread = self.rng.choice([1, 100, 20000])
        values = np.clip(np.rint(self.rng.normal(0, spread, self._size)), -32768, 32767)
        ends = self.rng.random(self._size) < 0.05
        values[ends] = self.rng.choice([-32768, 32767, 0], int(ends.sum()))
        memory = values.astype(np.int16)
        for place, held in self._held:
            there = view(memory, place)
            there[:] = held(there)
        return memory

    def step(self) -> StepConstants:
        return StepConstants(
            rate=self.number(0, (1 << 24) - 1),
            rate_exponent=self.number(30, 50),
            key=self.number(0, (1 << 32) - 1),
            clip=self.number(0, 65536),
            bias=self.number(0, 65535),
            bias_exponent=self.number(10, 24),
            second=self.number(0, 65535),
            second_exponent=self.number(16, 40),
        )


#: How an op is drawn, by its name.
DRAWS: dict[str, Callable[[Draw], Drawn]] = {}


def draws(opcode: str) -> Callable[[Callable[[Draw], Drawn]], Callable[[Draw], Drawn]]:
    """Register how the op is drawn."""

    def register(function: Callable[[Draw], Drawn]) -> Callable[[Draw], Drawn]:
        assert opcode not in DRAWS, opcode
        DRAWS[opcode] = function
        return function

    return register


def draw_operation(opcode: str, seed: int) -> tuple[Resolved, Int16, StepConstants]:
    """Return an op, a memory for it and the constants of a step."""
    draw = Draw(seed)
    drawn = DRAWS[opcode](draw)
    spec = OPERATIONS[opcode]
    operation = Resolved(
        opcode=opcode,
        spec=spec,
        places=drawn.places,
        flags=frozenset(drawn.flags),
        fields={name: int(drawn.fields[name]) for name in spec.fields},
    )
    return operation, draw.memory(), draw.step()
