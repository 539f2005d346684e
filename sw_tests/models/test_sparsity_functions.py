"""Token selection, connection mask and warm-up against simple loops."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trivit.models.errors import ModelsError
from trivit.models.sparsity.config import WarmupConfig
from trivit.models.sparsity.connections import (
    connection_mask,
    largest_connections,
    patch_attention,
)
from trivit.models.sparsity.counts import keep_count
from trivit.models.sparsity.schedule import warmup_keep_ratio
from trivit.models.sparsity.tokens import gather_tokens, select_tokens


@given(st.integers(1, 400), st.integers(1, 1000))
def test_keep_count_is_the_exact_ceiling(count: int, thousandths: int) -> None:
    exact = math.ceil(Fraction(count * thousandths, 1000))
    assert keep_count(count, thousandths / 1000) == exact


def test_keep_count_matches_the_paper() -> None:
    assert [keep_count(n, 0.7) for n in (196, 138, 97, 49, 35)] == [138, 97, 68, 35, 25]
    assert keep_count(100, 0.07) == 7  # 100 * 0.07 is a little above 7 in floating point
    assert keep_count(10, 1e-6) == 1


def loop_top(values: list[float], count: int) -> list[int]:
    return sorted(range(len(values)), key=lambda i: (-values[i], i))[:count]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.data())
def test_selection_with_many_ties(tokens: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, tokens))
    levels = data.draw(st.lists(st.integers(0, 3), min_size=tokens, max_size=tokens))
    scores = torch.tensor([levels, levels[::-1]], dtype=torch.float32) / 4
    kept = select_tokens(scores, count)
    for row, chosen in zip(scores.tolist(), kept.tolist(), strict=True):
        assert chosen == sorted(loop_top(row, count))


def test_equal_scores_keep_the_lowest_indices() -> None:
    assert select_tokens(torch.zeros(1, 30), 7).tolist() == [list(range(7))]


def test_gather_keeps_cls_first() -> None:
    x = torch.arange(5.0).view(1, 5, 1).expand(1, 5, 2)
    kept = torch.tensor([[1, 3]])
    assert gather_tokens(x, kept)[0, :, 0].tolist() == [0, 2, 4]


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 12), st.integers(1, 3), st.data())
def test_connection_mask_is_the_loop_mask(patches: int, heads: int, data: st.DataObject) -> None:
    keep = data.draw(st.integers(1, patches))
    keys = data.draw(st.integers(1, keep))
    seed = data.draw(st.integers(0, 1000))
    generator = torch.Generator().manual_seed(seed)
    # Few distinct values make ties; sums of quarters are exact, so order is not left to rounding.
    attention = torch.randint(0, 4, (2, heads, 1 + patches, 1 + patches), generator=generator) / 4
    kept = select_tokens(torch.rand(2, patches, generator=generator), keep)
    among = patch_attention(attention.sum(dim=1), kept)
    mask = connection_mask(largest_connections(among, keys))
    assert mask.shape == (2, 1, 1 + keep, 1 + keep)
    for image in range(2):
        for i in range(1 + keep):
            for j in range(1 + keep):
                if i == 0 or j == 0:
                    expected = True
                else:
                    chosen = kept[image].tolist()
                    row = [
                        float(attention[image, :, 1 + chosen[i - 1], 1 + k].sum()) for k in chosen
                    ]
                    expected = j - 1 in loop_top(row, keys)
                assert bool(mask[image, 0, i, j]) == expected


def test_connection_mask_without_token_selection() -> None:
    attention = torch.rand(2, 6, 6)
    everything = torch.arange(5).expand(2, -1)
    torch.testing.assert_close(
        patch_attention(attention, None), patch_attention(attention, everything)
    )


def test_warmup_follows_the_cosine() -> None:
    warmup = WarmupConfig(start_epoch=10, end_epoch=110)
    assert warmup_keep_ratio(0.7, 0.0, warmup) == 1
    assert warmup_keep_ratio(0.7, 9.999, warmup) == 1
    assert warmup_keep_ratio(0.7, 60.0, warmup) == pytest.approx(0.85)
    assert warmup_keep_ratio(0.7, 110.0, warmup) == 0.7
    assert warmup_keep_ratio(0.7, 300.0, warmup) == 0.7
    for epoch in (12.5, 47.0, 99.9):
        cosine = (math.cos((epoch - 10) / 100 * math.pi) + 1) * 0.5
        assert warmup_keep_ratio(0.7, epoch, warmup) == pytest.approx(0.7 + 0.3 * cosine)


def test_warmup_in_steps_visits_few_ratios() -> None:
    warmup = WarmupConfig(start_epoch=1, end_epoch=3, steps=4)
    ratios = [warmup_keep_ratio(0.6, i / 100, warmup) for i in range(400)]
    assert len(set(ratios)) == 6
    assert ratios == sorted(ratios, reverse=True)
    assert (ratios[0], ratios[-1]) == (1.0, 0.6)


def test_warmup_may_be_switched_off() -> None:
    warmup = WarmupConfig(start_epoch=0, end_epoch=0)
    assert warmup_keep_ratio(0.5, 0.0, warmup) == 0.5


def test_warmup_epochs_must_rise() -> None:
    with pytest.raises(ModelsError, match="start_epoch <= end_epoch"):
        WarmupConfig(start_epoch=5, end_epoch=4)
    with pytest.raises(ModelsError, match="steps is 0"):
        WarmupConfig(steps=0)
