"""The blocks of backward between their streams (docs/accelerator-training.md)."""

from collections.abc import Generator

import numpy as np

from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS
from trivit.host.oracle import training
from trivit.host.oracle.commands.streams import Work
from trivit.host.oracle.commands.units import (
    PAIR,
    Unit,
    from_pairs,
    group_rows,
    largest_of,
    signed,
    to_pairs,
)
from trivit.host.tiles import ceil_div, row_groups


def gelu_backward(unit: Unit) -> Work:
    """Multiply rows of tiles by the derivative at their partners."""
    while True:
        f = yield from unit.next()
        rows = yield from unit.take("gelu_backward_rows", f["tile_rows"])
        dy, x = rows[:, :TILE_OUTPUTS], rows[:, TILE_OUTPUTS:]
        values, saturated = training.gelu_backward(dy, x, in_frac=f["in_frac"], shift=f["shift"])
        unit.send("gelu_backward_results", values)
        unit.report(saturated, largest_of(values))


def softmax_backward(unit: Unit) -> Work:
    """Turn gradients of probabilities into those of scores, a row group at a time."""
    while True:
        f = yield from unit.next()
        saturated = largest = 0
        for group in range(row_groups(f["rows"])):
            rows = group_rows(f["rows"], group, TILE_TOKENS)
            gradient, probs = yield from _take_rows(unit, "softmax_backward", rows, f["keys"])
            values, count = training.softmax_backward(
                gradient, probs, prob_frac=f["prob_frac"], scale=f["scale"], shift=f["shift"]
            )
            saturated, largest = saturated + count, max(largest, largest_of(values))
            _send_rows(unit, "softmax_backward", values)
        unit.report(saturated, largest)


def cross_entropy(unit: Unit) -> Work:
    """Turn a row of logits, with the target as its partner, into the gradient of the loss."""
    while True:
        f = yield from unit.next()
        logits, target = yield from _take_rows(unit, "cross_entropy", 1, f["classes"])
        values, saturated = training.cross_entropy(
            logits,
            target,
            exp_multiplier=f["exp_multiplier"],
            exp_shift=f["exp_shift"],
            frac=f["frac"],
        )
        _send_rows(unit, "cross_entropy", values)
        unit.report(saturated, largest_of(values))


def normalise_backward(unit: Unit) -> Work:
    """Return dX, row group after row group, and behind them dgamma, a row group of one row."""
    while True:
        f = yield from unit.next()
        norm = {name: f[name] for name in ("inv_width", "sqrt_width", "epsilon")}
        tensors = 2 + f["addend"]
        addend_shift = signed(f["addend_shift"], unit.name, "addend_shift")
        seen: list[tuple[Int16, Int16]] = []
        gamma = np.zeros(0, dtype=np.int16)
        saturated = largest = 0
        for group in range(row_groups(f["rows"])):
            rows = group_rows(f["rows"], group, TILE_TOKENS)
            pairs = ceil_div(rows, 2)
            words = yield from unit.take("gradient_rows", f["words"] * pairs * tensors)
            if group == 0:
                vectors = yield from unit.take("gradient_vectors", f["words"])
                gamma = vectors[:, :TILE_DEPTH].reshape(-1)
            parts = words.reshape(f["words"], pairs, tensors, PAIR).transpose(2, 0, 1, 3)
            dy, x, *addend = (from_pairs(part, rows) for part in parts)
            normalised = max(0, min(rows, f["normalised"] - group * TILE_TOKENS))
            values, count = training.normalise_backward(
                dy[:normalised],
                x,
                gamma,
                addend=addend[0] if addend else None,
                addend_shift=addend_shift,
                shift=f["shift"],
                **norm,
            )
            if normalised:
                seen.append((dy[:normalised], x[:normalised]))
            saturated, largest = saturated + count, max(largest, largest_of(values))
            unit.send("gradients", to_pairs(_padded(values, f["words"])))
        unit.report(saturated, largest)
        dy, x = (np.concatenate(parts) for parts in zip(*seen, strict=True))
        dgamma, saturated = training.normalise_gamma(dy, x, **norm, shift=f["gamma_shift"])
        unit.send("gradients", to_pairs(_padded(dgamma[None], f["words"])))
        unit.report(saturated, largest_of(dgamma))


def _take_rows(
    unit: Unit, block: str, rows: int, columns: int
) -> Generator[str, None, tuple[Int16, Int16]]:
    """Return ``rows`` rows of tiles and their partners, (rows, columns) each."""
    tiles = ceil_div(columns, TILE_OUTPUTS)
    block_words = yield from unit.take(f"{block}_rows", tiles * rows)
    values = block_words.reshape(tiles, rows, 2, TILE_OUTPUTS).transpose(2, 1, 0, 3)
    results, partners = values.reshape(2, rows, -1)[:, :, :columns]
    return results, partners


def _send_rows(unit: Unit, block: str, values: Int16) -> None:
    """Send rows as whole tiles, tile after tile."""
    rows, columns = values.shape
    tiles = ceil_div(columns, TILE_OUTPUTS)
    padded = np.zeros((rows, tiles * TILE_OUTPUTS), dtype=np.int16)
    padded[:, :columns] = values
    unit.send(
        f"{block}_results", padded.reshape(rows, tiles, TILE_OUTPUTS).transpose(1, 0, 2).copy()
    )


def _padded(rows: Int16, words: int) -> Int16:
    result = np.zeros((len(rows), words * TILE_DEPTH), dtype=np.int16)
    result[:, : rows.shape[1]] = rows
    return result
