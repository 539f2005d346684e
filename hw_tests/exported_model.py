"""Small quantized models with seeded weights, exported as `trivit quantize` does."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from trivit.models.families.vision_transformer import VisionTransformer, ViTConfig
from trivit.models.layers.relative_position import TABLE
from trivit.models.quantization.calibration import calibrate
from trivit.models.quantization.qonnx_graph import export
from trivit.models.quantization.vision_transformer import QuantVisionTransformer

MEAN, STD = 0.3, 0.35


@dataclass(frozen=True)
class Exported:
    """A calibrated Brevitas model in float64, its export, and images as uint8 and normalised.

    ``floating`` is the model that was quantized, in float64.
    """

    config: ViTConfig
    floating: VisionTransformer
    model: QuantVisionTransformer
    onnx: onnx.ModelProto
    pixels: np.ndarray
    images: torch.Tensor

    def save(self, folder: Path, name: str = "model.qonnx") -> Path:
        """Write the export into ``folder``."""
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        onnx.save_model(self.onnx, str(path))
        return path


def metadata(config: ViTConfig, sparse: bool = True) -> dict[str, Any]:
    """Return the metadata of an export; ``sparse``: its selectors run."""
    return {
        "format": 1,
        "model": "test",
        "image": {
            "channels": config.in_channels,
            "height": config.image_size,
            "width": config.image_size,
        },
        "mean": [MEAN] * config.in_channels,
        "std": [STD] * config.in_channels,
        "class_names": [f"class {i}" for i in range(config.num_classes)],
        "token_keep_ratio": config.token_keep_ratio if sparse else 1.0,
        "attention_keep_ratio": config.attention_keep_ratio if sparse else 1.0,
    }


def close_windows(model: VisionTransformer, window: int) -> None:
    """Give pairs of patches of different windows an entry of the bias that closes them."""
    index_LL, side = model.relative_position_index, model.config.embedding.side
    assert index_LL is not None and side % window == 0
    place = torch.arange(side) // window
    number = (place[:, None] * side + place[None, :]).flatten()
    apart = torch.zeros_like(index_LL, dtype=torch.bool)
    apart[-len(number) :, -len(number) :] = number[:, None] != number[None, :]
    entries = int(index_LL.max()) + 1
    for block in model.blocks:
        attention = block.get_submodule("attn")
        table = attention.get_parameter(TABLE)
        closed = torch.full((1, table.shape[1]), -1e30)
        attention.register_parameter(TABLE, nn.Parameter(torch.cat([table, closed])))
    model.relative_position_index = torch.where(apart, entries, index_LL)


@cache
def build(
    sparse: bool = True, count: int = 4, seed: int = 0, window: int | None = None, **sizes: Any
) -> Exported:
    """Export a seeded model; ``sizes`` change the fields of a small ViTConfig.

    ``window``: patches see those of their own window of so many by so many, and [CLS].
    """
    base: dict[str, Any] = {
        "image_size": 12,
        "patch_size": 3,
        "in_channels": 1,
        "num_classes": 5,
        "embed_dim": 32,
        "depth": 2,
        "num_heads": 2,
        "mlp_ratio": 2.0,
        "selector_blocks": (0,),
        "token_keep_ratio": 0.6,
        "attention_keep_ratio": 0.5,
    }
    config = ViTConfig(**{**base, **sizes})
    torch.manual_seed(seed)
    with torch.no_grad():
        floating = VisionTransformer(config)
        # Sharp attention and visible biases: with the usual tiny weights every token looks alike.
        for name, parameter in floating.named_parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
            elif "norm" in name and name.endswith("weight"):
                nn.init.uniform_(parameter, 0.5, 1.5)
            else:
                nn.init.normal_(parameter, std=0.2)
        if window is not None:
            close_windows(floating, window)
        model = QuantVisionTransformer.from_float(floating)
    generator = np.random.default_rng(seed)
    shape = (count, config.in_channels, config.image_size, config.image_size)
    pixels = generator.integers(0, 256, shape).astype(np.uint8)
    images = (torch.from_numpy(pixels).double() / 255 - MEAN) / STD
    calibrate(model, [images.float()], headroom=1.25)
    graph = export(model, metadata(config, sparse), sparse=sparse)
    model.sparse = sparse
    model = model.double().eval()
    return Exported(config, floating.double().eval(), model, graph, pixels, images)
