"""The ring of weights as the engine's guard accounts for it."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS, WEIGHT_DEPTH, WEIGHT_TILES
from trivit.host.oracle.checks import column_tiles
from trivit.host.oracle.commands.clocks import Clock, Thread


@dataclass(eq=False)
class Matrix:
    """Weights (tiles·32, depth·8) and biases (tiles·32,), and what who brought them knew.

    A placement gives no biases; ``known`` is None until the matrix is there.
    """

    tiles: int
    depth_words: int
    has_bias: bool
    weight: Int16
    bias: Int16
    known: Clock | None = None

    @property
    def words(self) -> int:
        """Depth words that it takes."""
        return self.tiles * self.depth_words

    def split(self, tiles: int) -> tuple[Matrix, Matrix | None]:
        """Return the first tiles, and the others if there are any."""
        if tiles == self.tiles:
            return self, None
        outputs = tiles * TILE_OUTPUTS
        first = replace(self, tiles=tiles, weight=self.weight[:outputs], bias=self.bias[:outputs])
        rest = replace(
            self,
            tiles=self.tiles - tiles,
            weight=self.weight[outputs:],
            bias=self.bias[outputs:],
        )
        return first, rest


class Ring:
    """Matrices in the order in which commands appended them."""

    def __init__(self) -> None:
        self._held: deque[Matrix] = deque()

    @property
    def outstanding(self) -> int:
        """Depth words that no accepted product has released."""
        return sum(matrix.words for matrix in self._held)

    def append(self, f: dict[str, int]) -> Matrix:
        """Append the matrix of a product or placement, still empty."""
        tiles, depth = column_tiles(f["out_words"]), f["depth_words"]
        weight = np.zeros((tiles * TILE_OUTPUTS, depth * TILE_DEPTH), dtype=np.int16)
        bias = np.zeros(tiles * TILE_OUTPUTS, dtype=np.int16)
        matrix = Matrix(tiles, depth, bool(f["has_bias"]), weight, bias)
        self._held.append(matrix)
        return matrix

    def accept(self, f: dict[str, int], by: Thread) -> Matrix:
        """Return the matrix of a product and release it unless it is kept.

        Raises:
            OrderError: the guard would refuse the product, or no matrix lies where it reads.
        """
        tiles, depth, offset = column_tiles(f["out_words"]), f["depth_words"], f["ring_offset"]
        words = tiles * depth
        if offset + words > self.outstanding:
            raise by.error(
                f"reads {words} depth words at {offset} of the ring, which holds {self.outstanding}"
            )
        if offset and not f["keep"]:
            raise by.error(f"releases depth words at {offset} of the ring before older ones")
        if (f["keep"] or f["rows_outer"]) and offset + words > WEIGHT_DEPTH:
            raise by.error(
                f"needs {offset + words} depth words at once, the ring has {WEIGHT_DEPTH}"
            )
        if f["rows_outer"] and f["has_bias"] and tiles > WEIGHT_TILES:
            raise by.error(f"needs biases of {tiles} tiles at once, the ring has {WEIGHT_TILES}")
        biases = sum(matrix.tiles for matrix in self._held if matrix.has_bias)
        if f["has_bias"] and (biases < tiles or (offset and biases > tiles)):
            raise by.error(f"takes biases of {tiles} tiles, the ring holds those of {biases}")
        start = 0
        for place, matrix in enumerate(self._held):
            if start == offset and matrix.depth_words == depth and matrix.tiles >= tiles:
                matrix, rest = matrix.split(tiles)
                self._held[place] = matrix
                if rest is not None:
                    self._held.insert(place + 1, rest)
                break
            start += matrix.words
        else:
            raise by.error(f"finds no matrix of {tiles} x {depth} at {offset} of the ring")
        if not f["keep"]:
            self._held.popleft()
        return matrix
