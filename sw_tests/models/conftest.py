"""Fixtures: experiments so small that a training takes a second."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from trivit.models.training import ExperimentConfig, parse_config

TINY: dict[str, Any] = {
    "seed": 7,
    "model": {
        "name": "micro_28",
        "embed_dim": 32,
        "depth": 2,
        "selector_blocks": [0],
        "token_keep_ratio": 0.7,
        "attention_keep_ratio": 0.5,
    },
    "data": {"dataset": "synthetic", "train_images": 600, "test_images": 200, "shift": 1},
    "training": {
        "epochs": 4,
        "batch_size": 50,
        "learning_rate": 4e-3,
        "warmup_epochs": 0.5,
        "label_smoothing": 0.05,
        "device": "cpu",
        "timing_rounds": 0,
    },
    "sparsity": {
        "examples": {"keep_ratio": 0.9, "update_ratio": 0.05, "period_epochs": 1},
        "warmup": {"start_epoch": 0.5, "end_epoch": 1.0, "steps": 2},
    },
}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def tiny() -> Callable[..., ExperimentConfig]:
    """Make the tiny experiment; overrides are ``a.b=value`` texts."""
    return lambda *overrides: parse_config(TINY, list(overrides))
