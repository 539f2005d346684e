"""Products, column sums and sums of gradients (docs/on-device-training.md)."""

import numpy as np

from trivit.host.fixed_point import Int16, Int64, requantize, round_half_even
from trivit.host.oracle.matmul import exact_product


def align(values: Int16, shift: int) -> Int64:
    """Return ``values`` shifted left by ``shift``; below 0 they are rounded half to even."""
    return round_half_even(values.astype(np.int64), -shift)


def product(
    a: Int16,
    b: Int16,
    *,
    shift: int,
    transpose_a: bool = False,
    transpose_b: bool = False,
    bias: Int16 | None = None,
    bias_shift: int = 0,
    addend: Int16 | None = None,
    addend_shift: int = 0,
) -> tuple[Int16, int]:
    """Return requantize(a·b + bias + addend) and the saturation count.

    Args:
        a: (M, K), or (K, M) with ``transpose_a``.
        b: (K, N), or (N, K) with ``transpose_b``.
        shift: right shift to the fraction length of the result.
        transpose_a: read ``a`` the other way.
        transpose_b: read ``b`` the other way.
        bias: (N,).
        bias_shift: left shift that aligns the bias with the products.
        addend: (M, N), a residual or another reader's gradient.
        addend_shift: left shift that aligns it; below 0 it is rounded first.
    """
    accumulator = exact_product(a.T if transpose_a else a, b.T if transpose_b else b)
    if bias is not None:
        accumulator = accumulator + align(bias, bias_shift)
    if addend is not None:
        accumulator = accumulator + align(addend, addend_shift)
    return requantize(accumulator, shift)


def column_sums(gradient: Int16, shift: int) -> tuple[Int16, int]:
    """Return the (N,) sums over the rows of ``gradient`` (M, N), and the saturation count."""
    return requantize(gradient.astype(np.int64).sum(axis=0), shift)


def add(a: Int16, b: Int16, *, a_shift: int, b_shift: int, shift: int) -> tuple[Int16, int]:
    """Return requantize(a·2^a_shift + b·2^b_shift, shift) and the saturation count."""
    return requantize(align(a, a_shift) + align(b, b_shift), shift)
