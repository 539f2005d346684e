"""GELU, softmax, normalisation and selection between their streams."""

import numpy as np

from trivit.host import oracle
from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS
from trivit.host.oracle.commands.streams import Work
from trivit.host.oracle.commands.units import PAIR, Unit, from_pairs, group_rows, to_pairs
from trivit.host.tiles import ceil_div, depth_words, row_groups

TILE_WORDS = TILE_OUTPUTS // TILE_DEPTH


def gelu(unit: Unit) -> Work:
    """Pass rows of tiles."""
    while True:
        f = yield from unit.next()
        rows = yield from unit.take("sums", f["tile_rows"])
        values, saturated = oracle.gelu(rows, f["in_frac"], f["out_frac"])
        unit.send("gelu", values)
        unit.report(saturated)


def softmax(unit: Unit) -> Work:
    """Turn scores into probabilities, a row group at a time."""
    while True:
        f = yield from unit.next()
        if f["masked"]:
            raise unit.thread.error("masks are not interpreted")
        keys, saturated = f["keys"], 0
        tiles, words = ceil_div(keys, TILE_OUTPUTS), depth_words(keys)
        for _ in range(f["heads"]):
            for group in range(row_groups(f["rows"])):
                rows = group_rows(f["rows"], group, TILE_TOKENS)
                block = yield from unit.take("scores", tiles * rows)
                scores = block.reshape(tiles, rows, TILE_OUTPUTS).transpose(1, 0, 2)
                scores = scores.reshape(rows, -1)[:, :keys]
                probs, count = oracle.softmax(
                    scores,
                    np.ones(scores.shape, dtype=bool),
                    exp_multiplier=f["exp_multiplier"],
                    exp_shift=f["exp_shift"],
                    prob_frac=f["prob_frac"],
                )
                saturated += count
                padded = np.zeros((rows, words * TILE_DEPTH), dtype=np.int16)
                padded[:, :keys] = probs
                pairs = to_pairs(padded)
                for word in range(0, words, TILE_WORDS):  # tile, pair, word of the tile
                    tile = pairs[word : word + TILE_WORDS].transpose(1, 0, 2)
                    unit.send("probabilities", tile.reshape(-1, PAIR))
                if f["send_cls"] and group == 0:
                    unit.send("cls", padded[0])
        unit.report(saturated)


def normalise(unit: Unit) -> Work:
    """Normalise rows by their own statistics."""
    numbers = ("inv_width", "sqrt_width", "epsilon", "beta_shift", "norm_shift")
    while True:
        f = yield from unit.next()
        vectors = yield from unit.take("vectors", f["words"])
        gamma, beta = vectors.reshape(-1, 2, TILE_DEPTH).transpose(1, 0, 2).reshape(2, -1)
        saturated = 0
        for group in range(row_groups(f["rows"])):
            rows = group_rows(f["rows"], group, TILE_TOKENS)
            pairs = ceil_div(rows, 2)
            words = yield from unit.take("rows", f["words"] * pairs)
            x = from_pairs(words.reshape(f["words"], pairs, PAIR), rows)
            y, count = oracle.normalise(
                x, oracle.row_statistics(x), gamma, beta, **{name: f[name] for name in numbers}
            )
            saturated += count
            unit.send("normalised", to_pairs(y))
        unit.report(saturated)


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
        unit.report()
