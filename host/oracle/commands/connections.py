"""Selection of connections: head sums, the keys that each kept row sees, and their replay."""

from collections.abc import Generator

import numpy as np

from trivit.host import oracle
from trivit.host.fixed_point import Int64
from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS
from trivit.host.oracle.attention import CLOSED_SUM
from trivit.host.oracle.commands.streams import Work
from trivit.host.oracle.commands.units import PAIR, Unit, from_pairs, from_tile_order, group_rows
from trivit.host.tiles import ceil_div, depth_words, row_groups


def connections(unit: Unit) -> Work:
    """Choose the keys of later attentions, and send them for each of these."""
    mask = np.zeros((0, 0), dtype=bool)
    while True:
        f = yield from unit.next()
        rows, keys = f["rows"], f["keys"]
        if not f["replay"]:
            sums = yield from _head_sums(unit, f)
            words = yield from unit.take("kept", depth_words(keys))
            kept = np.flatnonzero(words.reshape(-1)).astype(np.int16)
            if len(kept) != f["kept"] or kept[-1] >= rows:
                raise unit.thread.error(
                    f"chooses for {f['kept']} of {rows} rows by a list of {len(kept)}"
                )
            mask = oracle.select_connections(sums, kept, f["keep"])
        elif len(mask) < max(rows, keys):
            raise unit.thread.error(
                f"sends keys of {rows} rows, when the last choice has {len(mask)}"
            )
        else:
            tiles = ceil_div(keys, TILE_OUTPUTS)
            padded = np.zeros((rows, tiles * TILE_OUTPUTS), dtype=np.int16)
            padded[:, :keys] = mask[:rows, :keys]
            for _ in range(f["heads"]):
                for first in range(0, rows, TILE_TOKENS):
                    group = padded[first : first + TILE_TOKENS]
                    unit.send("open", group.reshape(len(group), tiles, -1).transpose(1, 0, 2))
        unit.report()


def _head_sums(unit: Unit, f: dict[str, int]) -> Generator[str, None, Int64]:
    """Return the probabilities summed over heads, (rows, keys), with a mark for closed keys."""
    words = depth_words(f["keys"])
    sums = np.zeros((f["rows"], words * TILE_DEPTH), dtype=np.int64)
    closed = np.zeros(sums.shape, dtype=bool)
    for _ in range(f["heads"]):
        for group in range(row_groups(f["rows"])):
            rows = group_rows(f["rows"], group, TILE_TOKENS)
            pairs = ceil_div(rows, 2)
            block = yield from unit.take("measured", words * pairs)
            measured = from_tile_order(block, words, pairs)
            place = slice(group * TILE_TOKENS, group * TILE_TOKENS + rows)
            sums[place] += from_pairs(measured[:, :, :PAIR], rows)
            closed[place] = from_pairs(measured[:, :, PAIR:], rows) == 0
    return np.where(closed, CLOSED_SUM, sums)[:, : f["keys"]]
