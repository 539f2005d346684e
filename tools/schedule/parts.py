"""Loop order of products: row groups within a tile, or tiles within a row group."""

from __future__ import annotations

from dataclasses import dataclass

from trivit.host.generated.spec import (
    PARAM_PORTS,
    TILE_DEPTH,
    TILE_OUTPUTS,
    TILE_TOKENS,
    WEIGHT_DEPTH,
)
from trivit.host.oracle.checks import column_tiles
from trivit.host.tiles import ceil_div
from trivit.tools.schedule.operations import Thirds

NORM_CLOCKS = 4  # of normalisation, for a word of a row group
LOAD_CLOCKS = TILE_TOKENS // PARAM_PORTS  # of a port, for a word of a row group
_RING_FOR_MATRIX = WEIGHT_DEPTH * 3 // 4  # the rest is for the matrix behind
_TILE_WORDS = TILE_OUTPUTS // TILE_DEPTH


@dataclass(frozen=True)
class Part:
    """Tiles ``first`` to ``first + tiles`` of a product, ``out_words`` words of its result.

    A part that ``counts`` tells the scoreboard of its row groups. The matrix in DDR has ``skipped``
    tiles before its first that the product does without.
    """

    first: int
    tiles: int
    out_words: int
    rows_outer: bool
    counts: bool
    skipped: int = 0

    @property
    def weights(self) -> int:
        """First tile in DDR."""
        return self.first + self.skipped

    @property
    def offset(self) -> int:
        """Words of a row before those of this part."""
        return self.first * _TILE_WORDS


def parts(depth_words: int, out_words: int, *, normalised: bool, loaded: int = 0) -> list[Part]:
    """Return the products that a matrix product is made of, in their order.

    Tiles outer, row groups inner: weights pass the ring once, and a row group is complete in the
    last tile. Two things make some tiles a product of their own with row groups outer, whose
    weights must be in the ring together:

    - normalisation, which follows, needs longer for a row group than the last tile: as many tiles
      at the end as last for a normalisation; their weights come while others are computed;
    - operand or residual are ``loaded`` meanwhile, so many words of a row: as many tiles at the
      beginning as last for a row group to come.
    """
    tiles = column_tiles(out_words)
    most = min(tiles, _RING_FOR_MATRIX // depth_words)
    clocks = {
        True: LOAD_CLOCKS * loaded,
        False: NORM_CLOCKS * out_words if normalised else 0,
    }
    first, last = (min(ceil_div(clocks[begin], depth_words), most) for begin in (True, False))
    last = min(last if last > 1 else 0, tiles - first)
    cuts = [(0, first, True), (first, tiles - first - last, False), (tiles - last, last, True)]
    return [
        Part(
            start,
            count,
            min(count * _TILE_WORDS, out_words - start * _TILE_WORDS),
            rows_outer=outer,
            counts=start + count == tiles,
        )
        for start, count, outer in cuts
        if count
    ]


def keys_first(out_words: int, thirds: Thirds | None = None) -> list[Part] | None:
    """Return keys and values as one product and queries as the next, whose row groups count behind.

    Keys and values are then placed in the ring while the queries are computed. None if the thirds
    of a row are no whole tiles. ``thirds``: which columns of a wider matrix these are; keys and
    values do not lie together there.
    """
    third, rest = divmod(out_words, 3 * _TILE_WORDS)
    if rest or (thirds and (thirds.first % _TILE_WORDS or thirds.of % (3 * _TILE_WORDS))):
        return None
    if thirds is None:
        words = third * _TILE_WORDS
        return [
            Part(third, 2 * third, 2 * words, rows_outer=False, counts=True),
            Part(0, third, words, rows_outer=False, counts=True),
        ]
    whole, first = thirds.of // (3 * _TILE_WORDS), thirds.first // _TILE_WORDS
    return [
        Part(
            number * third,
            third,
            third * _TILE_WORDS,
            rows_outer=False,
            counts=number != 1,
            skipped=number * (whole - third) + first,
        )
        for number in (1, 2, 0)
    ]
