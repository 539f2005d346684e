"""Shifts and constants of one operation, checked against what the kernel can do.

Formulas: docs/numerics.md. Every function raises ToolsError in one line when a format is out of
the kernel's range or a sum could leave its accumulator.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trivit.host.generated.spec import MAX_ALIGN_SHIFT, MAX_SHIFT, MIN_SHIFT
from trivit.host.training import shifts
from trivit.tools.compiler.ir import Attention, LayerNorm, Parameter, Tensor
from trivit.tools.errors import ToolsError

ACCUMULATOR_BITS = 48
MAX_PROB_FRAC = 15
_MAX_EXP_SHIFT = 40
_MAX_EPSILON = 1 << 56
VANISHES = 25  # halvings below the largest score after which a probability is 0
_INT16 = 1 << 15


def out_shift(name: str, accumulator_frac: int, frac: int) -> int:
    """Return the right shift from an accumulator to a tensor's fraction length."""
    shift = accumulator_frac - frac
    if not MIN_SHIFT <= shift <= MAX_SHIFT:
        raise ToolsError(
            f"'{name}' needs an output shift of {shift}, the kernel has {MIN_SHIFT}..{MAX_SHIFT}: "
            "quantize with closer fraction lengths"
        )
    return shift


def align_shift(name: str, what: str, accumulator_frac: int, frac: int) -> int:
    """Return the left shift that aligns a bias or residual with an accumulator."""
    shift = accumulator_frac - frac
    if not 0 <= shift <= MAX_ALIGN_SHIFT:
        raise ToolsError(
            f"{what} of '{name}' has {frac} fraction bits beside {accumulator_frac} of its "
            f"products: a shift of {shift}, the kernel has 0..{MAX_ALIGN_SHIFT}"
        )
    return shift


def check_product(
    name: str,
    weight: Parameter,
    bias: NDArray[np.int64],
    bias_shift: int,
    residual_shift: int | None,
) -> None:
    """Prove that no sum of a linear layer leaves the accumulator, whatever the data."""
    largest = np.abs(weight.integers).sum(axis=1) * _INT16 + (np.abs(bias) << bias_shift)
    bound = int(largest.max()) + (0 if residual_shift is None else _INT16 << residual_shift)
    _check_accumulator(name, bound)


def check_attention(operation: Attention, bias_shift: int) -> None:
    """Prove that the products of attention fit, with a bias, whatever the data."""
    terms = max(operation.head_dim, operation.tokens)
    bias = 0 if operation.bias is None else _INT16 << bias_shift
    _check_accumulator(operation.output.name, terms * _INT16 * _INT16 + bias)


def score_bias_shift(operation: Attention) -> int:
    """Return the left shift that aligns the bias of the scores with their products."""
    if operation.bias is None:
        return 0
    frac = 2 * operation.qkv.frac
    return align_shift(operation.scores.name, "the bias", frac, operation.bias.frac)


def check_closed_pairs(operation: Attention, multiplier: int, exp_shift: int) -> None:
    """Check that a pair whose bias is the lowest integer gets the probability 0.

    docs/numerics.md, attention, says which formats that needs.
    """
    assert operation.bias is not None
    name, bias, scores = operation.bias.name, operation.bias, operation.scores
    closed = bias.integers == -_INT16
    if not closed.any():
        return
    if closed.all(axis=-1).any():
        raise ToolsError(
            f"'{name}' closes every key of a row (all its values are {-_INT16}): leave one open"
        )
    if bias.frac >= scores.frac:
        raise ToolsError(
            f"'{name}' closes pairs and has {bias.frac} fraction bits, '{scores.name}' has "
            f"{scores.frac}: give the bias fewer, so that closed pairs have the lowest score"
        )
    if (_INT16 * multiplier) >> exp_shift < VANISHES << shifts.EXP_FRAC:
        raise ToolsError(
            f"'{scores.name}' with {scores.frac} fraction bits and scale {operation.scale:g} does "
            f"not reach low enough to close pairs: 2^{-VANISHES} of the largest probability"
        )


def _check_accumulator(name: str, bound: int) -> None:
    if bound >= 1 << (ACCUMULATOR_BITS - 1):
        raise ToolsError(
            f"sums of '{name}' can reach {bound.bit_length() + 1} bits, the kernel's accumulators "
            f"have {ACCUMULATOR_BITS}: quantize its weights, bias or residual with fewer fraction "
            "bits"
        )


def exponent(operation: Attention) -> tuple[int, int]:
    """Return (exp_multiplier, exp_shift): scale · log2(e) · 2^-f_s at 20 fraction bits."""
    multiplier, shift = shifts.exponent(operation.scale, operation.scores.frac)
    if not 0 <= shift <= _MAX_EXP_SHIFT:
        raise ToolsError(
            f"'{operation.scores.name}' with {operation.scores.frac} fraction bits and scale "
            f"{operation.scale:g} needs an exponent shift of {shift}, the kernel has "
            f"0..{_MAX_EXP_SHIFT}"
        )
    if operation.probs.frac > MAX_PROB_FRAC:
        raise ToolsError(
            f"'{operation.probs.name}' has {operation.probs.frac} fraction bits, the kernel's "
            f"probabilities have at most {MAX_PROB_FRAC}"
        )
    return multiplier, shift


def layer_norm_fields(operation: LayerNorm) -> dict[str, int]:
    """Return the numeric fields of a matmul that normalises its source."""
    name, width = operation.output.name, operation.x.columns
    if width % 8:
        raise ToolsError(
            f"'{name}' normalises rows of {width} elements; the kernel needs a multiple of 8"
        )
    constants = shifts.norm_constants(width, operation.x.frac, operation.epsilon)
    if constants["epsilon"] > _MAX_EPSILON:
        raise ToolsError(
            f"'{name}': epsilon {operation.epsilon:g} is too large for an input with "
            f"{operation.x.frac} fraction bits"
        )
    gamma, beta = operation.gamma, operation.beta
    accumulator_frac = shifts.NORM_FRAC + gamma.frac
    beta_shift = align_shift(name, "beta", accumulator_frac, beta.frac)
    # |normalised| <= sqrt(width); a few steps more for its own rounding.
    largest = math.isqrt(width) + 2
    bound = (np.abs(gamma.integers) * (largest << shifts.NORM_FRAC)) + (
        np.abs(beta.integers) << beta_shift
    )
    _check_accumulator(name, int(bound.max()))
    return constants | {
        "beta_shift": beta_shift,
        "norm_shift": out_shift(name, accumulator_frac, operation.output.frac),
    }


def check_gelu(hidden: Tensor) -> None:
    """Check the format of what GELU reads."""
    if hidden.frac > shifts.MAX_GELU_IN_FRAC:
        raise ToolsError(
            f"'{hidden.name}' has {hidden.frac} fraction bits, the kernel's GELU reads at most "
            f"{shifts.MAX_GELU_IN_FRAC}"
        )
