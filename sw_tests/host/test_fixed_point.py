"""Rounding and saturation against exact fractions."""

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from trivit.host.fixed_point import requantize, round_half_even, to_real

VALUES = st.integers(-(2**47), 2**47)


@given(VALUES, st.integers(0, 60))
def test_rounding_is_half_to_even(value: int, shift: int) -> None:
    # Python's round() of a Fraction is exact and rounds ties to even.
    assert int(round_half_even(np.int64(value), shift)) == round(Fraction(value, 2**shift))


@given(VALUES, st.integers(-16, 60))
def test_requantize_clamps_and_counts(value: int, shift: int) -> None:
    exact = round(Fraction(value) / Fraction(2) ** shift)
    clamped = min(max(exact, -32768), 32767)
    result, saturated = requantize(np.array([value], dtype=np.int64), shift)
    assert result.dtype == np.int16
    assert (int(result[0]), saturated) == (clamped, int(clamped != exact))


def test_ties_go_to_even() -> None:
    values = np.array([-5, -3, -1, 1, 3, 5], dtype=np.int64)
    assert round_half_even(values, 1).tolist() == [-2, -2, 0, 0, 2, 2]


def test_to_real_is_exact() -> None:
    assert to_real(np.array([-32768, 1], dtype=np.int16), 15).tolist() == [-1.0, 2.0**-15]
