"""A training process killed by SIGKILL, anywhere, continues to the bits of an uninterrupted run."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from trivit.models.training import ExperimentConfig, train
from trivit.models.training.checkpoint import load_checkpoint
from trivit.models.training.config import save_config

Tiny = Callable[..., ExperimentConfig]

OVERRIDES = (
    "training.epochs=3",
    "data.train_images=200",
    "data.test_images=20",
    "training.batch_size=20",
    "patch_schedule={schedule: cyclic, order: random}",
)

# Trains the config argv[1] into argv[2] and kills itself at the argv[4]-th call (from 1) of
# argv[3]: "step", or "write" with half of a checkpoint's file written.
CHILD = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
import torch
from trivit.models.training import checkpoint, load_config, loop, train

torch.set_num_threads(1)
config, out, place, calls = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
count = 0

def reached():
    global count
    count += 1
    return count == calls

def die():
    os.kill(os.getpid(), signal.SIGKILL)

step, write = loop.training_step, checkpoint.atomic_write

def dying_step(*arguments, **settings):
    if reached():
        die()
    return step(*arguments, **settings)

@contextmanager
def dying_write(path):
    with write(path) as temporary:
        yield temporary
        if reached():
            with temporary.open("rb+") as file:
                file.truncate(temporary.stat().st_size // 2)
            die()

if place == "step":
    loop.training_step = dying_step
else:
    checkpoint.atomic_write = dying_write
train(load_config(config), out)
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """Tensors of the uninterrupted run, filled by the first test."""
    return {}


def tensors(run: Path) -> dict[str, torch.Tensor]:
    checkpoint = load_checkpoint(run / "checkpoint")
    return {**checkpoint.model, **checkpoint.training}


@pytest.mark.parametrize(
    ("place", "calls", "epochs_saved"),
    [
        ("step", 14, 1),  # in the second epoch
        ("write", 4, 1),  # the model's tensors of the second checkpoint
        ("write", 5, 1),  # the other tensors
        ("write", 6, 1),  # the JSON file that names them
    ],
)
def test_killed_training_resumes_with_the_same_bits(
    place: str,
    calls: int,
    epochs_saved: int,
    tiny: Tiny,
    tmp_path: Path,
    whole: dict[str, torch.Tensor],
) -> None:
    torch.set_num_threads(1)
    config = tiny(*OVERRIDES)
    if not whole:
        train(config, tmp_path / "whole")
        whole.update(tensors(tmp_path / "whole"))
    save_config(config, tmp_path / "config.yaml")
    run = tmp_path / "run"
    arguments = [str(tmp_path / "config.yaml"), str(run), place, str(calls)]
    killed = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert load_checkpoint(run / "checkpoint").state["epoch"] == epochs_saved
    assert not (run / "train.json").exists()
    train(config, run, resume=True)
    resumed = tensors(run)
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)
    # What the killed process had half written does not stay.
    assert not [path for path in (run / "checkpoint").iterdir() if path.name.startswith(".")]
    assert len(list((run / "checkpoint").iterdir())) == 3
