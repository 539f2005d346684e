"""Where parameters lie in a plane of DDR (docs/accelerator-training.md).

All planes have one layout: high, low (with 32-bit masters), momentum, gradient.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import PARAM_PORTS, TILE_DEPTH, TILE_OUTPUTS
from trivit.host.tiles import ceil_div, depth_words

Kind = Literal["weights", "biases", "rows"]


@dataclass(frozen=True, kw_only=True)
class PlanePlace:
    """A tensor in a plane: weights and biases of a matrix, or rows, row i in port i mod 4.

    ``address`` is the first word of port 0, ``segment`` the words of a port; the port p has its own
    from ``address`` + p·``segment`` on. ``width``: elements of a row, or inputs of a matrix.
    """

    kind: Kind
    address: int
    rows: int
    width: int

    @property
    def depth_words(self) -> int:
        """Words of a row, or of an output."""
        return depth_words(self.width)

    @property
    def line(self) -> int:
        """Words of a tile in a port, its biases included; 0 for rows."""
        return 0 if self.kind == "rows" else 1 + TILE_DEPTH * self.depth_words

    @property
    def segment(self) -> int:
        """Words of a port."""
        if self.kind == "rows":
            return ceil_div(self.rows, PARAM_PORTS) * self.depth_words
        return ceil_div(self.rows, TILE_OUTPUTS) * self.line

    @property
    def words(self) -> int:
        """Words of all ports."""
        return PARAM_PORTS * self.segment

    def elements(self) -> NDArray[np.int64]:
        """Return the number in the plane of each element: (rows, width), or (1, rows) of biases."""
        row, column = np.arange(self.rows)[:, None], np.arange(self.width)[None]
        if self.kind == "rows":
            port, turn = row % PARAM_PORTS, row // PARAM_PORTS
            word = turn * self.depth_words + column // TILE_DEPTH
            lane = column % TILE_DEPTH
        else:
            tile, place = row // TILE_OUTPUTS, row % TILE_OUTPUTS
            port, output = place // TILE_DEPTH, place % TILE_DEPTH
            if self.kind == "biases":
                word, lane = tile * self.line, output
            else:
                word = tile * self.line + 1 + column // TILE_DEPTH * TILE_DEPTH + output
                lane = column % TILE_DEPTH
        found = (self.address + port * self.segment + word) * TILE_DEPTH + lane
        return found.T if self.kind == "biases" else found


@dataclass(frozen=True, kw_only=True)
class PlaneMap:
    """The planes: ``words`` each, ``names`` in their order, then constants, (words·8,) int16."""

    words: int
    names: tuple[str, ...]
    places: dict[str, PlanePlace]
    constants: Int16

    def region(self) -> Int16:
        """Return all planes, zero, with the constants behind them."""
        planes = np.zeros(len(self.names) * self.words * TILE_DEPTH, np.int16)
        return np.concatenate([planes, self.constants])

    def put(self, region: Int16, plane: str, tensor: str, values: Int16) -> None:
        """Write a tensor, (rows, columns), to a plane of a region."""
        region[self._start(plane) + self.places[tensor].elements()] = values

    def get(self, region: Int16, plane: str, tensor: str) -> Int16:
        """Return a tensor of a plane, (rows, columns)."""
        return region[self._start(plane) + self.places[tensor].elements()]

    def _start(self, plane: str) -> int:
        return self.names.index(plane) * self.words * TILE_DEPTH
