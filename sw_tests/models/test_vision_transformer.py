"""The model against an independent forward pass, written image by image in float64."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F

from trivit.models.errors import ModelsError
from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.layers.attention import Attention
from trivit.models.layers.blocks import PatchEmbed
from trivit.models.layers.relative_position import (
    PresentPlaces,
    pair_index,
    position_bias,
    relative_position_index,
)
from trivit.models.layers.stochastic_depth import StochasticDepth, branch_scales, drop_rates
from trivit.models.methods.attention_view import AttentionView, Probe
from trivit.models.methods.patches.orders import PatchSampling
from trivit.models.model_config import ModelConfig
from trivit.models.topology import passages
from trivit.models.training import parse_config
from trivit.models.training.step import variance_correction

from .loop_reference import TINY, make_model, reference


def seen(view: AttentionView, probe: Probe) -> torch.Tensor | None:
    """What an attention shows of what was asked for."""
    return view.cls_row_BN if probe is Probe.CLS_ROW else view.matrix_BLL


NO_CLS: dict[str, Any] = {"class_token": False, "pooling": "mean", "token_score": "column_sum"}


@pytest.mark.parametrize(
    ("token", "attention"), [(1.0, 1.0), (0.7, 1.0), (0.7, 0.4), (1.0, 0.3), (0.05, 0.5)]
)
@pytest.mark.parametrize(
    ("changes", "sampling"),
    [
        ({}, PatchSampling()),
        ({}, PatchSampling(0.6, "l1", "paper")),
        ({"relative_position_bias": True}, PatchSampling()),
        ({"relative_position_bias": True, "pooling": "mean"}, PatchSampling(0.7, "l1", "code")),
        ({"token_score": "column_sum"}, PatchSampling()),
        ({"token_score": "static", "attention_pattern": "window"}, PatchSampling(0.8)),
        ({"fuse_tokens": True, "attention_pattern": "magnitude"}, PatchSampling()),
        ({"fuse_tokens": True, "token_score": "static"}, PatchSampling()),
        (
            {
                "fuse_tokens": True,
                "attention_pattern": "window",
                "token_score": "column_sum",
                "relative_position_bias": True,
            },
            PatchSampling(0.8),
        ),
        ({"attention_compat": "code", "attention_pattern": "window"}, PatchSampling()),
        ({"class_connections": "closed", "attention_compat": "code"}, PatchSampling()),
        ({"class_connections": "closed"}, PatchSampling()),
        ({**NO_CLS, "attention_pattern": "magnitude"}, PatchSampling()),
        (
            {"class_connections": "closed", "fuse_tokens": True, "attention_pattern": "magnitude"},
            PatchSampling(),
        ),
        (NO_CLS, PatchSampling()),
        ({**NO_CLS, "relative_position_bias": True}, PatchSampling(0.6, "l1", "code")),
        ({**NO_CLS, "relative_position_bias": True, "fuse_tokens": True}, PatchSampling()),
        (
            {**NO_CLS, "token_score": "static", "fuse_tokens": True, "attention_pattern": "window"},
            PatchSampling(0.8),
        ),
    ],
)
@torch.no_grad()
def test_equals_the_loop_reference(
    token: float, attention: float, changes: dict[str, Any], sampling: PatchSampling
) -> None:
    model = make_model(token, attention, **changes)
    model.set_patch_sampling(sampling)
    images = torch.randn(3, 2, 12, 12, dtype=torch.float64)
    details = model.forward_details(images, track_tokens=True)
    assert details.cls_variance is None
    by_block = [model.forward_details(images, variance_block=b).cls_variance for b in range(4)]
    for index, image in enumerate(images):
        logits, variances, kept, connections = reference(model, image, token, attention)
        torch.testing.assert_close(details.logits[index], logits, rtol=1e-9, atol=1e-9)
        found = [float(variance[index]) for variance in by_block if variance is not None]
        assert found == pytest.approx(variances, rel=1e-6)
        assert [tokens[index].tolist() for tokens in details.kept_tokens] == kept
        assert [int(pairs[index]) for pairs in details.connections] == connections


@pytest.mark.parametrize("changes", [{}, NO_CLS])
@torch.no_grad()
def test_stochastic_depth_leaves_out_branches_of_single_images(changes: dict[str, Any]) -> None:
    model = make_model(0.7, 0.5, drop_path=0.6, **changes)
    images = torch.randn(4, 2, 12, 12, dtype=torch.float64)
    draws = torch.rand(8, 4, generator=torch.Generator().manual_seed(2))
    evaluated = model.forward_details(images, depth_draws_RB=draws).logits
    model.train()
    trained = model.forward_details(images, depth_draws_RB=draws).logits
    for index, image in enumerate(images):
        rates = [0.6 * (branch // 2) / 3 for branch in range(8)]
        branches = [
            0.0 if float(draw) < rate else 1 / (1 - rate)
            for draw, rate in zip(draws[:, index], rates, strict=True)
        ]
        expected = reference(model, image, 0.7, 0.5, branches)[0]
        torch.testing.assert_close(trained[index], expected, rtol=1e-5, atol=1e-6)
        expected = reference(model, image, 0.7, 0.5)[0]
        torch.testing.assert_close(evaluated[index], expected, rtol=1e-9, atol=1e-9)


def test_stochastic_depth_draws_for_the_whole_batch() -> None:
    config = replace(TINY, drop_path=0.5)
    sampler = StochasticDepth(config, torch.device("cpu"))
    sampler.start_epoch(3)
    whole = sampler.draws(4000)
    sampler.start_epoch(3)
    part = sampler.draws(4000, slice(1000, 3000))
    assert whole is not None and part is not None
    assert torch.equal(whole[:, 1000:3000], part)
    scales = branch_scales(drop_rates(config.drop_path, config.depth), whole)
    assert bool((scales[:2] == 1).all())
    # Half of the last block's branches stay, doubled: the mean is that of the whole.
    assert float((scales[7] == 0).float().mean()) == pytest.approx(0.5, abs=0.03)
    torch.testing.assert_close(scales.mean(1), torch.ones(8), rtol=0, atol=0.06)
    assert StochasticDepth(TINY, torch.device("cpu")).draws(4) is None


def test_stochastic_depth_without_draws_follows_the_global_generator() -> None:
    model = make_model(1.0, 1.0, drop_path=0.9).train()
    images = torch.randn(3, 2, 12, 12, dtype=torch.float64)
    torch.manual_seed(1)
    first, second = model(images), model(images)
    torch.manual_seed(1)
    assert torch.equal(model(images), first)
    assert not torch.equal(first, second)


def test_the_last_block_may_be_counted_from_the_end() -> None:
    model, images = make_model(0.7, 0.5), torch.randn(2, 2, 12, 12).double()
    last, same = (model.forward_details(images, variance_block=b).cls_variance for b in (3, -1))
    assert last is not None and same is not None and torch.equal(last, same)
    with pytest.raises(ModelsError, match="block 4 is outside the 4 blocks"):
        model.forward_details(images, variance_block=4)


@torch.no_grad()
def test_variance_of_a_selector_block_is_taken_before_the_selection() -> None:
    images = torch.randn(4, 2, 12, 12, dtype=torch.float64)
    all_tokens = make_model(1.0, 1.0).forward_details(images, variance_block=0).cls_variance
    selected = make_model(0.5, 1.0).forward_details(images, variance_block=0).cls_variance
    connections = make_model(0.5, 0.5).forward_details(images, variance_block=0).cls_variance
    torch.testing.assert_close(all_tokens, selected)
    torch.testing.assert_close(all_tokens, connections, rtol=1e-5, atol=1e-9)


@torch.no_grad()
def test_the_variance_may_be_unbiased() -> None:
    images = torch.randn(2, 2, 12, 12, dtype=torch.float64)
    model = make_model(0.5, 1.0)
    biased, unbiased = (
        model.forward_details(images, variance_block=0, variance_correction=c).cls_variance
        for c in (0, 1)
    )
    assert biased is not None and unbiased is not None
    count = model.config.num_patches
    torch.testing.assert_close(unbiased, biased * count / (count - 1))
    for compat, correction in (("paper", 0), ("code", 1)):
        config = parse_config({"model": {"name": "micro_28"}, "sparsity": {"compat": compat}})
        assert variance_correction(config) == correction


EVERYWHERE = PresentPlaces(relative_position_index(3), tokens=10, placeless=True)


def biased_attention(**changes: Any) -> tuple[Attention, torch.Tensor]:
    """An attention with a relative position bias, and that bias."""
    attention = make_model(1.0, 1.0, relative_position_bias=True, **changes).blocks[0].attn
    assert isinstance(attention, Attention)
    table = attention.relative_position_bias_table
    assert table is not None
    with torch.no_grad():
        table.copy_(torch.randn(table.shape, generator=torch.Generator().manual_seed(1)))
    return attention, table[EVERYWHERE.index_LL].permute(2, 0, 1).detach()


@torch.no_grad()
def test_probabilities_are_those_of_the_output() -> None:
    attention, bias = biased_attention()
    x = torch.randn(2, 10, 12, dtype=torch.float64)
    mask = torch.rand(2, 1, 10, 10) < 0.5
    mask[:, :, 0], mask[..., 0] = True, True
    for chosen, relative in ((None, None), (mask, None), (None, EVERYWHERE), (mask, EVERYWHERE)):
        added = None if relative is None else bias
        q, k, v = attention.heads(x)
        scores = q @ k.transpose(-2, -1) / 2.0  # heads are 4 wide
        scores = scores if added is None else scores + added
        scores = scores if chosen is None else scores.masked_fill(~chosen, -math.inf)
        probabilities = scores.softmax(-1)
        expected = attention.proj((probabilities @ v).transpose(1, 2).flatten(2))
        for probe, mean in (
            (Probe.NONE, None),
            (Probe.CLS_ROW, probabilities.mean(1)[:, 0, 1:]),
            (Probe.MATRIX, probabilities.mean(1)),
        ):
            out, view = attention(x, chosen, relative=relative, probe=probe)
            given = seen(view, probe)
            torch.testing.assert_close(out, expected, rtol=1e-10, atol=1e-12)
            if mean is None:
                assert given is None
            else:
                torch.testing.assert_close(given, mean, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("bias", [False, True])
def test_only_the_code_s_softmax_has_an_epsilon(bias: bool) -> None:
    attention, table = biased_attention(attention_compat="code")
    paper, _ = biased_attention()
    x = torch.randn(2, 10, 12, dtype=torch.float64)
    mask = torch.rand(2, 1, 10, 10) < 0.5
    mask[:, :, 0], mask[..., 0] = True, True
    relative, added = (EVERYWHERE, table) if bias else (None, None)
    q, k, v = attention.heads(x)
    scores = q @ k.transpose(-2, -1) / 2.0  # heads are 4 wide
    scores = scores if added is None else scores + added
    # As released: the largest of all scores, and an epsilon that closed connections share.
    e = (scores - scores.amax(-1, keepdim=True)).exp() * mask
    probabilities = (e + 1e-6 / 10) / (e.sum(-1, keepdim=True) + 1e-6)
    for probe, mean in (
        (Probe.NONE, None),
        (Probe.CLS_ROW, probabilities.mean(1)[:, 0, 1:]),
        (Probe.MATRIX, probabilities.mean(1)),
    ):
        out, view = attention(x, mask, relative=relative, probe=probe)
        given = seen(view, probe)
        expected = attention.proj((probabilities @ v).transpose(1, 2).flatten(2))
        torch.testing.assert_close(out, expected, rtol=1e-12, atol=1e-14)
        assert (given is None) == (mean is None)
        if mean is not None:
            torch.testing.assert_close(given, mean, rtol=1e-12, atol=1e-14)
    assert not torch.allclose(out, paper(x, mask, relative=relative)[0], rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("compat", ["paper", "code"])
@pytest.mark.parametrize(("attention", "score"), [(1.0, "cls"), (0.5, "cls"), (1.0, "column_sum")])
def test_a_fused_token_carries_gradient_to_what_weighs_it(
    attention: float, score: str, compat: str
) -> None:
    changes = {"fuse_tokens": True, "token_score": score, "attention_compat": compat}
    model = make_model(0.5, attention, **changes)
    weight = model.blocks[model.config.selector_blocks[0]].attn.qkv.weight
    images = torch.randn(2, 2, 12, 12, dtype=torch.float64)
    direction, step = torch.randn_like(weight), 1e-6
    model(images).square().sum().backward()
    with torch.no_grad():
        weight += step * direction
        above = model(images).square().sum()
        weight -= 2 * step * direction
        below = model(images).square().sum()
    assert float((weight.grad * direction).sum()) == pytest.approx(
        float(above - below) / (2 * step), rel=1e-5
    )


def test_scores_that_only_rank_have_no_gradient() -> None:
    for attention in (1.0, 0.5):
        block = make_model(0.5, attention).blocks[1].attn
        assert isinstance(block, Attention)
        x = torch.randn(2, 9, 12, dtype=torch.float64)
        for probe in (Probe.CLS_ROW, Probe.MATRIX):
            given = seen(block(x, probe=probe)[1], probe)
            assert not given.requires_grad


def patches_left(config: ModelConfig) -> list[int]:
    """Patch tokens behind each selector."""
    steps = passages(config, config.final_ratios())
    return [step.left for step in steps if step.selection is not None]


def test_keep_ratios_change_at_run_time() -> None:
    assert patches_left(model_config("micro_28", token_keep_ratio=0.7, fuse_tokens=True)) == [
        36,
        27,
    ]
    model = VisionTransformer(model_config("micro_28", token_keep_ratio=0.7))
    images = torch.randn(2, 1, 28, 28)
    for ratio, counts in ((0.7, [35, 25]), (1.0, [49, 49]), (0.5, [25, 13])):
        model.set_keep_ratios(token=ratio, attention=1.0)
        kept = model.forward_details(images, track_tokens=True).kept_tokens
        assert [tokens.shape[1] for tokens in kept] == counts
        assert all(bool((tokens.diff(dim=1) > 0).all()) for tokens in kept)
    with pytest.raises(ModelsError, match=r"token_keep_ratio is 0"):
        model.set_keep_ratios(token=0.0, attention=1.0)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"relative_position_bias": True, "pooling": "mean"},
        {"fuse_tokens": True, "attention_pattern": "window", "token_score": "static"},
        {**NO_CLS, "relative_position_bias": True, "fuse_tokens": True},
        {"class_connections": "closed", "drop_path": 0.2},
    ],
)
def test_gradients_reach_every_parameter_under_all_selections(changes: dict[str, Any]) -> None:
    model = make_model(0.6, 0.5, **changes).train()
    details = model.forward_details(torch.randn(4, 2, 12, 12).double(), variance_block=-1)
    details.logits.square().sum().backward()
    assert details.cls_variance is not None
    assert not details.cls_variance.requires_grad
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and bool((parameter.grad != 0).any()), name


def test_relative_positions_index_as_in_beit() -> None:
    index = relative_position_index(14)
    assert index.shape == (197, 197)
    assert int(index.max()) + 1 == 27 * 27 + 3
    assert (int(index[0, 0]), int(index[0, 5]), int(index[5, 0])) == (731, 729, 730)
    assert int(index[1, 1]) == int(index[100, 100]) == 13 * 27 + 13
    assert int(index[2, 1]) == 13 * 27 + 14  # query one column to the right of the key


def test_bias_of_chosen_tokens_and_its_gradient_equal_plain_indexing() -> None:
    index = relative_position_index(3)
    table = torch.randn(28, 4, dtype=torch.float64, requires_grad=True)
    rows = torch.tensor([[0, 2, 5, 9], [0, 1, 3, 4]])
    picked = position_bias(table, index, pair_index(rows, 10), 4)
    plain = table[index[rows.unsqueeze(2), rows.unsqueeze(1)]].permute(0, 3, 1, 2)
    assert torch.equal(picked, plain)
    weights = torch.randn_like(picked)
    (fast,) = torch.autograd.grad((picked * weights).sum(), table)
    (slow,) = torch.autograd.grad((plain * weights).sum(), table)
    torch.testing.assert_close(fast, slow)
    everything = position_bias(table, index, None, 10)
    assert torch.equal(everything, table[index].permute(2, 0, 1).unsqueeze(0))


@pytest.mark.parametrize("channels", [1, 3])
def test_the_patch_embedding_is_a_convolution(channels: int) -> None:
    generator = torch.Generator().manual_seed(0)
    layer = replace(model_config("micro_28").embedding, channels=channels, width=8)
    proj = PatchEmbed(layer).double().proj
    images = torch.randn(3, channels, 28, 28, generator=generator).double().requires_grad_()
    given = torch.randn(3, 49, 8, generator=generator).double()
    expected = F.conv2d(images, proj.weight, proj.bias, stride=4).flatten(2).transpose(1, 2)
    inputs = (images, proj.weight, proj.bias)
    torch.testing.assert_close(proj(images), expected)
    torch.testing.assert_close(
        torch.autograd.grad(proj(images), inputs, given),
        torch.autograd.grad(expected, inputs, given),
    )


def test_parameter_names_of_the_additions_are_those_of_timm() -> None:
    model = make_model(0.7, 1.0, pooling="mean", relative_position_bias=True)
    state = model.state_dict()
    assert {"fc_norm.weight", "fc_norm.bias"} <= set(state)
    assert not {"norm.weight", "relative_position_index"} & set(state)
    table = state["blocks.3.attn.relative_position_bias_table"]
    assert table.shape == (7 * 7 + 3, 3)


def test_parameter_names_are_those_of_timm() -> None:
    config = model_config("micro_28", depth=1, selector_blocks=())
    names = set(VisionTransformer(config).state_dict())
    block = ["norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2"]
    layers = ["patch_embed.proj", "norm", "head", *(f"blocks.0.{layer}" for layer in block)]
    expected = {f"{layer}.{kind}" for layer in layers for kind in ("weight", "bias")}
    assert names == expected | {"cls_token", "pos_embed"}


@pytest.mark.parametrize(
    ("name", "parameters"),
    # As timm counts them; DeiT's papers round to 5.7, 22.1, 86.6, and 86.9 million for B at 384.
    [
        ("deit_tiny", 5_717_416),
        ("deit_small", 22_050_664),
        ("deit_base", 86_567_656),
        ("deit_tiny_384", 5_790_376),
        ("deit_small_384", 22_196_584),
        ("deit_base_384", 86_859_496),
    ],
)
def test_deit_sizes_are_the_published_ones(name: str, parameters: int) -> None:
    with torch.device("meta"):
        model = VisionTransformer(model_config(name))
    assert sum(p.numel() for p in model.parameters()) == parameters
    assert model_config(name).selector_blocks == (3, 6, 9)
    tokens = [404, 283, 199] if name.endswith("384") else [138, 97, 68]
    assert patches_left(model_config(name, token_keep_ratio=0.7)) == tokens


def test_micro_counts() -> None:
    assert patches_left(model_config("micro_28", token_keep_ratio=0.7)) == [35, 25]
    assert model_config("micro_32").in_channels == 3


def test_initialisation_is_a_truncated_normal() -> None:
    torch.manual_seed(1)
    model = VisionTransformer(model_config("micro_28", init_std=0.02))
    weight = model.blocks[2].mlp.fc1.weight  # type: ignore[union-attr]
    assert float(weight.detach().std()) == pytest.approx(0.02, rel=0.05)
    assert model_config("deit_tiny").init_std == 0.02
    assert float(model.head.bias.detach().abs().max()) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_heads": 3}, "num_heads 3 does not divide embed_dim 64"),
        ({"patch_size": 5}, "patch_size 5 does not divide image_size 28"),
        ({"token_keep_ratio": 0.0}, "token_keep_ratio is 0.0"),
        ({"token_keep_ratio": 1.5}, "token_keep_ratio is 1.5"),
        ({"attention_keep_ratio": -0.1}, "attention_keep_ratio is -0.1"),
        ({"attention_keep_ratio": math.nan}, "attention_keep_ratio is nan"),
        ({"selector_blocks": (1, 6)}, "selector block 6 is outside the 6 blocks"),
        ({"selector_blocks": (-1,)}, "selector block -1 is outside"),
        ({"selector_blocks": (3, 1)}, "must rise"),
        ({"selector_blocks": (), "token_keep_ratio": 0.7}, "needs at least one selector block"),
        ({"depth": 0}, "depth is 0"),
        ({"embed_dim": 64.0}, "embed_dim is 64.0"),
        ({"mlp_ratio": 0.01}, "mlp_ratio 0.01"),
        ({"init_std": 0.0}, "init_std is 0.0"),
        ({"drop_path": 1.0}, "drop_path is 1.0: choose a rate from 0 to below 1"),
        ({"drop_path": math.nan}, "drop_path is nan"),
        ({"class_token": False}, "pooling is 'cls' and class_token is false"),
        ({"class_token": False, "pooling": "mean"}, "token_score is 'cls' and class_token is fal"),
        ({"embed_dims": 64}, "did you mean 'embed_dim'"),
    ],
)
def test_impossible_sizes_are_named_in_one_line(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ModelsError, match=message) as caught:
        model_config("micro_28", **changes)
    assert "\n" not in str(caught.value)


def test_unknown_model_names_the_nearest() -> None:
    with pytest.raises(ModelsError, match="unknown model 'deit_smal': did you mean 'deit_small'"):
        model_config("deit_smal")


def test_images_of_another_shape_are_refused() -> None:
    model = VisionTransformer(model_config("micro_28"))
    with pytest.raises(ModelsError, match=r"shape \(2, 3, 28, 28\)"):
        model(torch.zeros(2, 3, 28, 28))
