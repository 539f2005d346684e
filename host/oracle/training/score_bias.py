"""A bias of attention scores from a table (docs/on-device-training.md, score_bias)."""

import numpy as np

from trivit.host.fixed_point import Int16, requantize


def score_bias(table: Int16, index: Int16, *, factor: int, shift: int) -> tuple[Int16, int]:
    """Return the bias of each pair, (heads, tokens, tokens), and the saturation count.

    Args:
        table: (entries, heads).
        index: (tokens, tokens), the entry of each pair, query first.
        factor: what the table is multiplied by, an integer of 16 bits.
        shift: right shift of table·factor.
    """
    return requantize(table[index].transpose(2, 0, 1).astype(np.int64) * factor, shift)


def score_bias_backward(
    d_scores: Int16, index: Int16, *, entries: int, factor: int, shift: int
) -> tuple[Int16, int]:
    """Return the gradient of the table, (entries, heads), and the saturation count.

    Args:
        d_scores: (heads, tokens, tokens), gradient of the scores before their scale.
        index: (tokens, tokens).
        entries: of the table; one that no pair names gets zero.
        factor: as in forward.
        shift: right shift of sum·factor.
    """
    sums = np.zeros((entries, len(d_scores)), np.int64)
    by_pair = d_scores.reshape(len(d_scores), -1).T
    np.add.at(sums, index.ravel(), by_pair.astype(np.int64))
    return requantize(sums * factor, shift)
