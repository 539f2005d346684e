"""Two processes train the model that one trains, on the same subsets."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.training import ExperimentConfig, distributed, train
from trivit.models.training.checkpoint import load_checkpoint
from trivit.models.training.config import save_config
from trivit.models.training.distributed import World
from trivit.models.training.trainer import Trainer

Tiny = Callable[..., ExperimentConfig]

OVERRIDES = (
    "training.epochs=4",
    "data.train_images=200",
    "data.test_images=50",
    "data.flip=true",
    "training.batch_size=20",
    "model.relative_position_bias=true",
    "patch_schedule={schedule: linear, order: random}",
)

CHILD = """
import sys
import torch
from trivit.tools.cli.main import main
torch.set_num_threads(1)
sys.exit(main(["train", sys.argv[1], "--out", sys.argv[2], *sys.argv[3:]]))
"""


def run_two(config: Path, out: Path, *options: str) -> list[subprocess.CompletedProcess[str]]:
    """Start two processes as torchrun does, and wait for both."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    shared = {
        "WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    started = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(config), str(out), *options],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    finished = []
    try:
        for process in started:
            out_text, error_text = process.communicate(timeout=120)
            finished.append(
                subprocess.CompletedProcess(process.args, process.returncode, out_text, error_text)
            )
    finally:
        for process in started:
            process.kill()
    return finished


def test_two_processes_train_what_one_trains(tiny: Tiny, tmp_path: Path) -> None:
    torch.set_num_threads(1)
    config = tiny(*OVERRIDES)
    expected = train(config, tmp_path / "one")
    save_config(config, tmp_path / "config.yaml")
    for process in run_two(tmp_path / "config.yaml", tmp_path / "two"):
        assert process.returncode == 0, process.stderr
    one, two = (load_checkpoint(tmp_path / name / "checkpoint") for name in ("one", "two"))
    assert int(one.training["examples/updates_done"]) == 3
    for name in ("in_play", "pool", "presentations", "forgotten", "learned", "was_correct"):
        assert torch.equal(one.training[f"examples/{name}"], two.training[f"examples/{name}"]), name
    for name, weights in one.model.items():
        other = two.model[name]
        if name.endswith("attn.qkv.bias"):
            # Softmax does not see the keys' bias: its gradient is rounding noise, which AdamW
            # scales up to full steps.
            weights, other = (torch.cat([t[:32], t[64:]]) for t in (weights, other))
        torch.testing.assert_close(other, weights, rtol=1e-3, atol=1e-4)
    summary = json.loads((tmp_path / "two" / "train.json").read_text())
    assert summary["processes"] == 2
    assert summary["images_seen"] == expected["images_seen"]
    losses = [
        [json.loads(line)["loss"] for line in (tmp_path / n / "metrics.jsonl").open()]
        for n in ("one", "two")
    ]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)


def test_processes_must_share_the_batch_equally(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "world", lambda: World(1, 2))
    assert distributed.part_of_batch(20) == slice(10, 20)
    message = "training.batch_size is 21: choose a multiple of the 2 processes"
    with pytest.raises(ModelsError, match=message):
        Trainer(tiny(*OVERRIDES, "training.batch_size=21"), tmp_path / "run")
    assert not (tmp_path / "run").exists()
