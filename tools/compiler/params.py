"""Parameters as the kernel reads them (docs/numerics.md, Parameters), stored once each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS
from trivit.tools.compiler.ir import Integers


@dataclass(frozen=True)
class Region:
    """Where a parameter lies: first word, words, and the shape it had before padding."""

    name: str
    offset: int
    words: int
    shape: tuple[int, ...]


def pack_weight(weight: Integers) -> NDArray[np.int16]:
    """Return a weight (N, K) as [N/32][K/8][32][8] int16, padded with zeros, flattened."""
    outputs = -(-weight.shape[0] // TILE_OUTPUTS) * TILE_OUTPUTS
    depth = -(-weight.shape[1] // TILE_DEPTH) * TILE_DEPTH
    padded = np.zeros((outputs, depth), np.int16)
    padded[: weight.shape[0], : weight.shape[1]] = weight
    tiles = padded.reshape(outputs // TILE_OUTPUTS, TILE_OUTPUTS, depth // TILE_DEPTH, TILE_DEPTH)
    return np.ascontiguousarray(tiles.transpose(0, 2, 1, 3)).reshape(-1)


def pack_rows(rows: Integers, multiple: int = TILE_DEPTH) -> NDArray[np.int16]:
    """Return rows (R, C) row-major with every row padded to ``multiple`` elements, flattened."""
    columns = -(-rows.shape[-1] // multiple) * multiple
    padded = np.zeros((*rows.shape[:-1], columns), np.int16)
    padded[..., : rows.shape[-1]] = rows
    return padded.reshape(-1)


class ParameterImage:
    """The params region while it is filled; equal contents share their place."""

    def __init__(self) -> None:
        self._blocks: list[NDArray[np.int16]] = []
        self._places: dict[bytes, int] = {}
        self._words = 0
        self.regions: list[Region] = []

    def add(self, name: str, packed: NDArray[np.int16], shape: tuple[int, ...]) -> int:
        """Store ``packed`` (whole words) under ``name`` and return its first word."""
        digest = hashlib.sha256(packed.tobytes()).digest()
        words = packed.size // TILE_DEPTH
        if digest not in self._places:
            self._places[digest] = self._words
            self._blocks.append(packed)
            self._words += words
        offset = self._places[digest]
        self.regions.append(Region(name, offset, words, shape))
        return offset

    def array(self) -> NDArray[np.int16]:
        """Return the whole region, (words · 8,) int16."""
        return np.concatenate(self._blocks) if self._blocks else np.zeros(0, np.int16)
