"""Checkpoints and position embeddings against timm, where it is installed."""

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.pretrained import load_pretrained
from trivit.models.pretrained.positions import resize_grid


@pytest.mark.parametrize(
    ("theirs", "ours", "changes"),
    [
        ("deit_tiny_patch16_224", "deit_tiny", {}),
        ("deit3_small_patch16_224", "deit_small", {}),
        ("vit_tiny_patch16_224", "deit_tiny", {}),
        (
            "vit_tiny_patch16_224",
            "deit_tiny",
            {"class_token": False, "global_pool": "avg", "fc_norm": True},
        ),
        ("beit_base_patch16_224", "deit_base", {"depth": 2}),
    ],
)
@torch.no_grad()
def test_equals_timm(theirs: str, ours: str, changes: dict[str, Any], tmp_path: Path) -> None:
    timm = pytest.importorskip("timm", reason="timm is not installed: nothing to compare with")
    torch.manual_seed(0)
    source = timm.create_model(theirs, num_classes=11, **changes).eval()
    for name, parameter in source.named_parameters():
        if name.endswith("gamma"):  # initialised so small that its folding could not be seen
            parameter.copy_(torch.rand_like(parameter))
    settings: dict[str, Any] = {"num_classes": 11}
    if theirs.startswith("beit"):
        settings |= {"depth": 2, "selector_blocks": (), "pooling": "mean"}
        settings["relative_position_bias"] = True
        for block in source.blocks:
            for tensor in (block.attn.relative_position_bias_table, block.attn.q_bias):
                tensor.copy_(torch.randn_like(tensor))
    elif changes:
        settings |= {"class_token": False, "pooling": "mean", "selector_blocks": ()}
    target = VisionTransformer(model_config(ours, **settings)).eval()
    path = tmp_path / "timm.safetensors"
    save_file({name: value.contiguous() for name, value in source.state_dict().items()}, path)
    load_pretrained(target, path)
    images = torch.randn(2, 3, 224, 224)
    torch.testing.assert_close(target(images), source(images), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("before", "after"), [(14, 24), (24, 14)])
def test_positions_are_resized_as_in_timm(before: int, after: int) -> None:
    layers = pytest.importorskip(
        "timm.layers", reason="timm is not installed: nothing to compare with"
    )
    positions = torch.randn(1, 1 + before * before, 8)
    theirs = layers.resample_abs_pos_embed(positions, [after, after], num_prefix_tokens=1)
    torch.testing.assert_close(theirs[0, 1:], resize_grid(positions[0, 1:], after))
    assert torch.equal(theirs[0, 0], positions[0, 0])
