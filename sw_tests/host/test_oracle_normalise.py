"""Normalising rows: against float64, against centred squares, and with statistics of other rows."""

import math
from dataclasses import asdict, dataclass
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivit.host import oracle
from trivit.host.fixed_point import to_real
from trivit.host.generated.tables import RSQRT

GAMMA_FRAC, BETA_FRAC, OUT_FRAC = 13, 12, 10
WIDTHS = [8, 64, 192, 768, 3072]
QUIET = settings(deadline=None, max_examples=60)


@dataclass(frozen=True)
class Constants:
    """What the descriptor says of a normalisation."""

    inv_width: int
    sqrt_width: int
    epsilon: int
    beta_shift: int = 20 + GAMMA_FRAC - BETA_FRAC
    norm_shift: int = 20 + GAMMA_FRAC - OUT_FRAC


def usual(width: int, in_frac: int) -> Constants:
    return Constants(
        inv_width=round(2**32 / width),
        sqrt_width=round(math.sqrt(width) * 2**16),
        epsilon=round(1e-6 * width * 2 ** (2 * (in_frac + 8))),
    )


def parameters(rng: np.random.Generator, width: int) -> tuple[np.ndarray, np.ndarray]:
    gamma, beta = rng.integers(-32768, 32768, (2, width)).astype(np.int16)
    return gamma, beta


def rows_of(rng: np.random.Generator, width: int, amplitude: int) -> np.ndarray:
    """Return random rows and rows at the edges: constant, one outlier, limits, both signs."""
    x = rng.integers(-amplitude, amplitude + 1, (9, width)).astype(np.int16)
    x[1] = 7
    x[2, 0] = 32767
    x[3] = -32768
    x[4] = 32767
    x[5] = np.where(np.arange(width) % 2, 32767, -32768)
    x[6] = 0
    x[7] = 32767
    x[7, -1] = 32766
    x[8] = rng.choice([-32768, -1, 0, 1, 32767], width)
    return x


def rounded(value: Fraction, low: int, high: int) -> int:
    """Round to the nearest integer, ties to even, and clamp."""
    return min(max(round(value), low), high)


def one_row(
    row: list[int], mean: int, power: int, gamma: list[int], beta: list[int], c: Constants
) -> tuple[list[int], int]:
    """Return the normalised row and its saturations, in Python's integers and fractions."""
    power = max(1, power)
    k = (power.bit_length() - 1) // 2
    u = power * 2**22 // 4**k
    i, r = divmod(u - 2**22, 4096)
    low, high = int(RSQRT[i]), int(RSQRT[i + 1])
    root = math.floor(low - Fraction((low - high) * r, 4096))
    gain = round(Fraction(root * c.sqrt_width, 2**18))
    results, saturated = [], 0
    for x, g, b in zip(row, gamma, beta, strict=True):
        n = rounded(Fraction((256 * x - mean) * gain, 2 ** (k + 2)), -(2**26), 2**26 - 1)
        exact = (n * g + b * 2**c.beta_shift) / Fraction(2) ** c.norm_shift
        results.append(rounded(exact, -32768, 32767))
        saturated += results[-1] != round(exact)
    return results, saturated


@QUIET
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(WIDTHS),
    st.sampled_from([1, 20, 500, 32767]),
    st.integers(0, 15),
)
def test_within_its_bound(seed: int, width: int, amplitude: int, in_frac: int) -> None:
    rng = np.random.default_rng(seed)
    x = rows_of(rng, width, amplitude)
    gamma, beta = parameters(rng, width)
    y, _ = oracle.normalise(
        x, oracle.row_statistics(x), gamma, beta, **asdict(usual(width, in_frac))
    )
    real = to_real(x, in_frac)
    centred = real - real.mean(axis=1, keepdims=True)
    sigma = np.sqrt((centred**2).mean(axis=1, keepdims=True) + 1e-6)
    normalised = centred / sigma
    scale, offset = to_real(gamma, GAMMA_FRAC), to_real(beta, BETA_FRAC)
    step = 2.0**-OUT_FRAC
    expected = np.clip(normalised * scale + offset, -32768 * step, 32767 * step)
    mean = np.abs(x.mean(axis=1, keepdims=True))
    delta = (2.0**-9 + mean * width * 2.0**-33) * 2.0**-in_frac / sigma
    bound = np.abs(scale) * (np.abs(normalised) * (2.0**-19 + delta**2 / 2) + delta + 2.0**-20)
    error = np.abs(to_real(y, OUT_FRAC) - expected)
    assert (error <= bound + 0.5 * step).all()


@settings(QUIET, max_examples=25)
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from(WIDTHS),
    st.sampled_from([1, 20, 500, 32767]),
    st.integers(0, 15),
)
def test_equals_centred_squares(seed: int, width: int, amplitude: int, in_frac: int) -> None:
    """Sums and sums of squares give what two passes over the row give, to the last bit."""
    rng = np.random.default_rng(seed)
    x = rows_of(rng, width, amplitude)
    gamma, beta = parameters(rng, width)
    c = usual(width, in_frac)
    y, saturated = oracle.normalise(x, oracle.row_statistics(x), gamma, beta, **asdict(c))
    total = 0
    for result, row in zip(y.tolist(), x.tolist(), strict=True):
        mean = (sum(row) * c.inv_width + 2**23) >> 24
        assert abs(mean) <= 2**23
        power = sum((256 * value - mean) ** 2 for value in row) + c.epsilon
        expected, count = one_row(row, mean, power, gamma.tolist(), beta.tolist(), c)
        assert result == expected
        total += count
    assert saturated == total


def test_the_mean_of_the_smallest_values_stays_in_range() -> None:
    """616 · round(2^32 / 616) is 304 above 2^32, enough for a mean below -2^23."""
    width = 616
    c = usual(width, 8)
    assert (-32768 * width * c.inv_width + 2**23) >> 24 == -(2**23) - 1
    x = np.full((1, width), -32768, dtype=np.int16)
    beta = np.arange(width, dtype=np.int16)
    y, _ = oracle.normalise(x, oracle.row_statistics(x), beta, beta, **asdict(c))
    assert (y == np.rint(beta / 4)).all()


EXTREME_SUMS = [-3072 * 32768, 3072 * 32767, 0, 1, -1]
EXTREME_SQUARES = [0, 1, 3072 * 2**30]


@QUIET
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([8, 192, 3072]),
    st.lists(
        st.tuples(
            st.sampled_from(EXTREME_SUMS) | st.integers(-3072 * 32768, 3072 * 32768),
            st.sampled_from(EXTREME_SQUARES) | st.integers(0, 3072 * 2**30),
        ),
        min_size=9,
        max_size=9,
    ),
    st.booleans(),
)
def test_statistics_of_other_rows_do_not_overflow(
    seed: int, width: int, statistics: list[tuple[int, int]], largest: bool
) -> None:
    """Whatever an instruction left in statistics memory, 64 bits hold every value."""
    rng = np.random.default_rng(seed)
    x = rows_of(rng, width, 32767)
    gamma, beta = parameters(rng, width)
    c = usual(width, 8)
    if largest:
        most = (2**32 + width) // width
        c = Constants(inv_width=most, sqrt_width=2**22, epsilon=2**56, beta_shift=30, norm_shift=40)
    sums, squares = np.array(statistics).T
    y, saturated = oracle.normalise(x, (sums, squares), gamma, beta, **asdict(c))
    total = 0
    for result, row, (s, q) in zip(y.tolist(), x.tolist(), statistics, strict=True):
        mean = min(max((s * c.inv_width + 2**23) >> 24, -(2**23)), 2**23)
        power = 2**16 * q - 2**9 * mean * s + width * mean**2 + c.epsilon
        assert abs(s * c.inv_width) < 2**62 and abs(2**9 * mean * s) < 2**62 and power < 2**62
        expected, count = one_row(row, mean, power, gamma.tolist(), beta.tolist(), c)
        assert result == expected
        total += count
    assert saturated == total


@pytest.mark.parametrize("value", [-32768, 32767])
def test_statistics_of_the_longest_rows(value: int) -> None:
    sums, squares = oracle.row_statistics(np.full((2, 3072), value, dtype=np.int16))
    assert (sums.tolist(), squares.tolist()) == ([value * 3072] * 2, [value**2 * 3072] * 2)
    assert -(2**31) <= sums[0] < 2**31
