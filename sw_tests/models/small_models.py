"""A model of 16 patches with random weights, and files to load them from."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from trivit.models.families.vision_transformer import VisionTransformer, ViTConfig

SMALL = ViTConfig(
    image_size=12,
    patch_size=3,
    in_channels=2,
    num_classes=5,
    embed_dim=12,
    depth=2,
    num_heads=3,
)
IMAGES = torch.randn(2, 2, 12, 12, generator=torch.Generator().manual_seed(3))


def model_of(seed: int = 0, **changes: Any) -> VisionTransformer:
    torch.manual_seed(seed)
    model = VisionTransformer(replace(SMALL, **changes))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.4)
    return model.eval()


def saved(tensors: dict[str, Tensor], folder: Path) -> Path:
    save_file(
        {name: value.contiguous() for name, value in tensors.items()}, folder / "w.safetensors"
    )
    return folder / "w.safetensors"
