"""The quantized model against integer arithmetic and against the float model."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.quantization.calibration import calibrate
from trivit.models.quantization.trace import TracedTensor, trace, trace_parameters
from trivit.models.quantization.vision_transformer import QuantVisionTransformer

Ints = NDArray[np.int64]
Trace = dict[str, TracedTensor]


@pytest.fixture
def traced(model: QuantVisionTransformer, images: torch.Tensor) -> Trace:
    model.double()
    return trace_parameters(model) | trace(model, images)


def requantize(sums: Ints, shift: int) -> Ints:
    """Divide by 2**shift, half to even, and saturate: integers only."""
    assert shift >= 0
    quotient = sums >> shift
    rest = sums - (quotient << shift)
    half = (1 << shift) >> 1
    up = (rest > half) | ((rest == half) & (quotient % 2 == 1)) if shift else np.zeros_like(sums)
    return np.clip(quotient + up, -32768, 32767)


def aligned(tensor: TracedTensor, fraction_length: int) -> Ints:
    assert tensor.fraction_length is not None
    assert fraction_length >= tensor.fraction_length
    return tensor.integers << (fraction_length - tensor.fraction_length)


def product(
    traced: Trace, source: str, layer: str, output: str, residual: TracedTensor | None = None
) -> None:
    """Check that ``output`` is one rounding of source x weight + bias (+ residual)."""
    x, weight, out = traced[source], traced[f"{layer}.weight"], traced[output]
    assert x.fraction_length is not None and weight.fraction_length is not None
    assert out.fraction_length is not None
    f = x.fraction_length + weight.fraction_length
    sums = x.integers @ weight.integers.T + aligned(traced[f"{layer}.bias"], f)
    if residual is not None:
        sums = sums + aligned(residual, f)
    np.testing.assert_array_equal(requantize(sums, f - out.fraction_length), out.integers)


def test_every_linear_layer_rounds_once(traced: Trace) -> None:
    residual = traced["x0"]
    for index in range(4):
        block = f"blocks.{index}"
        product(traced, f"{block}.norm1", f"{block}.attn.qkv", f"{block}.attn.qkv")
        proj = f"{block}.attn.proj"
        product(traced, f"{block}.attn.context", proj, proj, residual)
        residual = traced.get(f"{block}.selector.tokens", traced[proj])
        product(traced, f"{block}.norm2", f"{block}.mlp.fc1", f"{block}.mlp.fc1")
        fc2 = f"{block}.mlp.fc2"
        product(traced, f"{block}.mlp.gelu", fc2, fc2, residual)
        residual = traced[fc2]
    product(traced, "norm", "head", "head")


def test_patch_embedding_rounds_once_after_the_positions(traced: Trace) -> None:
    pixels, weight, out = traced["input"], traced["patch_embed.proj.weight"], traced["x0"]
    assert pixels.fraction_length is not None and weight.fraction_length is not None
    assert out.fraction_length is not None
    f = pixels.fraction_length + weight.fraction_length
    batch, channels, side, _ = pixels.integers.shape
    patches = pixels.integers.reshape(batch, channels, side // 3, 3, side // 3, 3)
    patches = patches.transpose(0, 2, 4, 1, 3, 5).reshape(batch, 16, -1)
    sums = patches @ weight.integers.reshape(16, -1).T + aligned(traced["patch_embed.proj.bias"], f)
    cls = np.broadcast_to(aligned(traced["cls_token"], f), (batch, 1, 16))
    sums = np.concatenate([cls, sums], axis=1) + aligned(traced["pos_embed"], f)
    np.testing.assert_array_equal(requantize(sums, f - out.fraction_length), out.integers)


def test_scores_and_context_round_once_per_head(traced: Trace) -> None:
    for index in range(4):
        attn = f"blocks.{index}.attn"
        qkv, scores = traced[f"{attn}.qkv"], traced[f"{attn}.scores"]
        probs, context = traced[f"{attn}.probs"], traced[f"{attn}.context"]
        assert qkv.fraction_length is not None and scores.fraction_length is not None
        assert probs.fraction_length is not None and context.fraction_length is not None
        batch, length, _ = qkv.integers.shape
        by_head = qkv.integers.reshape(batch, length, 3, 2, 8).transpose(2, 0, 3, 1, 4)
        q, k, v = by_head
        shift = 2 * qkv.fraction_length - scores.fraction_length
        np.testing.assert_array_equal(
            requantize(q @ k.transpose(0, 1, 3, 2), shift), scores.integers
        )
        shift = probs.fraction_length + qkv.fraction_length - context.fraction_length
        merged = (probs.integers @ v).transpose(0, 2, 1, 3).reshape(batch, length, 16)
        np.testing.assert_array_equal(requantize(merged, shift), context.integers)


def test_closed_connections_have_probability_zero_and_rows_sum_to_one(traced: Trace) -> None:
    mask = None
    for index in range(4):
        probs = traced[f"blocks.{index}.attn.probs"]
        if mask is not None:
            closed = np.broadcast_to(mask[:, None] == 0, probs.integers.shape)
            assert closed.any()
            assert not probs.integers[closed].any()
        length = probs.integers.shape[-1]
        assert np.abs(probs.values.sum(-1) - 1).max() <= length * 2.0**-15
        selected = traced.get(f"blocks.{index}.selector.mask")
        mask = mask if selected is None else selected.integers


def test_layernorm_and_gelu_are_within_half_a_step(traced: Trace) -> None:
    def norm(x: TracedTensor, name: str) -> None:
        expected = torch.nn.functional.layer_norm(
            torch.from_numpy(x.values),
            (16,),
            torch.from_numpy(traced[f"{name}.weight"].values),
            torch.from_numpy(traced[f"{name}.bias"].values),
            1e-6,
        )
        out = traced[name]
        assert out.fraction_length is not None
        error = np.abs(out.values - expected.numpy())
        assert error.max() <= 0.5001 * 2.0**-out.fraction_length, name

    norm(traced["x0"], "blocks.0.norm1")
    norm(traced["blocks.1.attn.proj"], "blocks.1.norm2")
    norm(traced["blocks.2.selector.tokens"], "blocks.2.norm2")
    gelu, fc1 = traced["blocks.3.mlp.gelu"], traced["blocks.3.mlp.fc1"]
    expected = torch.nn.functional.gelu(torch.from_numpy(fc1.values)).numpy()
    assert gelu.fraction_length is not None
    assert np.abs(gelu.values - expected).max() <= 0.5001 * 2.0**-gelu.fraction_length


def test_sparse_and_dense_logits_are_close_to_the_float_model(
    model: QuantVisionTransformer, float_model: VisionTransformer, images: torch.Tensor
) -> None:
    config = float_model.config
    model.double()
    for sparse in (True, False):
        model.sparse = sparse
        float_model.set_keep_ratios(
            token=config.token_keep_ratio if sparse else 1.0,
            attention=config.attention_keep_ratio if sparse else 1.0,
        )
        with torch.no_grad():
            difference = (model(images) - float_model(images.float())).abs().max()
            spread = float_model(images.float()).abs().max()
        assert difference < 0.01 * spread, sparse
    float_model.set_keep_ratios(
        token=config.token_keep_ratio, attention=config.attention_keep_ratio
    )


def test_calibration_leaves_no_saturation_on_its_images(model: QuantVisionTransformer) -> None:
    generator = torch.Generator().manual_seed(1)
    seen = torch.randn(32, 2, 12, 12, generator=generator).double()
    traced = trace(model.double(), seen)
    for name, tensor in traced.items():
        if tensor.fraction_length is not None and not name.endswith("probs"):
            assert np.abs(tensor.integers).max() < 32767, name


def test_calibration_does_not_depend_on_the_order_or_size_of_batches(
    float_model: VisionTransformer, images: torch.Tensor
) -> None:
    results = []
    split: list[Callable[[torch.Tensor], tuple[torch.Tensor, ...]]]
    split = [lambda x: x.split(1), lambda x: x.flip(0).split(4)]
    for function in split:
        model = QuantVisionTransformer.from_float(float_model)
        maxima = calibrate(model, function(images.float()), 1.25)
        results.append((maxima, model.state_dict()))
        assert model.sparse
    assert results[0][0].keys() == results[1][0].keys()
    for name, value in results[0][0].items():
        assert results[1][0][name] == pytest.approx(value, rel=1e-4)


def test_results_do_not_depend_on_the_batch(
    model: QuantVisionTransformer, images: torch.Tensor
) -> None:
    model.double()
    with torch.no_grad():
        together = model(images)
        alone = torch.cat([model(image) for image in images.split(1)])
    assert torch.equal(together, alone)


def test_float32_runs_and_stays_close(model: QuantVisionTransformer, images: torch.Tensor) -> None:
    with torch.no_grad():
        narrow = model(images.float())
        wide = model.double()(images)
    assert narrow.dtype == torch.float32
    assert (narrow - wide).abs().max() < 0.01 * wide.abs().max()
