"""A bias on the scores of attention: relative positions, windows, and the mean of the patches."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from trivit.host.fixed_point import INT16_MIN
from trivit.host.images import preprocess
from trivit.host.instructions import decode
from trivit.host.oracle.machine import Machine
from trivit.host.tracing import with_trace
from trivit.models.errors import ModelsError
from trivit.models.families import model_config
from trivit.models.quantization.calibration import quantizers_disabled
from trivit.models.quantization.trace import trace
from trivit.tools.compiler import arithmetic, compile_model
from trivit.tools.compiler.ir import Attention, MeanPool, Parameter, Tensor
from trivit.tools.compiler.named import untrained_program
from trivit.tools.compiler.pooling import pooling_operations
from trivit.tools.errors import ToolsError

DENSE: dict[str, Any] = {
    "selector_blocks": (),
    "token_keep_ratio": 1.0,
    "attention_keep_ratio": 1.0,
    "relative_position_bias": True,
}
PSS = {**DENSE, "pooling": "mean"}
WINDOWS = {**DENSE, "window": 2}


@pytest.mark.parametrize("sizes", [PSS, WINDOWS], ids=["pss", "windows"])
def test_without_rounding_it_is_the_float_model(
    sizes: dict[str, Any], exported: Callable[..., Any]
) -> None:
    case = exported(**sizes)
    with torch.no_grad(), quantizers_disabled(case.model):
        found = case.model(case.images)
        expected = case.floating(case.images)
    assert torch.allclose(found, expected, rtol=1e-6, atol=1e-6)


def test_a_pair_in_different_windows_has_probability_zero(
    exported: Callable[..., Any], tmp_path: Path
) -> None:
    """In the Brevitas model and in the program, whose scores are the lowest integer there."""
    case = exported(**WINDOWS)
    traced = trace(case.model, case.images)
    table = case.model.blocks[0].attn.index_LL
    closed = (table == table.max()).numpy()
    assert closed.sum() == 16 * 12
    for block in range(2):
        scores = traced[f"blocks.{block}.attn.scores"].integers
        probs = traced[f"blocks.{block}.attn.probs"].integers
        assert (scores[..., closed] == INT16_MIN).all() and (scores[..., ~closed] > INT16_MIN).all()
        assert not probs[..., closed].any() and probs[..., ~closed].any()
    bundle = compile_model(case.save(tmp_path))
    attentions = [i for i in map(decode, bundle.program) if i and i.opcode == "attention"]
    assert [i.flags for i in attentions] == [frozenset({"bias"})] * 2


def test_the_mean_is_that_of_the_patches(exported: Callable[..., Any], tmp_path: Path) -> None:
    """Copies, an attention that sees all patches alike, a product that notes statistics."""
    case = exported(**PSS)
    traced = trace(case.model, case.images[:1])
    bundle = with_trace(compile_model(case.save(tmp_path)), ["pool", "pool.rows"])
    region = preprocess(bundle, case.pixels[:1])[0]
    output, _ = Machine().run(bundle.program, bundle.params, region, bundle.output_words)
    place = {o.name: o for o in bundle.outputs}
    rows = {
        name: output[o.offset * 8 :][: o.rows * o.words * 8].reshape(o.rows, -1)
        for name, o in place.items()
    }
    assert np.array_equal(rows["pool.rows"], np.repeat(rows["pool"], len(rows["pool.rows"]), 0))
    tokens = traced["blocks.1.mlp.fc2"].values[0]
    step = 2.0 ** -(traced["pool"].fraction_length or 0)
    assert np.abs(rows["pool"][0] * step - tokens[1:].mean(0)).max() < step + 1e-3


def test_an_untrained_program_has_biases() -> None:
    small = replace(model_config("micro_28"), selector_blocks=(), depth=2)
    config = replace(small, relative_position_bias=True, pooling="mean")
    bundle = untrained_program(config, "pss", seed=1)
    flags = [i.flags for i in map(decode, bundle.program) if i and i.opcode == "attention"]
    assert flags == [frozenset({"bias"})] * 3  # the last one means the patches


def test_a_bias_behind_a_selector_is_refused() -> None:
    config = replace(model_config("micro_28"), relative_position_bias=True, token_keep_ratio=0.7)
    with pytest.raises(ModelsError, match=r"selector_blocks has 1 and .* use no selectors"):
        untrained_program(config, "pss")
    late = replace(config, selector_blocks=(config.depth - 1,))
    assert untrained_program(late, "late").program.size


QKV = Tensor("qkv", 4, 48, 12)


def attention_with(bias: np.ndarray, bias_frac: int, scores_frac: int) -> Attention:
    """Return an attention of a head over 4 tokens."""
    scores = Tensor("scores", 4, 4, scores_frac)
    probs = replace(scores, name="probs", frac=15)
    added = Parameter("bias", bias.astype(np.int64), bias_frac)
    output = Tensor("context", 4, 16, 12)
    return Attention(output, QKV, None, 1, 0.25, scores, probs, bias=added)


@pytest.mark.parametrize(
    ("closed", "bias_frac", "scores_frac", "message"),
    [
        (np.eye(4, dtype=bool), 7, 8, None),
        (np.eye(4, dtype=bool), 8, 8, "give the bias fewer"),
        (np.eye(4, dtype=bool), 9, 10, "does not reach low enough to close pairs"),
        (np.arange(4)[:, None] < np.ones((1, 4)), 7, 8, "closes every key of a row"),
        (np.zeros((4, 4), dtype=bool), 12, 12, None),
    ],
)
def test_formats_in_which_pairs_are_closed(
    closed: np.ndarray, bias_frac: int, scores_frac: int, message: str | None
) -> None:
    bias = np.where(closed, INT16_MIN, 5)[None]
    operation = attention_with(bias, bias_frac, scores_frac)
    numbers = arithmetic.exponent(operation)
    if message is None:
        arithmetic.check_closed_pairs(operation, *numbers)
        return
    with pytest.raises(ToolsError, match=message):
        arithmetic.check_closed_pairs(operation, *numbers)


def test_other_weights_than_a_mean_are_refused() -> None:
    x, output = Tensor("x", 5, 32, 10), Tensor("pool", 1, 32, 12)

    def pool(*weights: int) -> None:
        pooling_operations(MeanPool(output, x, Parameter("weights", np.array(weights), 15)))

    pool(0, *[8192] * 4)
    for weights in ((0, 8192, 8192, 8192, 8191), (0, *[8000] * 4)):
        with pytest.raises(ToolsError, match="means some rows alike, with 8192"):
            pool(*weights)
