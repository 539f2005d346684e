"""DeiT at full size, seeded weights, real images: emulator against oracle in every tensor."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
from trivit.host.tracing import with_trace
from trivit.models.errors import ModelsError
from trivit.models.families import model_config
from trivit.models.families.vision_transformer import VisionTransformer, ViTConfig
from trivit.models.quantization.calibration import calibrate
from trivit.models.quantization.qonnx_graph import export
from trivit.models.quantization.vision_transformer import QuantVisionTransformer
from trivit.tools.compiler import compile_model
from trivit.tools.images import real_images

from .memory_needs import deit_of_width

DENSE = (1.0, 1.0)
SPARSE = ((0.9, 0.2), (0.8, 0.2), (0.7, 0.2))


def compile_deit(config: ViTConfig, images: np.ndarray, folder: Path) -> Bundle:
    """Quantize a seeded model on ``images``, export it and compile the export."""
    torch.manual_seed(0)
    with torch.no_grad():
        floating = VisionTransformer(config)
        # Weights that keep the scale of activations: with DeiT's 0.02 every token looks alike.
        for name, parameter in floating.named_parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=parameter[0].numel() ** -0.5)
            elif not name.endswith("weight"):
                nn.init.normal_(parameter, std=0.1)
        model = QuantVisionTransformer.from_float(floating)
    calibrate(model, [(torch.from_numpy(images).float() / 255 - 0.5) / 0.25], headroom=1.25)
    details = {
        "format": 1,
        "model": "deit",
        "image": {"channels": 3, "height": config.image_size, "width": config.image_size},
        "mean": [0.5] * 3,
        "std": [0.25] * 3,
        "class_names": [f"class {i}" for i in range(config.num_classes)],
        "token_keep_ratio": config.token_keep_ratio,
        "attention_keep_ratio": config.attention_keep_ratio,
    }
    path = folder / "model.qonnx"
    sparse = min(config.token_keep_ratio, config.attention_keep_ratio) < 1
    onnx.save_model(export(model, details, sparse=sparse), str(path))
    return compile_model(path)


def deit(name: str, keep: float, attention: float) -> ViTConfig:
    return model_config(name, token_keep_ratio=keep, attention_keep_ratio=attention)


def assert_same(bundle: Bundle, images: np.ndarray) -> None:
    """Compare every tensor of every instruction, the logits and the saturation counts."""
    traced = with_trace(bundle)
    expected = open_backend("reference").run(traced, images)
    actual = open_backend("emulator").run(traced, images)
    assert expected.tensors.keys() == actual.tensors.keys()
    assert len(expected.tensors) == len(bundle.tensors)
    for name, tensor in expected.tensors.items():
        np.testing.assert_array_equal(actual.tensors[name], tensor, err_msg=name)
        assert tensor.any(), name
    np.testing.assert_array_equal(actual.logits, expected.logits)
    np.testing.assert_array_equal(actual.saturations, expected.saturations)
    if len(images) > 1:
        assert len({tuple(row) for row in actual.logits.tolist()}) == len(images)


@pytest.fixture
def images() -> Callable[[int], np.ndarray]:
    try:
        real_images(1, 3, 28)
    except ModelsError as error:
        pytest.skip(f"Fashion-MNIST is missing: {error}")
    return lambda count: real_images(count, 3, 224)


def test_deit_tiny(images: Callable[[int], np.ndarray], tmp_path: Path) -> None:
    pixels = images(1)
    assert_same(compile_deit(deit("deit_tiny", 0.7, 0.2), pixels, tmp_path), pixels)


@pytest.mark.full
@pytest.mark.parametrize("ratios", [DENSE, *SPARSE], ids=str)
@pytest.mark.parametrize(
    "name", ["deit_tiny", pytest.param("deit_small", marks=deit_of_width(384))]
)
def test_deit_in_every_tensor(
    name: str, ratios: tuple[float, float], images: Callable[[int], np.ndarray], tmp_path: Path
) -> None:
    pixels = images(2)
    assert_same(compile_deit(deit(name, *ratios), pixels, tmp_path), pixels)


_RUN = r"""
import pathlib, re, sys, numpy as np
from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
bundle = Bundle.load(sys.argv[1])
result = open_backend("emulator").run(bundle, np.load(sys.argv[2]))
assert result.logits.any()
# Not getrusage: its maximum includes the process that started this one.
peak = re.search(r"VmHWM:\s*(\d+) kB", pathlib.Path("/proc/self/status").read_text())
print(int(peak[1]) // 1024)
"""


@pytest.mark.full
@deit_of_width(768)
def test_deit_base_runs_in_less_than_a_gigabyte(
    images: Callable[[int], np.ndarray], tmp_path: Path
) -> None:
    pixels = images(1)
    bundle = compile_deit(deit("deit_base", 0.7, 0.2), pixels, tmp_path)
    (tmp_path / "p.trivit").write_bytes(bundle.to_bytes())
    np.save(tmp_path / "i.npy", pixels)
    command = [sys.executable, "-c", _RUN, str(tmp_path / "p.trivit"), str(tmp_path / "i.npy")]
    ended = subprocess.run(command, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) < 1024  # MiB
