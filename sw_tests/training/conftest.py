"""Fixtures: an experiment with everything at once, so small that it trains in a second or two."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from trivit.models.training import ExperimentConfig, parse_config

from ..run_folders import assert_same_bits, tensors

__all__ = ["assert_same_bits", "tensors"]

EVERYTHING: dict[str, Any] = {
    "seed": 7,
    "model": {
        "name": "micro_28",
        "embed_dim": 32,
        "depth": 2,
        "selector_blocks": [0],
        "token_keep_ratio": 0.7,
        "attention_keep_ratio": 0.5,
        "relative_position_bias": True,
        "drop_path": 0.2,
    },
    "data": {"dataset": "synthetic", "train_images": 200, "test_images": 90, "shift": 1},
    "augmentation": {
        "repeats": 3,
        "random_resized_crop": True,
        "scale": [0.6, 1.0],
        "flip": 0.5,
        "erasing": 0.25,
        "mixup": 0.8,
        "cutmix": 1.0,
    },
    "training": {
        "epochs": 3,
        "batch_size": 20,
        "learning_rate": 4e-3,
        "warmup_epochs": 0.5,
        "device": "cpu",
        "timing_rounds": 0,
        "ema_decay": 0.9,
        "evaluation_batch_size": 20,
    },
    "patch_schedule": {"schedule": "cyclic", "order": "random"},
    "sparsity": {
        "examples": {"keep_ratio": 0.9, "update_ratio": 0.05, "period_epochs": 1},
        "warmup": {"start_epoch": 0.5, "end_epoch": 1.0, "steps": 2},
    },
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def everything() -> Callable[..., ExperimentConfig]:
    """Make the experiment; overrides are ``a.b=value`` texts."""
    return lambda *overrides: parse_config(EVERYTHING, list(overrides))


def records(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


MEASURED = (
    "seconds",
    "step_seconds_by_part",
    "data_seconds_by_cause",
    "images_per_second",
    "peak_memory_mib",
)


def computed(run: Path) -> list[dict[str, Any]]:
    """The records without what is measured."""
    return [{k: v for k, v in r.items() if k not in MEASURED} for r in records(run)]
