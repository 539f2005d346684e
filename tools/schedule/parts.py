"""Loop order of products: row groups within a tile, or tiles within a row group."""

from __future__ import annotations

from dataclasses import dataclass

from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS, WEIGHT_DEPTH
from trivit.host.oracle.checks import column_tiles
from trivit.host.tiles import ceil_div

_NORM_CLOCKS = 4  # of normalisation, for a word of a row group
_RING_FOR_MATRIX = WEIGHT_DEPTH * 3 // 4  # the rest is for the matrix behind
_TILE_WORDS = TILE_OUTPUTS // TILE_DEPTH


@dataclass(frozen=True)
class Part:
    """Tiles ``first`` to ``first + tiles`` of a product, ``out_words`` words of its result."""

    first: int
    tiles: int
    out_words: int
    rows_outer: bool

    @property
    def offset(self) -> int:
        """Words of a row before those of this part."""
        return self.first * _TILE_WORDS


def parts(depth_words: int, out_words: int, *, normalised: bool) -> list[Part]:
    """Return the products that a matrix product is made of, in their order.

    Tiles outer, row groups inner: weights pass the ring once, and a row group is complete in the
    last tile. If normalisation, which follows, needs longer for a row group than the last tile,
    then the last tiles are a product of their own, row groups outer: as many tiles as last for a
    normalisation. Their weights must be in the ring together; they come while the other tiles are
    computed.
    """
    tiles = column_tiles(out_words)
    last = ceil_div(_NORM_CLOCKS * out_words, depth_words) if normalised else 1
    last = min(last, tiles, _RING_FOR_MATRIX // depth_words)
    if last <= 1:
        return [Part(0, tiles, out_words, rows_outer=False)]
    first = tiles - last
    inner = Part(first, last, out_words - first * _TILE_WORDS, rows_outer=True)
    return [Part(0, first, first * _TILE_WORDS, rows_outer=False), inner] if first else [inner]
