"""Gradients of attention, and what its [CLS] row tells (docs/on-device-training.md)."""

from dataclasses import dataclass

import numpy as np

from trivit.host.fixed_point import Int16, requantize
from trivit.host.oracle.matmul import exact_product


@dataclass(frozen=True, kw_only=True)
class AttentionGradients:
    """Gradients of the probabilities and scores, (heads, tokens, tokens), and of Q, K and V.

    ``qkv`` is (tokens, 3·heads·head_dim); ``saturated`` counts in the order of the fields.
    """

    probs: Int16
    scores: Int16
    qkv: Int16
    saturated: tuple[int, int, int]


def softmax_backward(
    gradient: Int16, probs: Int16, *, prob_frac: int, scale: int, shift: int
) -> tuple[Int16, int]:
    """Return the gradient of scores, (rows, keys), and the saturation count.

    Args:
        gradient: (rows, keys), of the probabilities.
        probs: (rows, keys), as forward rounded them.
        prob_frac: fraction length of the probabilities.
        scale: the softmax's factor as an integer of 16 bits.
        shift: right shift of p·(dP - D)·scale.
    """
    p, dp = probs.astype(np.int64), gradient.astype(np.int64)
    row_sums = (p * dp).sum(axis=1, keepdims=True)
    return requantize(p * ((dp << prob_frac) - row_sums) * scale, shift)


def attention_backward(
    gradient: Int16,
    qkv: Int16,
    probs: Int16,
    *,
    prob_frac: int,
    scale: int,
    probs_shift: int,
    scores_shift: int,
    query_shift: int,
    value_shift: int,
) -> AttentionGradients:
    """Return the gradients inside and before an attention.

    Args:
        gradient: (tokens, heads·head_dim), of the attention's output.
        qkv: (tokens, 3·heads·head_dim), as forward read it.
        probs: (heads, tokens, tokens), as forward rounded them.
        prob_frac: fraction length of the probabilities.
        scale: the softmax's factor as an integer of 16 bits.
        probs_shift: right shift of dO·Vᵀ.
        scores_shift: right shift of p·(dP - D)·scale.
        query_shift: right shift of dS·K and dSᵀ·Q.
        value_shift: right shift of Pᵀ·dO.
    """
    heads, tokens, _ = probs.shape
    q, k, v = np.split(qkv.reshape(tokens, 3 * heads, -1).transpose(1, 0, 2), 3)
    out = gradient.reshape(tokens, heads, -1).transpose(1, 0, 2)
    d_probs, d_scores = np.empty_like(probs), np.empty_like(probs)
    thirds = np.empty((3, heads, tokens, out.shape[2]), np.int16)
    counts = [0, 0, 0]
    for head in range(heads):
        d_probs[head], count = requantize(exact_product(out[head], v[head].T), probs_shift)
        counts[0] += count
        d_scores[head], count = softmax_backward(
            d_probs[head], probs[head], prob_frac=prob_frac, scale=scale, shift=scores_shift
        )
        counts[1] += count
        for third, (left, right, shift) in enumerate(
            (
                (d_scores[head], k[head], query_shift),
                (d_scores[head].T, q[head], query_shift),
                (probs[head].T, out[head], value_shift),
            )
        ):
            thirds[third, head], count = requantize(exact_product(left, right), shift)
            counts[2] += count
    return AttentionGradients(
        probs=d_probs,
        scores=d_scores,
        qkv=thirds.transpose(2, 0, 1, 3).reshape(tokens, -1),
        saturated=(counts[0], counts[1], counts[2]),
    )


def cls_moments(probs: Int16) -> tuple[int, int]:
    """Return (sum, sum of squares) over the patch tokens of what [CLS] gives to each of them.

    That is the sum over the heads, row 0 of ``probs`` (heads, tokens, tokens) without [CLS] itself.
    """
    given = probs[:, 0, 1:].astype(np.int64).sum(axis=0)
    return int(given.sum()), int((given * given).sum())
