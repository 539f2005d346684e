"""Tiny trained runs: with selectors and example level, and with a patch schedule."""

from pathlib import Path
from typing import Any

import pytest

from trivit.models.training import parse_config, train

_BASE: dict[str, Any] = {
    "seed": 3,
    "model": {
        "name": "micro_28",
        "embed_dim": 16,
        "depth": 4,
        "num_heads": 2,
        "selector_blocks": [1, 2],
    },
    "data": {"dataset": "synthetic", "train_images": 120, "test_images": 30},
    "training": {
        "epochs": 4,
        "batch_size": 20,
        "learning_rate": 4e-3,
        "warmup_epochs": 0.5,
        "evaluate_every": 2,
        "device": "cpu",
        "timing_rounds": 0,
    },
    "sparsity": {"warmup": {"start_epoch": 1, "end_epoch": 2}},
}


def make_run(folder: Path, *overrides: str) -> Path:
    train(parse_config(_BASE, list(overrides)), folder)
    return folder


@pytest.fixture(scope="session")
def sparse_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(
        tmp_path_factory.mktemp("show") / "sparse",
        "model.token_keep_ratio=0.6",
        "sparsity.examples={keep_ratio: 0.8, update_ratio: 0.1, period_epochs: 2, updates: 0}",
    )


@pytest.fixture(scope="session")
def patch_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(
        tmp_path_factory.mktemp("show") / "patches",
        "model.selector_blocks=[]",
        "model.pooling=mean",
        "patch_schedule.schedule=cyclic",
    )


@pytest.fixture(scope="session")
def dense_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("show") / "dense", "training.epochs=2")
