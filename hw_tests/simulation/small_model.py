"""A compiled program of the whole 28x28 model with random weights: the demo without training."""

from __future__ import annotations

from pathlib import Path

import onnx
import torch

from trivit.models.families import build_model, model_config
from trivit.models.quantization.calibration import calibrate
from trivit.models.quantization.qonnx_graph import export
from trivit.models.quantization.vision_transformer import QuantVisionTransformer
from trivit.tools.compiler import compile_model

SIZES = model_config("micro_28", token_keep_ratio=0.7, attention_keep_ratio=0.5)


def write_bundle(folder: Path, seed: int = 0) -> Path:
    """Quantize, export and compile the model into `folder`; the bundle's path."""
    torch.manual_seed(seed)
    model = QuantVisionTransformer.from_float(build_model(SIZES))
    side = SIZES.image_size
    calibrate(model, [torch.randn(8, 1, side, side)], headroom=1.25)
    metadata = {
        "format": 1,
        "model": "random 28x28",
        "image": {"channels": 1, "height": side, "width": side},
        "mean": [0.5],
        "std": [0.5],
        "class_names": [str(i) for i in range(SIZES.num_classes)],
    }
    qonnx = folder / "model.qonnx"
    onnx.save_model(export(model, metadata, sparse=True), str(qonnx))
    path = folder / "program.trivit"
    path.write_bytes(compile_model(qonnx).to_bytes())
    return path
