"""Fraction lengths: as large as fits, and alignable by the accelerator."""

import math
import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from trivit.models.errors import ModelsError
from trivit.models.families.vision_transformer import ViTConfig
from trivit.models.quantization.formats import (
    choose_formats,
    describe_formats,
    fraction_lengths,
    largest_fraction_length,
    scalings,
)
from trivit.models.quantization.vision_transformer import QuantVisionTransformer

CONFIG = ViTConfig(
    image_size=4, patch_size=2, in_channels=1, num_classes=3, embed_dim=8, depth=2, num_heads=2
)


@pytest.fixture(scope="module")
def small() -> QuantVisionTransformer:
    return QuantVisionTransformer(CONFIG)


def random_maxima(
    model: QuantVisionTransformer, seed: int, low: float, high: float
) -> tuple[dict[str, float], dict[str, float]]:
    """Largest magnitudes 2**low .. 2**high of all parameters and activations."""
    source = random.Random(seed)
    parameters = {name for name, _ in model.named_parameters()}
    maxima = {name: 2.0 ** source.uniform(low, high) for name in scalings(model)}
    return (
        {name: value for name, value in maxima.items() if name in parameters},
        {name: value for name, value in maxima.items() if name not in parameters},
    )


@given(st.floats(1e-9, 32767))
def test_largest_fraction_length_fits_and_one_more_does_not(limit: float) -> None:
    f = largest_fraction_length(limit)
    assert 0 <= f <= 24
    assert math.ldexp(limit, f) <= 32767
    assert f == 24 or math.ldexp(limit, f + 1) > 32767


@pytest.mark.parametrize("limit", [32768.0, math.inf, math.nan])
def test_what_16_bits_cannot_hold_is_refused(limit: float) -> None:
    with pytest.raises(ModelsError, match=r"blocks\.1\.norm1 reaches"):
        largest_fraction_length(limit, "blocks.1.norm1")


def test_zero_gets_the_largest_fraction_length() -> None:
    assert largest_fraction_length(0.0) == 24


@settings(deadline=None, max_examples=150)
@given(st.integers(0, 10**6), st.sampled_from([(-30.0, 14.0), (-8.0, 4.0), (-30.0, -20.0)]))
@example(679, (-30.0, 14.0))
@example(698, (-30.0, 14.0))  # x0 is lowered by the patch embedding after block 0 was fitted
def test_every_alignment_of_the_accelerator_is_possible(
    small: QuantVisionTransformer, seed: int, powers: tuple[float, float]
) -> None:
    parameters, activations = random_maxima(small, seed, *powers)
    f = choose_formats(small, parameters, activations, headroom=1.25)

    assert set(f) == set(scalings(small))
    assert all(0 <= length <= 24 for length in f.values())
    for name, value in (parameters | {k: v * 1.25 for k, v in activations.items()}).items():
        if not name.endswith("probs"):
            assert math.ldexp(value, f[name]) <= 32767, name
    products = [("patch_embed.proj", "input", "x0", ["pos_embed", "cls_token"])]
    previous = "x0"
    for block in ("blocks.0", "blocks.1"):
        attn, mlp = f"{block}.attn", f"{block}.mlp"
        products += [
            (f"{attn}.qkv", f"{block}.norm1", f"{attn}.qkv", []),
            (f"{attn}.proj", f"{attn}.context", f"{attn}.proj", [previous]),
            (f"{mlp}.fc1", f"{block}.norm2", f"{mlp}.fc1", []),
            (f"{mlp}.fc2", f"{mlp}.gelu", f"{mlp}.fc2", [f"{attn}.proj"]),
        ]
        previous = f"{mlp}.fc2"
        assert f[f"{attn}.probs"] == 15
        assert f[f"{mlp}.fc1"] <= 15
        assert f[f"{attn}.scores"] <= 2 * f[f"{attn}.qkv"]
        assert f[f"{attn}.context"] <= 15 + f[f"{attn}.qkv"]
    products.append(("head", "norm", "head", []))
    for layer, source, output, addends in products:
        product = f[source] + f[f"{layer}.weight"]
        for addend in [f"{layer}.bias", *addends]:
            assert 0 <= product - f[addend] <= 30, (layer, addend)
        assert 0 <= product - f[output] <= 60, layer
    for norm in [f"blocks.{i}.norm{j}" for i in (0, 1) for j in (1, 2)] + ["norm"]:
        gamma, beta = f[f"{norm}.weight"], f[f"{norm}.bias"]
        assert 0 <= 20 + gamma - beta <= 30, norm
        assert -16 <= 20 + gamma - f[norm] <= 60, norm


def test_biases_are_capped_by_their_product(small: QuantVisionTransformer) -> None:
    parameters, activations = random_maxima(small, 0, -1.0, 0.0)
    parameters["head.bias"] = 0.0
    activations["norm"] = 30000.0
    f = choose_formats(small, parameters, activations, headroom=1.0)
    assert f["norm"] == 0
    assert f["head.bias"] == f["head.weight"]


def test_missing_statistics_are_named(small: QuantVisionTransformer) -> None:
    parameters, activations = random_maxima(small, 0, -1.0, 0.0)
    del activations["x0"]
    with pytest.raises(ModelsError, match="x0"):
        choose_formats(small, parameters, activations, headroom=1.0)


def test_a_model_without_qkv_bias_has_formats() -> None:
    config = ViTConfig(
        image_size=4,
        patch_size=2,
        in_channels=1,
        num_classes=3,
        embed_dim=8,
        depth=1,
        num_heads=2,
        qkv_bias=False,
    )
    model = QuantVisionTransformer(config)
    parameters, activations = random_maxima(model, 0, -1.0, 0.0)
    f = choose_formats(model, parameters, activations, headroom=1.25)
    assert "blocks.0.attn.qkv.bias" not in f
    assert f["blocks.0.attn.qkv"] <= f["blocks.0.norm1"] + f["blocks.0.attn.qkv.weight"]


def test_description_names_every_tensor(small: QuantVisionTransformer) -> None:
    parameters, activations = random_maxima(small, 0, -1.0, 0.0)
    maxima = parameters | activations
    described = describe_formats(small, maxima)
    tensors = described["tensors"]
    assert isinstance(tensors, dict)
    assert {name: entry["fraction_length"] for name, entry in tensors.items()} == fraction_lengths(
        small
    )
    narrow = {name for name, entry in tensors.items() if entry["narrow_range"]}
    assert narrow == {name for name in tensors if name.endswith(("proj.weight", "qkv.weight"))} | {
        f"blocks.{i}.mlp.fc{j}.weight" for i in (0, 1) for j in (1, 2)
    } | {"head.weight"}
    assert tensors["x0"]["kind"] == "activation"
    assert tensors["cls_token"]["kind"] == "parameter"
