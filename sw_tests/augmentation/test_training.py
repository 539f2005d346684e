"""Training with augmentation."""

from pathlib import Path

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.families import build_model
from trivit.models.training import parse_config, train
from trivit.models.training.device import autocast

MIXED = {
    "seed": 3,
    "model": {"name": "micro_28", "embed_dim": 32, "depth": 2, "selector_blocks": []},
    "data": {"dataset": "synthetic", "train_images": 800, "test_images": 60},
    "augmentation": {"repeats": 3, "erasing": 0.25, "mixup": 0.8, "cutmix": 1.0},
    "training": {
        "epochs": 5,
        "batch_size": 24,
        "learning_rate": 4e-3,
        "warmup_epochs": 0.5,
        "device": "cpu",
        "timing_rounds": 0,
        "evaluate_every": 5,
    },
}


def test_mixed_and_erased_images_teach_plain_ones(tmp_path: Path) -> None:
    """Soft targets belong to their images: else the test images could not be told apart."""
    torch.set_num_threads(1)
    summary = train(parse_config(MIXED), tmp_path / "run")
    assert summary["float_top1"] > 60, "ten classes: chance is 10"


@pytest.mark.parametrize("name", ["micro_28", "pit_xs"])
def test_models_see_the_same_in_bfloat16(name: str) -> None:
    """Autocast would round float32 images to the same numbers, in every step."""
    torch.manual_seed(0)
    model = build_model(name).train()
    size = model.config.image_size
    images = torch.randn(2, model.config.in_channels, size, size)
    gradients = []
    for given in (images, images.to(torch.bfloat16)):
        model.zero_grad()
        with autocast("bfloat16", torch.device("cpu")):
            logits = model.forward_details(given).logits
        logits.float().square().sum().backward()
        gradients.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_odd_batches_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    config = parse_config(MIXED, ["training.batch_size=15"])
    with pytest.raises(ModelsError, match=r"15:? .*mixup and cutmix mix pairs"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
