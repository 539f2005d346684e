"""torch.compile without graph breaks: one graph for each shape that a schedule visits.

The graphs are traced as for a GPU, forward and backward, and run by ``aot_eager``: generating C++
code for them would take minutes.
"""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch._dynamo.testing import CompileCounterWithBackend

from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.layers.sparse_transformer import ForwardDetails
from trivit.models.methods.patches.orders import PatchSampling

NO_CLS = {"class_token": False, "pooling": "mean", "token_score": "column_sum"}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    torch._dynamo.reset()
    yield
    torch._dynamo.reset()


def compiled(model: VisionTransformer) -> tuple[Callable[..., ForwardDetails], Any]:
    counter = CompileCounterWithBackend("aot_eager")
    forward = torch.compile(model.forward_details, fullgraph=True, dynamic=False, backend=counter)
    return forward, counter


def gradients(model: VisionTransformer, details: ForwardDetails) -> list[Tensor]:
    return list(torch.autograd.grad(details.logits.square().sum(), list(model.parameters())))


Ratios = tuple[float, float, float]


@pytest.mark.parametrize(
    ("changes", "ratios", "settings"),
    [
        ({}, [(1.0, 1.0, 1.0)], {}),
        ({"drop_path": 0.3}, [(0.7, 1.0, 1.0), (0.8, 1.0, 1.0)], {"variance_block": 0}),
        ({}, [(0.7, 0.4, 1.0)], {"variance_block": -1, "track_tokens": True}),
        (
            {"relative_position_bias": True, "pooling": "mean"},
            [(1.0, 1.0, 0.6), (1.0, 1.0, 1.0)],
            {},
        ),
        (
            {**NO_CLS, "fuse_tokens": True, "relative_position_bias": True},
            [(0.7, 0.5, 0.6)],
            {"variance_block": -1},
        ),
        ({"attention_pattern": "window", "token_score": "static"}, [(0.7, 0.5, 1.0)], {}),
        ({"attention_pattern": "magnitude", "attention_compat": "code"}, [(0.7, 0.5, 1.0)], {}),
    ],
    ids=["dense", "tokens", "connections", "patches", "no_cls", "window", "magnitude"],
)
def test_one_graph_for_each_shape(
    changes: dict[str, Any], ratios: list[Ratios], settings: dict[str, Any]
) -> None:
    torch.manual_seed(0)
    sizes = {"depth": 2, "selector_blocks": (0,), "embed_dim": 16}
    model = VisionTransformer(model_config("micro_28", **sizes, **changes)).train()
    images, draws = torch.randn(4, 1, 28, 28), torch.rand(4, 4)
    forward, counter = compiled(model)
    for token, attention, patch in [*ratios, *ratios]:  # a second visit compiles nothing
        model.set_keep_ratios(token=token, attention=attention)
        model.set_patch_sampling(PatchSampling(patch))
        expected = model.forward_details(images, depth_draws_RB=draws, **settings)
        details = forward(images, depth_draws_RB=draws, **settings)
        torch.testing.assert_close(details.logits, expected.logits, rtol=1e-5, atol=1e-6)
        if expected.cls_variance is not None:
            torch.testing.assert_close(details.cls_variance, expected.cls_variance)
        for one, other in zip(details.kept_tokens, expected.kept_tokens, strict=True):
            assert torch.equal(one, other)
        for one, other in zip(gradients(model, details), gradients(model, expected), strict=True):
            torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert counter.frame_count == len(ratios)
