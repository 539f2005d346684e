"""Token selection, connection mask and warm-up against simple loops."""

import math
from fractions import Fraction
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trivit.models.errors import ModelsError
from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.layers.selector import Selector
from trivit.models.layers.tokens import Tokens
from trivit.models.methods.attention_view import AttentionView
from trivit.models.methods.connections.largest import largest_connections
from trivit.models.methods.connections.magnitude import magnitude_connections
from trivit.models.methods.connections.masks import among_kept, connection_mask
from trivit.models.methods.connections.window import window_connections
from trivit.models.methods.counts import connection_count, keep_count
from trivit.models.methods.tokens.column_sum import column_scores
from trivit.models.methods.tokens.selection import gather_tokens, select_tokens
from trivit.models.methods.warmup import WarmupConfig, warmup_keep_ratio
from trivit.models.settings import Compat

NO_CLS = {"class_token": False, "pooling": "mean", "token_score": "column_sum"}
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


@pytest.mark.parametrize("prefix", [0, 1])
def test_gather_and_its_gradient_equal_rows_taken_one_by_one(prefix: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(3, 9, 4, generator=generator, requires_grad=True)
    kept = select_tokens(torch.rand(3, 9 - prefix, generator=generator), 5)
    given = torch.randn(3, 5 + prefix, 4, generator=generator)
    rows = [[*range(prefix), *(prefix + i for i in image)] for image in kept.tolist()]
    expected = torch.stack([torch.stack([x[b, i] for i in rows[b]]) for b in range(3)])
    (gradient,) = torch.autograd.grad(expected, x, given)
    found = gather_tokens(x, kept, prefix)
    assert torch.equal(found, expected)
    assert torch.equal(torch.autograd.grad(found, x, given)[0], gradient)


def loop_open(
    values: list[float], count: int, compat: Compat, live: list[bool] | None = None
) -> set[int]:
    """Keys that a row of attention keeps."""
    if compat == "paper":
        live = live or [True] * len(values)
        ranked = sorted((j for j in range(len(values)) if live[j]), key=lambda j: (-values[j], j))
        return set(ranked[:count])
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
    among = among_kept(attention, kept, prefix)
    mask = connection_mask(largest_connections(among, keys, compat), prefix, class_column)
    by_image = connection_mask(magnitude_connections(among, keys, compat), prefix, class_column)
    assert mask.shape == by_image.shape == (2, 1, prefix + keep, prefix + keep)
    for image in range(2):
        chosen = kept[image].tolist()
        rows = [[float(attention[image, prefix + i, prefix + k]) for k in chosen] for i in chosen]
        flat = loop_open([value for row in rows for value in row], keys * keep, compat)
        mute = set(range(keep)) - {key // keep for key in flat}
        for i in range(prefix + keep):
            for j in range(prefix + keep):
                row, column = i - prefix, j - prefix
                if row < 0 or column < 0:
                    expected = expected_of_image = row < 0 or class_column
                else:
                    expected = column in loop_open(rows[row], keys, compat)
                    expected_of_image = row * keep + column in flat
                    if row in mute and not (prefix and class_column):
                        expected_of_image = row == column
                assert bool(mask[image, 0, i, j]) == expected
                assert bool(by_image[image, 0, i, j]) == expected_of_image


def test_only_the_code_keeps_all_of_equal_connections() -> None:
    attention = torch.tensor([[[0.5, 0.2, 0.2, 0.1], [0.25, 0.25, 0.25, 0.25]]])
    kept = {compat: largest_connections(attention, 2, compat) for compat in COMPATS}
    assert kept["paper"].sum(-1).tolist() == [[2, 2]]
    assert kept["code"].sum(-1).tolist() == [[3, 4]]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.data())
def test_only_live_connections_are_kept(patches: int, data: st.DataObject) -> None:
    """Fewer live ones than asked for stay all, and no other opens."""
    keys = data.draw(st.integers(1, patches))
    generator = torch.Generator().manual_seed(data.draw(st.integers(0, 1000)))
    # Zeros: a live connection's probability may be as small as that of a closed one.
    attention = torch.randint(0, 3, (2, patches, patches), generator=generator) / 2
    share = data.draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    live = torch.rand(2, patches, patches, generator=generator) < share
    attention = attention.where(live, 0.0)
    places = torch.arange(patches).expand(2, -1)
    largest = largest_connections(attention, keys, live_BKK=live)
    by_image = magnitude_connections(attention, keys, live_BKK=live)
    near = window_connections(places, 3, keys, live)
    for image in range(2):
        alive = live[image].tolist()
        for i, (row, values) in enumerate(zip(alive, attention[image].tolist(), strict=True)):
            assert largest[image, i].nonzero().flatten().tolist() == sorted(
                loop_open(values, keys, "paper", row)
            )
            away = [-float((i // 3 - j // 3) ** 2 + (i % 3 - j % 3) ** 2) for j in range(patches)]
            assert near[image, i].nonzero().flatten().tolist() == sorted(
                loop_open(away, keys, "paper", row)
            )
        everywhere = [yes for row in alive for yes in row]
        flat = loop_open(attention[image].flatten().tolist(), keys * patches, "paper", everywhere)
        assert set(by_image[image].flatten().nonzero().flatten().tolist()) == flat


@pytest.mark.parametrize("pattern", ["largest", "magnitude", "window"])
def test_a_later_selector_reopens_connections_only_as_the_code_did(pattern: Any) -> None:
    """Tokens 0 and 1 have one live key each, themselves, once token 3 is dropped."""
    closed = torch.zeros(1, 1, 5, 5, dtype=torch.bool)
    closed[..., 1, 2:4], closed[..., 2, 1], closed[..., 2, 3] = True, True, True
    attention = torch.full((1, 5, 5), 0.2).masked_fill(closed[0], 0.0)
    rows = {}
    for compat in COMPATS:
        config = model_config(
            "micro_28",
            token_keep_ratio=0.75,
            attention_keep_ratio=0.6,
            attention_pattern=pattern,
            attention_compat=compat,
        )
        tokens = Tokens(torch.zeros(1, 5, 8), 1, 0.75, 0.6, mask=~closed)
        scores = torch.tensor([[0.4, 0.3, 0.2, 0.1]])
        device = torch.device("cpu")
        view = AttentionView(1, 4, device, cls_row_BN=scores, matrix_BLL=attention)
        Selector(config, config.embedding.side)(tokens, view)
        assert tokens.mask is not None
        rows[compat] = tokens.mask[0, 0, 1, 1:].tolist()
    assert rows["paper"] == [True, False, False]
    assert sum(rows["code"]) > 1


@pytest.mark.parametrize("changes", [{"class_connections": "closed"}, NO_CLS])
@torch.no_grad()
def test_tokens_whose_keys_are_all_gone_attend_to_themselves(changes: dict[str, Any]) -> None:
    """Softmax over nothing would be NaN; here each selector leaves a token a single key."""
    vit = model_config("micro_28", token_keep_ratio=0.3, attention_keep_ratio=0.01, **changes)
    details = VisionTransformer(vit).eval().forward_details(torch.randn(4, 1, 28, 28))
    assert bool(details.logits.isfinite().all())


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
    torch.testing.assert_close(among_kept(attention, None), among_kept(attention, everything))


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
