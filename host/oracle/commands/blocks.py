"""GELU, softmax, normalisation and selection between their streams."""

import numpy as np

from trivit.host import oracle
from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS
from trivit.host.oracle.commands.streams import Work
from trivit.host.oracle.commands.units import (
    PAIR,
    Unit,
    from_pairs,
    group_rows,
    largest_of,
    to_pairs,
    to_tile_order,
)
from trivit.host.tiles import ceil_div, depth_words, row_groups


def gelu(unit: Unit) -> Work:
    """Pass rows of tiles."""
    while True:
        f = yield from unit.next()
        rows = yield from unit.take("sums", f["tile_rows"])
        values, saturated = oracle.gelu(rows, f["in_frac"], f["out_frac"])
        unit.send("gelu", values)
        unit.report(saturated, largest_of(values))


def softmax(unit: Unit) -> Work:
    """Turn scores into probabilities, a row group at a time."""
    while True:
        f = yield from unit.next()
        keys, saturated, largest = f["keys"], 0, 0
        tiles, words = ceil_div(keys, TILE_OUTPUTS), depth_words(keys)
        for _ in range(f["heads"]):
            for group in range(row_groups(f["rows"])):
                rows = group_rows(f["rows"], group, TILE_TOKENS)
                block = yield from unit.take("scores", tiles * rows)
                scores = block.reshape(tiles, rows, TILE_OUTPUTS).transpose(1, 0, 2)
                scores = scores.reshape(rows, -1)[:, :keys]
                open_keys = np.ones(scores.shape, dtype=bool)
                if f["masked"]:
                    mask = yield from unit.take("open", tiles * rows)
                    mask = mask.reshape(tiles, rows, TILE_OUTPUTS).transpose(1, 0, 2)
                    open_keys = mask.reshape(rows, -1)[:, :keys] != 0
                probs, count = oracle.softmax(
                    scores,
                    open_keys,
                    exp_multiplier=f["exp_multiplier"],
                    exp_shift=f["exp_shift"],
                    prob_frac=f["prob_frac"],
                )
                saturated, largest = saturated + count, max(largest, largest_of(probs))
                padded = np.zeros((2, rows, words * TILE_DEPTH), dtype=np.int16)
                padded[:, :, :keys] = probs, open_keys
                pairs = to_pairs(padded[0])
                unit.send("probabilities", to_tile_order(pairs))
                if f["send_cls"] and group == 0:
                    unit.send("cls", padded[0, 0])
                if f["send_all"]:
                    measured = np.concatenate([pairs, to_pairs(padded[1])], axis=2)
                    unit.send("measured", to_tile_order(measured))
        unit.report(saturated, largest)


def normalise(unit: Unit) -> Work:
    """Normalise rows by their own statistics."""
    numbers = ("inv_width", "sqrt_width", "epsilon", "beta_shift", "norm_shift")
    while True:
        f = yield from unit.next()
        saturated = largest = 0
        for group in range(row_groups(f["rows"])):
            rows = group_rows(f["rows"], group, TILE_TOKENS)
            pairs = ceil_div(rows, 2)
            words = yield from unit.take("rows", f["words"] * pairs)
            if group == 0:  # vectors wait for the first rows, and hold up all loads behind them
                vectors = yield from unit.take("vectors", f["words"])
                gamma, beta = vectors.reshape(-1, 2, TILE_DEPTH).transpose(1, 0, 2).reshape(2, -1)
            x = from_pairs(words.reshape(f["words"], pairs, PAIR), rows)
            y, count = oracle.normalise(
                x, oracle.row_statistics(x), gamma, beta, **{name: f[name] for name in numbers}
            )
            saturated, largest = saturated + count, max(largest, largest_of(y))
            unit.send("normalised", to_pairs(y))
        unit.report(saturated, largest)


def select(unit: Unit) -> Work:
    """Choose tokens by the head-summed probabilities of row 0."""
    while True:
        f = yield from unit.next()
        words = depth_words(f["tokens"])
        total = np.zeros(words * TILE_DEPTH, dtype=np.int64)
        for _ in range(f["heads"]):
            block = yield from unit.take("cls", words)
            total += block.reshape(-1)
        kept = oracle.select_tokens(total[: f["tokens"]], f["keep"])
        padded = np.zeros(depth_words(len(kept)) * TILE_DEPTH, dtype=np.int16)
        padded[: len(kept)] = kept
        unit.send("lists", padded)
        if f["send_kept"]:
            stays = np.zeros(words * TILE_DEPTH, dtype=np.int16)
            stays[kept] = 1
            unit.send("kept", stays)
        unit.report()
