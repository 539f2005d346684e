"""The oracle against float64, within the error bounds that docs/numerics.md states."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trivit.host import oracle
from trivit.host.fixed_point import to_real


def exact_gelu(x: np.ndarray) -> np.ndarray:
    erfc = np.vectorize(math.erfc)
    return x * 0.5 * erfc(-x / math.sqrt(2))


@pytest.mark.parametrize("in_frac", [0, 8, 12, 15])
@pytest.mark.parametrize("out_frac", [8, 13, 16])
def test_gelu_of_every_input(in_frac: int, out_frac: int) -> None:
    x = np.arange(-32768, 32768).astype(np.int16)
    y, saturated = oracle.gelu(x, in_frac, out_frac)
    expected = exact_gelu(to_real(x, in_frac))
    inside = np.abs(expected) < 32766 * 2.0**-out_frac
    error = np.abs(to_real(y, out_frac) - expected)[inside]
    assert error.max() <= 2.0**-17 + 0.5 * 2.0**-out_frac
    assert saturated == np.count_nonzero(np.rint(expected * 2.0**out_frac) > 32767)


def exp_constants(scale: float, score_frac: int) -> tuple[int, int]:
    value = scale * math.log2(math.e) * 2.0 ** (20 - score_frac)
    shift = 0
    while value < 2**23:
        value, shift = value * 2, shift + 1
    return round(value), shift


@settings(deadline=None, max_examples=60)
@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 208),
    st.integers(6, 14),
    st.sampled_from([1.0, 0.25, 64**-0.5]),
    st.floats(0.1, 1.0),
)
def test_softmax_within_its_bound(
    seed: int, keys: int, score_frac: int, scale: float, opened: float
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.integers(-32768, 32768, (4, keys)).astype(np.int16)
    scores[0] = scores[0, 0]
    scores[1] >>= 6
    mask = rng.random((4, keys)) < opened
    mask[:, 0] = True
    multiplier, shift = exp_constants(scale, score_frac)
    probs, _ = oracle.softmax(
        scores, mask, exp_multiplier=multiplier, exp_shift=shift, prob_frac=15
    )
    real = np.where(mask, to_real(scores, score_frac) * scale, -np.inf)
    expected = np.exp(real - real.max(axis=1, keepdims=True))
    expected /= expected.sum(axis=1, keepdims=True)
    reachable = np.minimum(expected, 32767 * 2.0**-15)
    error = np.abs(to_real(probs, 15) - reachable)
    assert (error <= expected * 2.0**-16 + 2.0**-24 + 0.5 * 2.0**-15).all()
    assert (probs[~mask] == 0).all()


def test_softmax_of_a_row_without_open_keys_is_zero() -> None:
    scores = np.array([[5, 6], [7, 8]], dtype=np.int16)
    mask = np.array([[False, False], [True, False]])
    probs, _ = oracle.softmax(scores, mask, exp_multiplier=1 << 23, exp_shift=10, prob_frac=15)
    assert probs.tolist() == [[0, 0], [32767, 0]]


def test_matmul_is_exact() -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(-32768, 32768, (5, 24)).astype(np.int16)
    weight = rng.integers(-32767, 32768, (7, 24)).astype(np.int16)
    bias = rng.integers(-32768, 32768, 7).astype(np.int16)
    residual = rng.integers(-32768, 32768, (5, 7)).astype(np.int16)
    y, saturated = oracle.matmul(
        x, weight, bias, bias_shift=9, out_shift=16, residual=residual, residual_shift=11
    )
    expected_saturated = 0
    for m in range(5):
        for n in range(7):
            total = sum(int(a) * int(b) for a, b in zip(x[m], weight[n], strict=True))
            total += (int(bias[n]) << 9) + (int(residual[m, n]) << 11)
            rounded = round(total / 2**16)
            clamped = min(max(rounded, -32768), 32767)
            expected_saturated += clamped != rounded
            assert y[m, n] == clamped
    assert saturated == expected_saturated
    assert saturated > 0


@pytest.mark.parametrize("kept", [[0, 1, 2, 3, 4], [0], [4], [1, 2, 4]])
def test_dropped_rows_leave_neither_results_nor_saturations(kept: list[int]) -> None:
    rng = np.random.default_rng(4)
    x, weight = (rng.integers(-32767, 32768, (n, 16)).astype(np.int16) for n in (5, 7))
    bias = rng.integers(-32768, 32768, 7).astype(np.int16)
    residual = rng.integers(-32768, 32768, (5, 7)).astype(np.int16)

    def product(rows: slice, index: list[int] | None = None) -> tuple[np.ndarray, int]:
        return oracle.matmul(
            x[rows],
            weight,
            bias,
            bias_shift=9,
            out_shift=16,
            residual=residual[rows],
            residual_shift=11,
            gelu=(12, 15),
            kept=None if index is None else np.array(index, dtype=np.int16),
        )

    y, saturated = product(slice(None), kept)
    alone = [product(slice(row, row + 1)) for row in kept]
    assert (y == np.concatenate([row for row, _ in alone])).all()
    assert saturated == sum(count for _, count in alone) > 0


def test_largest_operands_stay_exact() -> None:
    x = np.full((1, 3072), -32768, dtype=np.int16)
    y, saturated = oracle.matmul(x, x, np.zeros(1, dtype=np.int16), bias_shift=0, out_shift=27 + 10)
    assert (int(y[0, 0]), saturated) == (3072 * 2**30 >> 37, 0)


def test_a_bias_is_added_before_the_scores_are_rounded() -> None:
    """Against float64, with a closed pair in each row but the last; formats of docs/numerics.md."""
    rng = np.random.default_rng(3)
    heads, tokens, frac, bias_frac, scores_frac = 2, 9, 10, 8, 9
    qkv = rng.integers(-2000, 2000, (tokens, 3 * 8 * heads)).astype(np.int16)
    bias = rng.integers(-500, 500, (heads, tokens, tokens)).astype(np.int16)
    bias[:, np.arange(tokens - 1), np.arange(1, tokens)] = -32768
    result = oracle.attention(
        qkv,
        heads=heads,
        score_shift=2 * frac - scores_frac,
        exp_multiplier=round(np.log2(np.e) * 2**23),  # scale 1
        exp_shift=23 + scores_frac - 20,
        prob_frac=15,
        out_shift=15,
        bias=bias,
        bias_shift=2 * frac - bias_frac,
    )
    q, k, _ = np.split(qkv.reshape(tokens, 3 * heads, -1).transpose(1, 0, 2) * 2.0**-frac, 3)
    scores = q @ k.transpose(0, 2, 1) + bias * 2.0**-bias_frac
    exponentials = np.exp(scores - scores.max(axis=2, keepdims=True))
    expected = exponentials / exponentials.sum(axis=2, keepdims=True)
    assert np.abs(result.probs * 2.0**-15 - expected).max() < 2.0**-scores_frac
    closed = bias == -32768
    assert (result.scores[closed] == -32768).all() and not result.probs[closed].any()
