"""Token selection, connection mask and warm-up against simple loops."""

import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trivit.models.errors import ModelsError
from trivit.models.sparsity.config import Compat, WarmupConfig
from trivit.models.sparsity.connections import (
    connection_mask,
    largest_connections,
    magnitude_connections,
    patch_attention,
)
from trivit.models.sparsity.counts import connection_count, keep_count
from trivit.models.sparsity.schedule import warmup_keep_ratio
from trivit.models.sparsity.tokens import column_scores, gather_tokens, select_tokens

COMPATS: tuple[Compat, ...] = ("paper", "code")


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
    assert gather_tokens(x, kept, prefix=0)[0, :, 0].tolist() == [1, 3]


def loop_open(values: list[float], count: int, compat: Compat) -> set[int]:
    """Keys that a row of attention keeps."""
    if compat == "paper":
        return set(loop_top(values, count))
    last = sorted(values, reverse=True)[count - 1]
    return {j for j, value in enumerate(values) if value >= last}


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 12),
    st.sampled_from(["paper", "code"]),
    st.integers(0, 1),
    st.booleans(),
    st.data(),
)
def test_connection_mask_is_the_loop_mask(
    patches: int, compat: Compat, prefix: int, class_column: bool, data: st.DataObject
) -> None:
    keep = data.draw(st.integers(1, patches))
    keys = data.draw(st.integers(1, keep))
    seed = data.draw(st.integers(0, 1000))
    generator = torch.Generator().manual_seed(seed)
    # Few distinct values make ties; quarters are exact, so order is not left to rounding.
    length = prefix + patches
    attention = torch.randint(0, 4, (2, length, length), generator=generator) / 4
    kept = select_tokens(torch.rand(2, patches, generator=generator), keep)
    among = patch_attention(attention, kept, prefix)
    mask = connection_mask(largest_connections(among, keys, compat), prefix, class_column)
    by_image = connection_mask(magnitude_connections(among, keys, compat), prefix, class_column)
    assert mask.shape == by_image.shape == (2, 1, prefix + keep, prefix + keep)
    for image in range(2):
        chosen = kept[image].tolist()
        rows = [[float(attention[image, prefix + i, prefix + k]) for k in chosen] for i in chosen]
        flat = loop_open([value for row in rows for value in row], keys * keep, compat)
        for i in range(prefix + keep):
            for j in range(prefix + keep):
                row, column = i - prefix, j - prefix
                if row < 0 or column < 0:
                    expected = expected_of_image = row < 0 or class_column
                else:
                    expected = column in loop_open(rows[row], keys, compat)
                    expected_of_image = row * keep + column in flat
                assert bool(mask[image, 0, i, j]) == expected
                assert bool(by_image[image, 0, i, j]) == expected_of_image


def test_only_the_code_keeps_all_of_equal_connections() -> None:
    attention = torch.tensor([[[0.5, 0.2, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25]]])
    kept = {compat: largest_connections(attention, 2, compat) for compat in COMPATS}
    assert kept["paper"].sum(-1).tolist() == [[2, 2]]
    assert kept["code"].sum(-1).tolist() == [[3, 4]]


@pytest.mark.parametrize("prefix", [0, 1])
def test_column_scores_sum_what_the_patches_attend_to(prefix: int) -> None:
    attention = torch.rand(2, 5, 5).double()
    for image in range(2):
        expected = [
            sum(float(attention[image, i, j]) for i in range(prefix, 5)) for j in range(prefix, 5)
        ]
        assert column_scores(attention, prefix)[image].tolist() == pytest.approx(expected)


@pytest.mark.parametrize(("prefix", "fused"), [(0, 0), (1, 0), (0, 1), (1, 1)])
@pytest.mark.parametrize("class_column", [True, False])
def test_connections_are_counted_as_the_mask_opens_them(
    prefix: int, fused: int, class_column: bool
) -> None:
    opened = connection_mask(largest_connections(torch.rand(1, 6, 6), 2), prefix, class_column)
    if fused:
        opened = torch.nn.functional.pad(opened, (0, 1, 0, 1), value=True)
    count = connection_count(6, 2, prefix=prefix, fused=fused, class_column=class_column)
    assert count == int(opened.sum())


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
