"""A step never waits for the device and never mixes devices, shown without having one.

On torch's meta device tensors have shapes and no values: reading one on the host, which on a GPU
would wait for it, fails, and so does an operation on tensors of two devices.
"""

import contextlib
from typing import Any

import pytest
import torch

from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.methods.examples.statistics import ExampleStatistics
from trivit.models.methods.patches.orders import PatchOrder, PatchSampling

META = torch.device("meta")
NO_CLS = {"class_token": False, "pooling": "mean", "token_score": "column_sum"}


@pytest.fixture(autouse=True)
def autocast_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """The meta device has no autocast."""
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: contextlib.nullcontext())


def test_reading_and_mixing_fail_here() -> None:
    with pytest.raises(RuntimeError):
        torch.zeros(3, device=META).sum().item()
    with pytest.raises(RuntimeError):
        torch.zeros(3, device=META) + torch.zeros(3)


@pytest.mark.parametrize(
    ("changes", "ratio", "order"),
    [
        ({}, 1.0, "l1"),
        ({"fuse_tokens": True, "relative_position_bias": True}, 0.6, "random"),
        ({"token_score": "static", "attention_pattern": "window"}, 0.6, "l1"),
        ({"attention_pattern": "magnitude", "attention_compat": "code"}, 0.4, "l2"),
        ({**NO_CLS, "relative_position_bias": True, "fuse_tokens": True}, 0.6, "l1"),
        ({"class_connections": "closed"}, 1.0, "l1"),
    ],
)
def test_forward_backward_and_statistics_stay_on_the_device(
    changes: dict[str, Any], ratio: float, order: PatchOrder
) -> None:
    config = model_config("micro_28", drop_path=0.2, **changes)
    model = VisionTransformer(config).to(META).train()
    model.set_keep_ratios(token=0.7, attention=0.5)
    model.set_patch_sampling(PatchSampling(ratio, order, "code"))
    images = torch.zeros(8, 1, 28, 28, device=META)
    details = model.forward_details(images, variance_block=-1, track_tokens=True)
    labels = torch.zeros(8, dtype=torch.int64, device=META)
    torch.nn.functional.cross_entropy(details.logits, labels).backward()
    assert all(parameter.grad is not None for parameter in model.parameters())
    for copies in (False, True):
        statistics = ExampleStatistics.zeros(100, META)
        correct = details.logits.argmax(1) == labels
        values = details.cls_variance, details.logits[:, 0].detach()
        statistics.record(labels, correct, *values, counted=30, copies=copies)
        assert {tensor.device for tensor in vars(statistics).values()} == {META}
