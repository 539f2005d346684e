"""Where the tensors of a training program lie: one region of int16, rows padded to whole words.

No place is used twice, so every tensor of a step can be looked at after it. A scheduler for the
accelerator keeps in the banks what fits and gives the rest places of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import TILE_DEPTH
from trivit.host.tiles import depth_words
from trivit.host.training.program import Operand, Role, TrainingProgram

#: Order of the sections: what lasts from step to step comes first.
_SECTIONS: tuple[tuple[Role, ...], ...] = (
    ("parameter",),
    ("low",),
    ("momentum", "second", "accumulator"),
    ("constant",),
    ("image", "target"),
    ("activation", "fixed", "index", "mask"),
    ("gradient",),
)
#: Roles that make up the state of a training run.
STATE: tuple[Role, ...] = ("parameter", "low", "momentum", "second", "accumulator")


@dataclass(frozen=True)
class Place:
    """Rows of int16 elements: row r begins at element ``offset`` + r·``stride``."""

    offset: int
    rows: int
    columns: int
    stride: int


class Arena:
    """The places of a program's tensors and views of them in a memory of ``elements`` int16."""

    def __init__(self, program: TrainingProgram) -> None:
        self.places: dict[str, Place] = {}
        self.sections: dict[str, int] = {}
        self.elements = self.state_elements = 0
        for roles in _SECTIONS:
            start = self.elements
            for tensor in program.tensors:
                if tensor.role in roles:
                    stride = depth_words(tensor.columns) * TILE_DEPTH
                    place = Place(self.elements, tensor.rows, tensor.columns, stride)
                    self.places[tensor.name] = place
                    self.elements += tensor.rows * stride
            self.sections[roles[0]] = (self.elements - start) * 2
            if roles[0] in STATE:
                self.state_elements = self.elements

    def empty(self) -> Int16:
        """Return a memory of zeros."""
        return np.zeros(self.elements, np.int16)

    def place(self, operand: Operand) -> Place:
        """Return where an operand lies."""
        whole = self.places[operand.tensor]
        rows = whole.rows - operand.first if operand.rows is None else operand.rows
        return Place(whole.offset + operand.first * whole.stride, rows, whole.columns, whole.stride)

    def view(self, memory: Int16, name: str) -> Int16:
        """Return the (rows, columns) view of a tensor; writing to it writes to ``memory``."""
        return view(memory, self.places[name])


def view(memory: Int16, place: Place) -> Int16:
    """Return the (rows, columns) view of a place."""
    block = memory[place.offset : place.offset + place.rows * place.stride]
    return block.reshape(place.rows, place.stride)[:, : place.columns]
