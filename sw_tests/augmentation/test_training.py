"""Training with the whole recipe: it learns, goes on exactly, and does not depend on processes."""

from pathlib import Path

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.training import ExperimentConfig, parse_config, train
from trivit.models.training.checkpoint import load_checkpoint
from trivit.models.training.config import save_config

from ..models.test_distributed import run_two

RECIPE = {
    "seed": 3,
    "model": {"name": "micro_28", "embed_dim": 32, "depth": 2, "selector_blocks": [0]},
    "data": {"dataset": "synthetic", "train_images": 240, "test_images": 60},
    "augmentation": {
        "repeats": 3,
        "random_resized_crop": True,
        "scale": [0.5, 1.0],
        "flip": 0.5,
        "policy": "randaugment",
        "erasing": 0.25,
        "mixup": 0.8,
        "cutmix": 1.0,
    },
    "training": {
        "epochs": 3,
        "batch_size": 24,
        "learning_rate": 2e-3,
        "warmup_epochs": 0.5,
        "device": "cpu",
        "timing_rounds": 0,
        "evaluate_every": 3,
    },
    "sparsity": {
        "examples": {"keep_ratio": 0.9, "update_ratio": 0.05, "period_epochs": 1},
        "warmup": {"start_epoch": 0.5, "end_epoch": 2.0, "steps": 2},
    },
}


@pytest.fixture
def recipe() -> ExperimentConfig:
    torch.set_num_threads(1)
    return parse_config(RECIPE)


def test_mixed_and_erased_images_teach_plain_ones(tmp_path: Path) -> None:
    """Soft targets belong to their images: else the test images could not be told apart."""
    torch.set_num_threads(1)
    milder = [
        "augmentation={mixup: 0.8, cutmix: 1.0, erasing: 0.25, repeats: 3}",
        "data.train_images=800",
        "training.epochs=5",
        "training.learning_rate=4e-3",
        "training.evaluate_every=5",
        "sparsity.examples.keep_ratio=1.0",
    ]
    summary = train(parse_config(RECIPE, milder), tmp_path / "run")
    assert summary["float_top1"] > 60, "ten classes: chance is 10"


def test_two_processes_train_what_one_trains(recipe: ExperimentConfig, tmp_path: Path) -> None:
    train(recipe, tmp_path / "one")
    save_config(recipe, tmp_path / "config.yaml")
    for process in run_two(tmp_path / "config.yaml", tmp_path / "two"):
        assert process.returncode == 0, process.stderr
    one, two = (load_checkpoint(tmp_path / name / "checkpoint") for name in ("one", "two"))
    for name in ("in_play", "pool", "presentations", "forgotten", "learned", "was_correct"):
        assert torch.equal(one.training[f"examples/{name}"], two.training[f"examples/{name}"]), name
    for name, weights in one.model.items():
        if not name.endswith("attn.qkv.bias"):  # the keys' part gets rounding noise only
            torch.testing.assert_close(two.model[name], weights, rtol=0, atol=2e-4, msg=name)


def test_odd_batches_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    config = parse_config(RECIPE, ["training.batch_size=15"])
    with pytest.raises(ModelsError, match=r"15:? .*mixup and cutmix mix pairs"):
        train(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
