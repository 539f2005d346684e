"""Tiles of attention without an open connection: what a GPU kernel could skip.

A mask is bool (T, T): row = query, column = key, both with [CLS] first. A kernel takes a tile of
queries and goes over tiles of keys; it can leave out a tile only where every connection in it is
closed. All heads of an image share its mask.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.tiles import ceil_div
from trivit.models.model_config import ModelConfig
from trivit.models.topology import Block, KeepRatios, passages, walk
from trivit.tools.study.mappings import Mask

#: Queries x keys. Tensor cores take no tile below 16.
TILES = ((16, 16), (32, 32), (64, 64), (16, 64))

Order = tuple[NDArray[np.int64], NDArray[np.int64]]


def as_they_come(mask: Mask) -> Order:
    """Return queries and keys in the tokens' order."""
    places = np.arange(len(mask))
    return places, places


def by_count(mask: Mask) -> Order:
    """Sort all tokens by the number of queries that attend to them, [CLS] first: one sort."""
    places = np.argsort(-mask.sum(axis=0), kind="stable")
    return places, places


def by_count_and_place(mask: Mask) -> Order:
    """Sort keys by count, and queries by the mean place of their keys in that order: two sorts."""
    _, keys = by_count(mask)
    rank = np.empty(len(mask))
    rank[keys] = np.arange(len(mask))
    return np.argsort(mask @ rank / mask.sum(axis=1), kind="stable"), keys


def gathered(mask: Mask) -> Order:
    """Group queries with alike keys, and keys with alike queries: greedy, far from cheap.

    Each next token has the most connections in common with the one before it.
    """
    return _chain(mask), _chain(mask.T)


def _chain(rows: Mask) -> NDArray[np.int64]:
    """Return all rows, the fullest first, each next one the most alike of those left."""
    common = rows.astype(np.int64) @ rows.T.astype(np.int64)
    count = rows.sum(axis=1)
    union = count[:, None] + count[None] - common
    alike = common / np.maximum(union, 1)
    order = [int(count.argmax())]
    left = np.ones(len(rows), dtype=bool)
    left[order[0]] = False
    while left.any():
        order.append(int(np.where(left, alike[order[-1]], -1.0).argmax()))
        left[order[-1]] = False
    return np.array(order)


ORDERS: dict[str, Callable[[Mask], Order]] = {
    "in order": as_they_come,
    "sorted by count": by_count,
    "keys by count, queries by place": by_count_and_place,
    "grouped, greedy": gathered,
}


def open_tiles(mask: Mask, queries: int, keys: int) -> int:
    """Return how many tiles of ``queries`` x ``keys`` hold an open connection."""
    rows, columns = (ceil_div(len(mask), size) for size in (queries, keys))
    padded = np.zeros((rows * queries, columns * keys), dtype=bool)
    padded[: len(mask), : len(mask)] = mask
    return int(padded.reshape(rows, queries, columns, keys).any(axis=(1, 3)).sum())


def fewest_tiles(mask: Mask, queries: int, keys: int) -> int:
    """Return a number of open tiles that no order of queries and keys can go below.

    A group of queries needs the tiles that its fullest query's keys fill. The sum over all groups
    is least when queries are grouped by their number of keys.
    """
    counts = np.sort(mask.sum(axis=1))[::-1]
    return int(sum(ceil_div(int(fullest), keys) for fullest in counts[::queries]))


def closed_share(masks: Sequence[Mask]) -> list[dict[str, Any]]:
    """Return the percentage of closed tiles, in the mean over ``masks``, for each size of a tile.

    Each row has ``tile``, ``tiles`` (of one mask), a share for each of ``ORDERS``, and ``bound``:
    no order closes more.
    """
    rows: list[dict[str, Any]] = []
    for queries, keys in TILES:
        length = len(masks[0])
        total = ceil_div(length, queries) * ceil_div(length, keys)
        row: dict[str, Any] = {"tile": f"{queries}x{keys}", "tiles": total}
        for name, order in ORDERS.items():
            needed = [open_tiles(mask[np.ix_(*order(mask))], queries, keys) for mask in masks]
            row[name] = _closed(needed, total)
        row["bound"] = _closed([fewest_tiles(mask, queries, keys) for mask in masks], total)
        rows.append(row)
    return rows


def _closed(needed: Sequence[int], total: int) -> float:
    return round(100.0 * (1.0 - float(np.mean(needed)) / total), 1)


def saved_percent(config: ModelConfig, closed: Sequence[float], attention_percent: float) -> float:
    """Return how much of a step skipping could save at most, in percent: modelled, not measured.

    Attention takes time with the square of its tokens, everything else in proportion to them.
    Finding out what is closed costs nothing here.

    Args:
        config: the model at its keep ratios.
        closed: percentage of closed tiles behind each selector.
        attention_percent: what attention takes of a step with all tokens.
    """
    ratios = KeepRatios(config.token_keep_ratio, 1.0, 1.0)
    attention = other = skipped = 0.0
    whole = 1 + config.num_patches
    behind, share = iter(closed), 0.0
    for step in walk(config, passages(config, ratios)):
        if not isinstance(step.layer, Block):
            continue
        cost = attention_percent * (step.tokens / whole) ** 2
        attention += cost
        skipped += cost * share / 100.0
        other += (100.0 - attention_percent) * step.tokens_left / whole
        if step.selection is not None:
            share = next(behind)
    return 100.0 * skipped / (attention + other)


def tile_table(masks: Sequence[NDArray[np.bool_]]) -> list[dict[str, Any]]:
    """Return ``closed_share`` of each selector's masks, bool (B, T, T), with their ``tokens``."""
    return [
        {"tokens": batch.shape[1], **row} for batch in masks for row in closed_share(list(batch))
    ]


def saved_table(
    config: ModelConfig, rows: Sequence[Mapping[str, Any]], attention_percent: float
) -> list[dict[str, Any]]:
    """Return for each size of a tile what skipping could save of a step, in percent, by order."""
    table: list[dict[str, Any]] = []
    for tile in dict.fromkeys(row["tile"] for row in rows):
        own = [row for row in rows if row["tile"] == tile]
        table.append(
            {"tile": tile}
            | {
                name: round(saved_percent(config, [row[name] for row in own], attention_percent), 2)
                for name in (*ORDERS, "bound")
            }
        )
    return table
