"""Shifts, constants and bounds of single operations."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trivit.tools.compiler import arithmetic
from trivit.tools.compiler.ir import Attention, LayerNorm, Parameter, Tensor
from trivit.tools.errors import ToolsError


def attention(score_frac: int = 10, scale: float = 0.25, prob_frac: int = 15) -> Attention:
    return Attention(
        output=Tensor("context", 5, 32, 12),
        qkv=Tensor("qkv", 5, 96, 12),
        mask=None,
        heads=2,
        scale=scale,
        scores=Tensor("scores", 10, 5, score_frac),
        probs=Tensor("probs", 10, 5, prob_frac),
    )


@given(st.integers(0, 24), st.floats(2.0**-7, 2.0))
def test_exponent_constant(score_frac: int, scale: float) -> None:
    multiplier, shift = arithmetic.exponent(attention(score_frac, scale))
    exact = scale * math.log2(math.e) * 2.0 ** (20 - score_frac)
    assert 1 << 23 <= multiplier < 1 << 24
    assert 0 <= shift <= 40
    assert multiplier * 2.0**-shift == pytest.approx(exact, rel=2.0**-24)


def test_exponent_of_an_impossible_scale() -> None:
    with pytest.raises(ToolsError, match=r"'scores' with 0 fraction bits .* exponent shift of -"):
        arithmetic.exponent(attention(0, 1e6))


@given(st.integers(1, 384), st.integers(0, 24))
def test_layer_norm_constants(words: int, frac: int) -> None:
    width = 8 * words
    ones = Parameter("gamma", np.full(width, 32767), 14)
    zeros = Parameter("beta", np.zeros(width, np.int64), 12)
    norm = LayerNorm(Tensor("y", 3, width, 11), Tensor("x", 3, width, frac), ones, zeros, 1e-6)
    fields = arithmetic.layer_norm_fields(norm)
    assert fields["inv_width"] == round(2**32 / width)
    assert fields["sqrt_width"] == round(width**0.5 * 65536)
    assert fields["epsilon"] == round(1e-6 * width * 4.0 ** (frac + 8))
    assert (fields["beta_shift"], fields["norm_shift"]) == (22, 23)
    with pytest.raises(ToolsError, match="epsilon 1000 is too large"):
        arithmetic.layer_norm_fields(replace(norm, epsilon=1e3, x=Tensor("x", 3, width, 24)))


def test_shift_ranges() -> None:
    assert arithmetic.out_shift("y", 25, 9) == 16
    assert arithmetic.out_shift("y", 0, 16) == -16
    assert arithmetic.align_shift("y", "bias", 30, 0) == 30
    with pytest.raises(ToolsError, match=r"'y' needs an output shift of -17"):
        arithmetic.out_shift("y", 0, 17)
    with pytest.raises(ToolsError, match=r"bias of 'y' .* a shift of 31"):
        arithmetic.align_shift("y", "bias", 31, 0)
    with pytest.raises(ToolsError, match=r"bias of 'y' .* a shift of -1"):
        arithmetic.align_shift("y", "bias", 5, 6)


def test_sums_that_could_leave_the_accumulator() -> None:
    no_bias = np.zeros(1, np.int64)
    nothing = Parameter("w", np.array([[0]]), 0)
    # 2^15 << 31 is 2^46: two signed bits more make 48; the next shift is one too many.
    arithmetic.check_product("y", nothing, no_bias, 0, 31)
    with pytest.raises(ToolsError, match=r"sums of 'y' can reach 49 bits, .* have 48"):
        arithmetic.check_product("y", nothing, no_bias, 0, 32)
    many = Parameter("w", np.full((1, 1 << 17), 32767), 10)
    arithmetic.check_product("y", many, no_bias, 0, None)
    with pytest.raises(ToolsError, match=r"sums of 'y' can reach 49 bits"):
        arithmetic.check_product("y", many, np.array([32767]), 18, None)
