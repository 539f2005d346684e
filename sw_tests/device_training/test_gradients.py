"""Backward ops of the oracle against float64 autograd, within the bounds that the contract derives.

Inputs are integers; autograd gets the same values, so a difference is the op's own rounding.
"""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from trivit.host import oracle
from trivit.host.fixed_point import Int16, to_real
from trivit.host.oracle.training import (
    add,
    attention_backward,
    column_sums,
    cross_entropy,
    gather,
    gelu_backward,
    normalise_backward,
    normalise_gamma,
    product,
    scatter,
    score_bias,
    score_bias_backward,
)
from trivit.host.training.shifts import exponent, mantissa, norm_constants, scale_integer
from trivit.models.layers.relative_position import relative_position_index, table_entries

SEEDS = range(4)
FAR = 1 << 15


def integers(rng: np.random.Generator, *shape: int, spread: float = 4000.0) -> Int16:
    return np.clip(np.rint(rng.normal(0, spread, shape)), -32767, 32767).astype(np.int16)


def real(values: Int16, frac: int) -> torch.Tensor:
    return torch.from_numpy(to_real(values, frac)).requires_grad_()


def format_of(values: torch.Tensor) -> int:
    """The fraction length that the host would choose: the largest magnitude in 2^13..2^14."""
    return 13 - math.floor(math.log2(float(values.detach().abs().max())))


def gradients(output: torch.Tensor, dy: torch.Tensor, *of: torch.Tensor) -> list[torch.Tensor]:
    return list(torch.autograd.grad(output, of, dy.detach()))


def assert_within(got: Int16, frac: int, wanted: torch.Tensor, bound: torch.Tensor | float) -> None:
    error = np.abs(to_real(got, frac) - wanted.detach().numpy())
    limit = np.broadcast_to(np.asarray(bound), error.shape)
    assert (error <= limit * (1 + 1e-9) + 1e-18).all(), (error / limit).max()


@pytest.mark.parametrize("seed", SEEDS)
def test_products_backward(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, depth, width = rng.integers(1, 40, 3)
    x, w, b, dy = (
        integers(rng, *s) for s in ((rows, depth), (width, depth), (width,), (rows, width))
    )
    other = integers(rng, rows, depth)
    X, W, B, DY = real(x, 11), real(w, 14), real(b, 13), real(dy, 17)
    wx, ww, wb = gradients(X @ W.T + B, DY, X, W, B)
    wx = wx + real(other, 15)
    fx, fw, fb = map(format_of, (wx, ww, wb))
    dx, _ = product(dy, w, shift=31 - fx, addend=other, addend_shift=31 - 15)
    dw, _ = product(dy, x, transpose_a=True, shift=28 - fw)
    db, _ = column_sums(dy, 17 - fb)
    for got, frac, wanted in ((dx, fx, wx), (dw, fw, ww), (db, fb, wb)):
        assert_within(got, frac, wanted, 2.0**-frac / 2)


def test_an_addend_with_more_fraction_bits_than_the_products_is_rounded_first() -> None:
    one, addend = np.array([[1]], np.int16), np.array([[5]], np.int16)
    assert product(one, one, shift=0, addend=addend, addend_shift=-1)[0] == 3  # 2.5 goes to even 2
    assert product(one, one, shift=0, addend=addend + 2, addend_shift=-1)[0] == 5


@pytest.mark.parametrize("frac", [8, 11, 15])
def test_gelu_backward(frac: int) -> None:
    rng = np.random.default_rng(frac)
    x = np.concatenate([integers(rng, 4000, spread=2.0**frac), [0, 1, -1, 32767, -32768]])
    x = x.astype(np.int16)
    dy = integers(rng, x.size)
    X, DY = real(x, frac), real(dy, 20)
    (wanted,) = gradients(F.gelu(X), DY, X)
    f = format_of(wanted)
    dx, saturated = gelu_backward(dy, x, in_frac=frac, shift=20 + 16 - f)
    assert saturated == 0
    assert_within(dx, f, wanted, DY.detach().abs() * 2.0**-16 + 2.0**-f / 2)


@pytest.mark.parametrize("width", [8, 64, 192, 768])
@pytest.mark.parametrize("with_addend", [False, True])
def test_normalise_backward(width: int, with_addend: bool) -> None:
    rng = np.random.default_rng(width)
    rows, used = 7, 5
    x, gamma, dy = integers(rng, rows, width), integers(rng, width), integers(rng, used, width)
    x[1] = 3 * x[1] // 100 + 9000  # a large mean, small deviation
    addend = integers(rng, rows, width) if with_addend else None
    fx, fg, fy, fa = 10, 12, 18, 19
    X, G, B, DY = real(x, fx), real(gamma, fg), real(0 * gamma, fg), real(dy, fy)
    out = F.layer_norm(X, (width,), G, B, 1e-6)[:used]
    wx, wg = gradients(out, DY, X, G)
    if addend is not None:
        wx = wx + real(addend, fa)
    f, f_gamma = format_of(wx), format_of(wg)
    constants = norm_constants(width, fx, 1e-6)
    dx, _ = normalise_backward(
        dy, x, gamma, **constants, shift=fy + fg - fx + 4 - f,
        addend=addend, addend_shift=f + 8 - fa,
    )  # fmt: skip
    dg, _ = normalise_gamma(dy, x, **constants, shift=fy + 12 - f_gamma)
    values = to_real(x, fx)
    sigma = values.std(axis=1, keepdims=True)
    n = np.abs((values - values.mean(axis=1, keepdims=True)) / sigma).max(axis=1, keepdims=True)
    mean = np.abs(x.astype(float).mean(axis=1, keepdims=True))
    delta = (2.0**-9 + mean * width * 2.0**-33) * 2.0**-fx / sigma
    epsilon = 2.0**-13 + delta + n * (2.0**-19 + delta**2 / 2) + 2.0**-20
    a = np.zeros((rows, 1))
    a[:used] = np.abs(to_real(dy, fy) * to_real(gamma, fg)).max(axis=1, keepdims=True)
    rho = 2.0**-11 / math.sqrt(width)
    bound = a / sigma * (epsilon * (1 + 2 * n) + rho * (2 + n)) + 2.0**-f * (0.5 + 2.0**-8)
    assert_within(dx, f, wx, bound)
    total = (np.abs(to_real(dy, fy)) * epsilon[:used]).sum(axis=0)
    assert_within(dg, f_gamma, wg, total + 2.0**-f_gamma / 2)


def test_normalise_backward_of_rows_without_deviation_saturates_or_is_zero() -> None:
    x, gamma = np.full((1, 8), 5, np.int16), np.full(8, 4096, np.int16)
    constants = norm_constants(8, 10, 1e-6)
    dx, _ = normalise_backward(np.zeros((1, 8), np.int16), x, gamma, **constants, shift=-40)
    assert not dx.any()
    dx, saturated = normalise_backward(
        np.eye(1, 8, dtype=np.int16), x, gamma, **constants, shift=-40
    )
    assert saturated == 8 and dx[0, 0] == 32767


@pytest.mark.parametrize(
    ("heads", "width", "closed"), [(2, 16, False), (3, 8, True), (1, 64, False)]
)
def test_attention_backward(heads: int, width: int, closed: bool) -> None:
    rng = np.random.default_rng(width)
    tokens, scale, f_qkv, f_out = 13, width**-0.5, 12, 18
    qkv = integers(rng, tokens, 3 * heads * width)
    dy = integers(rng, tokens, heads * width)
    mask = rng.random((tokens, tokens)) < 0.6 if closed else np.ones((tokens, tokens), bool)
    mask[:, 0] = True
    multiplier, exp_shift = exponent(scale, 8)
    forward = oracle.attention(
        qkv, heads=heads, score_shift=2 * f_qkv - 8, exp_multiplier=multiplier,
        exp_shift=exp_shift, prob_frac=15, out_shift=15, mask=mask,
    )  # fmt: skip
    # Backward of the probabilities that forward rounded, as autograd defines it.
    QKV, DY, P = real(qkv, f_qkv), real(dy, f_out), real(forward.probs, 15)
    q, k, v = QKV.detach().reshape(tokens, 3, heads, width).permute(1, 2, 0, 3)
    out = DY.detach().reshape(tokens, heads, width).transpose(0, 1)
    p = P.detach()
    d_probs = out @ v.transpose(1, 2)
    d_scores = scale * p * (d_probs - (p * d_probs).sum(-1, keepdim=True))
    thirds = torch.stack([d_scores @ k, d_scores.transpose(1, 2) @ q, p.transpose(1, 2) @ out])
    wanted = thirds.permute(2, 0, 1, 3).reshape(tokens, -1)
    fp, fs, f = map(format_of, (d_probs, d_scores, wanted))
    factor, factor_frac = scale_integer(scale)
    got = attention_backward(
        dy, qkv, forward.probs, prob_frac=15, scale=factor, probs_shift=f_out + f_qkv - fp,
        scores_shift=fp + 30 + factor_frac - fs, query_shift=fs + f_qkv - f,
        value_shift=15 + f_out - f,
    )  # fmt: skip
    assert got.saturated == (0, 0, 0)
    half = 0.5 * 2.0**-fp
    assert_within(got.probs, fp, d_probs, half)
    e_s = scale * p * (1 + p.sum(-1, keepdim=True)) * half + d_scores.abs() * 2.0**-16
    e_s = e_s + 0.5 * 2.0**-fs
    assert_within(got.scores, fs, d_scores, e_s)
    assert not got.scores[:, ~mask].any()
    errors = torch.stack([e_s @ k.abs(), e_s.transpose(1, 2) @ q.abs(), torch.zeros_like(v)])
    bound = errors.permute(2, 0, 1, 3).reshape(tokens, -1) + 0.5 * 2.0**-f
    assert_within(got.qkv, f, wanted, bound)


@pytest.mark.parametrize("closed", [0.0, 0.6])
def test_attention_backward_is_the_gradient_of_softmax(closed: float) -> None:
    """The formula that the test above takes for granted, against autograd; closed pairs have 0."""
    torch.manual_seed(0)
    s = torch.randn(5, 9, dtype=torch.float64, requires_grad=True)
    dp = torch.randn(5, 9, dtype=torch.float64)
    mask = torch.rand(5, 9) >= closed
    mask[:, 0] = True
    p = torch.softmax(torch.where(mask, 0.3 * s, -torch.inf), -1)
    (wanted,) = torch.autograd.grad(p, s, dp)
    assert not wanted[~mask].any() and wanted[mask].all()
    torch.testing.assert_close(0.3 * p * (dp - (p * dp).sum(-1, keepdim=True)), wanted)


@pytest.mark.parametrize("head_dim", [8, 16, 48, 64])
@pytest.mark.parametrize("side", [3, 5])
def test_gradient_of_a_table_of_score_biases(head_dim: int, side: int) -> None:
    """Through the whole attention: autograd's table adds up its pairs, and so do the integers."""
    rng = np.random.default_rng(head_dim)
    heads, scale = 2, head_dim**-0.5
    index = relative_position_index(side).numpy()
    tokens, entries = len(index), table_entries(side)
    table = integers(rng, entries, heads)
    f_table, f_bias, f_dp, f_ds = 13, 10, 14, 16
    T = real(table, f_table)
    # Forward: the table divided by the scale, rounded once.
    factor, factor_frac = mantissa(1 / scale, 16)
    bias, saturated = score_bias(
        table, index.astype(np.int16), factor=factor, shift=f_table + factor_frac - f_bias
    )
    spread = T[torch.from_numpy(index)].permute(2, 0, 1)
    limit = (spread / scale).abs().detach() * 2.0**-16 + 2.0**-f_bias / 2
    assert saturated == 0
    assert_within(bias, f_bias, spread / scale, limit)
    # Backward: dS as attention_backward leaves it, against autograd of softmax(scores + table).
    products = torch.from_numpy(rng.normal(0, 2, (heads, tokens, tokens)))
    d_probs = real(integers(rng, heads, tokens, tokens), f_dp).detach()
    probs = torch.softmax(products + spread, -1)
    (wanted,) = torch.autograd.grad(probs, T, d_probs)
    p = probs.detach()
    exact = scale * p * (d_probs - (p * d_probs).sum(-1, keepdim=True))
    ds = np.rint(exact.numpy() * 2.0**f_ds).astype(np.int16)
    f = format_of(wanted)
    got, _ = score_bias_backward(
        ds, index.astype(np.int16), entries=entries, factor=factor, shift=f_ds + factor_frac - f
    )
    counts = torch.from_numpy(np.bincount(index.ravel(), minlength=entries))[:, None]
    assert int(counts.max()) == tokens - 1, "a displacement of zero, and [CLS]: once a patch"
    bound = counts / scale * 2.0**-f_ds / 2 + wanted.abs() * 2.0**-16 + 2.0**-f / 2
    assert_within(got, f, wanted, bound)


def test_an_entry_without_pairs_has_no_gradient_and_sums_are_exact() -> None:
    index = np.zeros((6, 6), np.int16)
    worst = np.full((1, 6, 6), -32768, np.int16)
    got, _ = score_bias_backward(worst, index, entries=3, factor=1 << 15, shift=21)
    assert got.tolist() == [[-32768 * 36 >> 6], [0], [0]]
    assert score_bias_backward(worst, index, entries=3, factor=1 << 15, shift=15)[1] == 1


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("spread", [300.0, 9000.0])
def test_cross_entropy(smoothing: float, spread: float) -> None:
    rng = np.random.default_rng(3)
    logits = integers(rng, 1, 11, spread=spread)
    target = np.full((1, 11), round(smoothing * (1 << 14) / 11), np.int16)
    target[0, 4] += (1 << 14) - target.sum()
    Z, T = real(logits, 10), real(target, 14)
    (wanted,) = torch.autograd.grad(F.cross_entropy(Z, T.detach()), Z)
    f = format_of(wanted)
    multiplier, shift = exponent(1.0, 10)
    dz, _ = cross_entropy(logits, target, exp_multiplier=multiplier, exp_shift=shift, frac=f)
    p = torch.softmax(Z.detach(), -1)
    # The exponent's constant has 24 bits: an error of 2^-24 of |s - max| each way.
    reach = float((Z.detach().max() - Z.detach()).max()) * 2.0**-22
    assert_within(dz, f, wanted, p * (2.0**-16 + reach) + 2.0**-24 + 2.0**-f / 2)
    right = np.where(np.arange(11) == 4, 1 << 14, 0)[None].astype(np.int16)
    sure = np.where(np.arange(11) == 4, 32767, -32768)[None].astype(np.int16)
    dz, _ = cross_entropy(sure, right, exp_multiplier=multiplier, exp_shift=shift, frac=20)
    assert np.abs(dz).max() <= 2.0**-16 * 2**20, "a certain, right answer has no gradient"


def test_rows_that_were_dropped_get_no_gradient() -> None:
    rng = np.random.default_rng(0)
    x, index = integers(rng, 9, 4), np.array([0, 3, 7], np.int16)
    X, DY = real(x, 10), real(integers(rng, 3, 4), 12)
    (wanted,) = gradients(X[index.astype(np.int64)], DY, X)
    assert np.array_equal(gather(x, index), x[index])
    got = scatter(np.rint(DY.detach().numpy() * 4096).astype(np.int16), index, 9)
    assert_within(got, 12, wanted, 0.0)


@pytest.mark.parametrize("shifts", [(0, 3), (5, 0)])
def test_gradients_of_two_readers_are_added(shifts: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    a, b = integers(rng, 5, 8), integers(rng, 5, 8)
    got, _ = add(a, b, a_shift=shifts[0], b_shift=shifts[1], shift=5)
    wanted = real(a, -shifts[0]) + real(b, -shifts[1])
    assert_within(got, -5, wanted, 2.0**5 / 2)


def test_saturations_are_counted() -> None:
    big: Int16 = np.full((2, 2), 32767, np.int16)
    calls: list[Callable[[], tuple[Int16, int]]] = [
        lambda: product(big, big, shift=0),
        lambda: gelu_backward(big, big, in_frac=10, shift=10),
    ]
    assert [call()[1] for call in calls] == [4, 4]
    assert column_sums(big, 0)[1] == 2
