"""Matrix product with its fused epilogue (docs/numerics.md, matmul)."""

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from trivit.host.fixed_point import Int16, Int64, requantize
from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS
from trivit.host.oracle.gelu import gelu as apply_gelu

Scalar = TypeVar("Scalar", bound=np.generic)


def unpack_weight(
    packed: NDArray[Scalar], tiles: int, depth_words: int
) -> tuple[NDArray[Scalar], NDArray[Scalar]]:
    """Return the weight (tiles·32, depth_words·8) and the bias (tiles·32,) of a packed matrix.

    ``packed`` holds a segment for each parameter port (docs/numerics.md, Parameters).
    """
    ports = TILE_OUTPUTS // TILE_DEPTH
    segments = packed.reshape(ports, tiles, 1 + 8 * depth_words, TILE_DEPTH)
    bias = segments[:, :, 0].transpose(1, 0, 2).reshape(-1)
    words = segments[:, :, 1:].reshape(ports, tiles, depth_words, 8, TILE_DEPTH)
    weight = words.transpose(1, 0, 3, 2, 4).reshape(tiles * TILE_OUTPUTS, -1)
    return weight, bias


def exact_product(a: Int16, b: Int16) -> Int64:
    """Return ``a @ b`` without rounding; float64 holds these sums exactly.

    |a·b| ≤ 2^30, so a sum of up to 2^22 products stays below 2^53.
    """
    return (a.astype(np.float64) @ b.astype(np.float64)).astype(np.int64)


def matmul(
    x: Int16,
    weight: Int16,
    bias: Int16,
    *,
    bias_shift: int,
    out_shift: int,
    residual: Int16 | None = None,
    residual_shift: int = 0,
    gelu: tuple[int, int] | None = None,
    kept: Int16 | None = None,
) -> tuple[Int16, int]:
    """Return requantize(x·Wᵀ + bias + residual), then GELU if asked, and the saturation count.

    Args:
        x: (rows, K) input.
        weight: (N, K).
        bias: (N,).
        bias_shift: left shift that aligns the bias with the products.
        out_shift: right shift from the accumulator to the output's fraction length.
        residual: (rows, N) added before rounding.
        residual_shift: left shift that aligns the residual.
        gelu: fraction lengths (input, output) of a GELU applied to the rounded sum.
        kept: the rows of ``x`` whose results are returned and counted; all by default.
    """
    if kept is not None:
        x = x[kept]
        residual = None if residual is None else residual[kept]
    accumulator = exact_product(x, weight.T) + (bias.astype(np.int64) << bias_shift)
    if residual is not None:
        accumulator = accumulator + (residual.astype(np.int64) << residual_shift)
    y, saturated = requantize(accumulator, out_shift)
    if gelu is None:
        return y, saturated
    activated, more = apply_gelu(y, *gelu)
    return activated, saturated + more
