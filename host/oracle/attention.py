"""Multi-head attention with fixed-point softmax (docs/numerics.md, attention)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.fixed_point import INT16_MIN, Int16, Int64, requantize, round_half_even
from trivit.host.generated.tables import EXP2, RECIP
from trivit.host.oracle.matmul import exact_product

# Below every sum, so that selection can tell a closed key from a live one of probability zero.
CLOSED_SUM = -1


@dataclass(frozen=True, kw_only=True)
class AttentionOutput:
    """Everything that attention computes, for comparison tensor by tensor.

    ``scores`` and ``probs`` are (heads, tokens, tokens) int16, ``context`` (tokens, heads·head_dim)
    int16, ``head_sum`` (tokens, tokens) int64: the probabilities summed over heads, and
    ``CLOSED_SUM`` where the mask is closed. ``saturations`` counts scores, probs and context.
    """

    scores: Int16
    probs: Int16
    context: Int16
    head_sum: Int64
    saturations: tuple[int, int, int]

    @property
    def saturated(self) -> int:
        """All saturations together."""
        return sum(self.saturations)


def exponentials(scores: Int16, open_keys: NDArray[np.bool_], multiplier: int, shift: int) -> Int64:
    """Return exp(scale·(s - max)) of the open keys at 24 fraction bits, closed keys zero."""
    wide = scores.astype(np.int64)
    peak = np.where(open_keys, wide, INT16_MIN).max(axis=1, keepdims=True)
    t = (np.where(open_keys, peak - wide, 0) * multiplier) >> shift
    halvings = t >> 20
    index = (t >> 12) & 255
    remainder = t & 4095
    e = ((EXP2[index] << 12) - (EXP2[index] - EXP2[index + 1]) * remainder) >> 10
    return np.where(open_keys & (halvings < 25), e >> np.minimum(halvings, 63), 0)


def reciprocal_of_sum(total: int) -> tuple[int, int]:
    """Return (R, b) with 1/total = R·2^-(24 + b); ``total`` is a row's sum, at least 2^24."""
    b = total.bit_length() - 1
    u = total << (40 - b)
    index, remainder = (u >> 31) & 511, (u >> 16) & 32767
    low, high = int(RECIP[index]), int(RECIP[index + 1])
    return ((low << 15) - (low - high) * remainder) >> 15, b


def softmax(
    scores: Int16,
    open_keys: NDArray[np.bool_],
    *,
    exp_multiplier: int,
    exp_shift: int,
    prob_frac: int,
) -> tuple[Int16, int]:
    """Return the probabilities of each row at ``prob_frac`` fraction bits and the saturation count.

    ``scores`` is (rows, keys) int16 and ``open_keys`` the same shape; a row without an open key is
    all zero. Error: at most p·2^-16 + 2^-24 plus half a step.
    """
    e = exponentials(scores, open_keys, exp_multiplier, exp_shift)
    probs = np.zeros(scores.shape, dtype=np.int16)
    saturated = 0
    for row, terms in enumerate(e):
        total = int(terms.sum())
        if total == 0:
            continue
        reciprocal, b = reciprocal_of_sum(total)
        probs[row], count = requantize(terms * reciprocal, 24 + b - prob_frac)
        saturated += count
    return probs, saturated


def attention(
    qkv: Int16,
    *,
    heads: int,
    score_shift: int,
    exp_multiplier: int,
    exp_shift: int,
    prob_frac: int,
    out_shift: int,
    mask: NDArray[np.bool_] | None = None,
    bias: Int16 | None = None,
    bias_shift: int = 0,
) -> AttentionOutput:
    """Return softmax(Q Kᵀ + bias)·V of every head and what the selectors need.

    Args:
        qkv: (tokens, 3·heads·head_dim): queries, keys, values.
        heads: number of heads.
        score_shift: right shift from the product q·k to the scores.
        exp_multiplier: with exp_shift, scale·log2(e)·2^-f_s at 20 fraction bits.
        exp_shift: see exp_multiplier.
        prob_frac: fraction length of the probabilities.
        out_shift: right shift from the product p·v to the output.
        mask: (tokens, tokens), True where a query may see a key; all open when absent.
        bias: (heads, tokens, tokens), added to the products q·k.
        bias_shift: left shift of the bias to the products; below 0 (in training) it is rounded.
    """
    tokens = qkv.shape[0]
    q, k, v = np.split(qkv.reshape(tokens, 3 * heads, -1).transpose(1, 0, 2), 3)
    open_keys = np.ones((tokens, tokens), dtype=bool) if mask is None else mask
    scores, probs, contexts = [], [], []
    counts = np.zeros(3, dtype=np.int64)
    for head in range(heads):
        product = exact_product(q[head], k[head].T)
        if bias is not None:
            product = product + round_half_even(bias[head].astype(np.int64), -bias_shift)
        s, s_count = requantize(product, score_shift)
        p, p_count = softmax(
            s,
            open_keys,
            exp_multiplier=exp_multiplier,
            exp_shift=exp_shift,
            prob_frac=prob_frac,
        )
        o, o_count = requantize(exact_product(p, v[head]), out_shift)
        counts += s_count, p_count, o_count
        scores.append(s)
        probs.append(p)
        contexts.append(o)
    stacked = np.stack(probs)
    return AttentionOutput(
        scores=np.stack(scores),
        probs=stacked,
        context=np.concatenate(contexts, axis=1),
        head_sum=np.where(open_keys, stacked.astype(np.int64).sum(axis=0), CLOSED_SUM),
        saturations=(int(counts[0]), int(counts[1]), int(counts[2])),
    )
