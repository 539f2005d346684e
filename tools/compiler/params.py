"""Parameters as the kernel reads them (docs/numerics.md, Parameters), stored once each."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS
from trivit.host.tiles import ceil_div
from trivit.tools.compiler.ir import Integers


@dataclass(frozen=True)
class Region:
    """Where a parameter lies: first word, words, and the shape it had before padding."""

    name: str
    offset: int
    words: int
    shape: tuple[int, ...]


def pack_weight(weight: Integers, bias: Integers) -> NDArray[np.int16]:
    """Return a weight (N, K) and its bias (N,) in one segment for each parameter port, flattened.

    Port p brings outputs 8p..8p+7 of every tile of 32: a bias word, then [K/8][8][8] weights.
    """
    tiles = ceil_div(weight.shape[0], TILE_OUTPUTS)
    depth = ceil_div(weight.shape[1], TILE_DEPTH)
    ports, outputs = TILE_OUTPUTS // TILE_DEPTH, TILE_DEPTH
    padded = np.zeros((tiles * TILE_OUTPUTS, depth * TILE_DEPTH), np.int16)
    padded[: weight.shape[0], : weight.shape[1]] = weight
    padded_bias = np.zeros(tiles * TILE_OUTPUTS, np.int16)
    padded_bias[: bias.size] = bias
    packed = np.zeros((ports, tiles, 1 + depth * outputs, TILE_DEPTH), np.int16)
    packed[:, :, 0] = padded_bias.reshape(tiles, ports, outputs).transpose(1, 0, 2)
    words = padded.reshape(tiles, ports, outputs, depth, TILE_DEPTH)
    packed[:, :, 1:] = words.transpose(1, 0, 3, 2, 4).reshape(ports, tiles, -1, TILE_DEPTH)
    return packed.reshape(-1)


def pack_rows(rows: Integers) -> NDArray[np.int16]:
    """Return rows (R, C) row-major with every row padded to whole words, flattened."""
    columns = ceil_div(rows.shape[-1], TILE_DEPTH) * TILE_DEPTH
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
