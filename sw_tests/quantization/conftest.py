"""Small models and one small run, shared by the tests of quantization."""

import copy
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

from trivit.models.families.vision_transformer import VisionTransformer, ViTConfig
from trivit.models.quantization.calibration import calibrate
from trivit.models.quantization.qonnx_graph import export
from trivit.models.quantization.vision_transformer import QuantVisionTransformer
from trivit.models.training import parse_config, train

CONFIG = ViTConfig(
    image_size=12,
    patch_size=3,
    in_channels=2,
    num_classes=5,
    embed_dim=16,
    depth=4,
    num_heads=2,
    mlp_ratio=2.0,
    selector_blocks=(0, 2),
    token_keep_ratio=0.7,
    attention_keep_ratio=0.5,
)

METADATA: dict[str, Any] = {"format": 1, "model": "test", "mean": [0.5], "std": [0.25]}

RUN = {
    "seed": 0,
    "model": {
        "name": "micro_28",
        "patch_size": 7,
        "embed_dim": 32,
        "depth": 3,
        "selector_blocks": [0, 1],
        "token_keep_ratio": 0.7,
        "attention_keep_ratio": 0.5,
    },
    "data": {"dataset": "synthetic", "train_images": 640, "test_images": 200},
    "training": {
        "epochs": 3,
        "batch_size": 32,
        "learning_rate": 3e-3,
        "warmup_epochs": 0.2,
        "timing_rounds": 0,
    },
    "sparsity": {"warmup": {"start_epoch": 0.5, "end_epoch": 1.5, "steps": 2}},
}


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    torch.set_num_threads(threads)


def random_float_model(config: ViTConfig, seed: int = 0) -> VisionTransformer:
    """A model whose weights are large enough that attention is not uniform."""
    generator = torch.Generator().manual_seed(seed)
    model = VisionTransformer(config).eval()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if "norm" in name and name.endswith("weight"):
                parameter.copy_(1 + 0.2 * noise)
            elif parameter.dim() > 1:
                parameter.copy_(0.25 * noise)
            else:
                parameter.copy_(0.1 * noise)
    return model


def random_images(config: ViTConfig, count: int, seed: int = 1) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    side = config.image_size
    return torch.randn(count, config.in_channels, side, side, generator=generator)


@pytest.fixture(scope="session")
def float_model() -> VisionTransformer:
    return random_float_model(CONFIG)


@pytest.fixture(scope="session")
def images() -> torch.Tensor:
    """Normalised images, float64 (6, 2, 12, 12), that no model was calibrated on."""
    return random_images(CONFIG, 6, seed=2).double()


@pytest.fixture(scope="session")
def calibrated(float_model: VisionTransformer) -> QuantVisionTransformer:
    """A calibrated model, float32, that no test changes."""
    quantized = QuantVisionTransformer.from_float(float_model)
    calibrate(quantized, random_images(CONFIG, 32).split(16), 1.25)
    return quantized


@pytest.fixture
def model(calibrated: QuantVisionTransformer) -> QuantVisionTransformer:
    """A copy of `calibrated` for each test to change."""
    return copy.deepcopy(calibrated)


@pytest.fixture(scope="session")
def graphs(calibrated: QuantVisionTransformer) -> Callable[[bool], onnx.ModelProto]:
    """Return the QONNX of `calibrated`, sparse or dense, exported once; each call gives a copy."""
    files = {
        sparse: export(copy.deepcopy(calibrated), METADATA, sparse=sparse).SerializeToString()
        for sparse in (True, False)
    }

    def copy_of(sparse: bool = True) -> onnx.ModelProto:
        return onnx.load_from_string(files[sparse])

    return copy_of


@pytest.fixture(scope="session")
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished training run; tests must not write into it."""
    run = tmp_path_factory.mktemp("runs") / "tiny"
    train(parse_config(RUN), run)
    return run
