"""The mean of the patch tokens, by an attention that looks at all of them alike.

The kernel has no instruction that adds rows, and needs none: queries and keys of zeros give every
token that a bias leaves open the same probability, and the values are copies of the tokens. A
product with ones copies the row, since statistics for a LayerNorm are noted by products alone.
"""

from __future__ import annotations

import numpy as np

from trivit.host.fixed_point import INT16_MIN
from trivit.host.generated.spec import MAX_HEAD_WORDS, TILE_DEPTH
from trivit.host.oracle.attention import softmax
from trivit.tools.compiler import arithmetic
from trivit.tools.compiler.ir import (
    Attention,
    Integers,
    Linear,
    MeanPool,
    Operation,
    Parameter,
    Tensor,
)
from trivit.tools.errors import ToolsError

_SCORE_FRAC = 10  # so that closed tokens vanish


def pooling_operations(pool: MeanPool) -> list[Operation]:
    """Return the operations of the kernel that compute a mean.

    Raises:
        ToolsError: other weights than the kernel's for some tokens alike, or a width or a format
            that it does not take.
    """
    x, output, weights = pool.x, pool.output, pool.weights.integers
    if 2 * x.frac <= 1:
        raise ToolsError(f"'{output.name}' adds rows of '{x.name}' without fraction bits")
    heads = _heads(x.columns, output.name)
    scores = Tensor(f"{output.name}.scores", heads * x.rows, x.rows, min(_SCORE_FRAC, 2 * x.frac))
    closed = np.where(weights == 0, INT16_MIN, 0)
    bias = Parameter(
        f"{output.name}.closed",
        np.broadcast_to(closed, (heads, x.rows, x.rows)).astype(np.int64),
        scores.frac - 1,
    )
    values = Tensor(f"{output.name}.values", x.rows, 3 * x.columns, x.frac)
    attention = Attention(
        output=Tensor(f"{output.name}.rows", x.rows, x.columns, output.frac),
        qkv=values,
        mask=None,
        heads=heads,
        scale=1.0,
        scores=scores,
        probs=Tensor(f"{output.name}.probs", heads * x.rows, x.rows, pool.weights.frac),
        bias=bias,
    )
    _check_weights(attention, closed, weights)
    ones = np.eye(x.columns, dtype=np.int64)
    copies = np.concatenate([np.zeros((2 * x.columns, x.columns), np.int64), ones])
    copy = Parameter(f"{output.name}.copy", ones, 0)
    return [
        Linear(values, x, Parameter(f"{output.name}.copies", copies, 0), None, None),
        attention,
        Linear(output, attention.output, copy, None, None),
    ]


def _heads(width: int, name: str) -> int:
    """Return how many heads the width is cut into: as few as there can be."""
    for heads in range(1, width // TILE_DEPTH + 1):
        words, rest = divmod(width, heads * TILE_DEPTH)
        if rest == 0 and words <= MAX_HEAD_WORDS:
            return heads
    raise ToolsError(f"'{name}' has width {width}; the kernel needs a multiple of {TILE_DEPTH}")


def _check_weights(attention: Attention, closed: Integers, weights: Integers) -> None:
    multiplier, shift = arithmetic.exponent(attention)
    probs, _ = softmax(
        np.zeros((1, len(weights)), np.int16),
        (closed == 0)[None],
        exp_multiplier=multiplier,
        exp_shift=shift,
        prob_frac=attention.probs.frac,
    )
    if not np.array_equal(probs[0], weights):
        raise ToolsError(
            f"'{attention.output.name}' weighs rows by {np.unique(weights).tolist()}; the kernel "
            f"means some rows alike, with {int(probs.max())}"
        )
