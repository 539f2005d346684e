"""A run that stops anywhere, by any means, continues to the bits of an uninterrupted one."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from trivit.models.errors import ModelsError
from trivit.models.experiment.config_files import save_config
from trivit.models.runs.checkpoint import load_checkpoint
from trivit.models.training import ExperimentConfig, loop, train, trainer

from .conftest import assert_same_bits, computed

Everything = Callable[..., ExperimentConfig]

# Nine steps an epoch: saved after 4 and 8 of them, and at the end.
EVERY = "training.checkpoint_every_steps=4"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the uninterrupted run, filled by the first test."""
    return tmp_path_factory.mktemp("whole") / "run"


class KilledError(Exception):
    """Ends a training in this process."""


def train_until(config: ExperimentConfig, run: Path, step: int) -> None:
    """Make ``step`` steps, over all epochs, and stop as a killed process would."""
    left = step
    original = loop.training_step

    def dying(*arguments: object, **settings: object) -> object:
        nonlocal left
        if left == 0:
            raise KilledError
        left -= 1
        return original(*arguments, **settings)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch, pytest.raises(KilledError):
        patch.setattr(loop, "training_step", dying)
        train(config, run)


@pytest.mark.parametrize(
    ("method", "killed_at", "saved"),
    [
        ("online", 7, (0, 4)),
        ("online", 9, (1, 0)),
        ("online", 17, (1, 8)),
        # All examples are in play in its first epoch; each later one draws anew.
        ("active_bias", 16, (1, 4)),
    ],
)
def test_continues_within_an_epoch(
    method: str, killed_at: int, saved: tuple[int, int], everything: Everything, tmp_path: Path
) -> None:
    config = everything(EVERY, f"sparsity.examples.method={method}", "training.epochs=2")
    train(config, tmp_path / "whole")
    train_until(config, tmp_path / "run", killed_at)
    state = load_checkpoint(tmp_path / "run" / "checkpoint").state
    assert (state["epoch"], state["step"]) == saved
    torch.rand(13)  # the global generator must not matter
    train(config, tmp_path / "run", resume=True)
    assert_same_bits(tmp_path / "run", tmp_path / "whole")
    assert computed(tmp_path / "run") == computed(tmp_path / "whole")


def test_saving_within_epochs_changes_nothing(everything: Everything, tmp_path: Path) -> None:
    train(everything(), tmp_path / "at_ends")
    train(everything(EVERY), tmp_path / "within")
    assert_same_bits(tmp_path / "at_ends", tmp_path / "within")
    assert computed(tmp_path / "at_ends") == computed(tmp_path / "within")


# Trains the config argv[1] into argv[2] and kills itself at the argv[4]-th call (from 1) of
# argv[3]: "step", or "write" with half of a checkpoint's file written.
CHILD = """
import os, signal, sys
from contextlib import contextmanager
from pathlib import Path
import torch
from trivit.models.runs import checkpoint
from trivit.models.training import load_config, loop, train

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


@pytest.mark.parametrize(
    ("place", "calls", "saved"),
    [
        ("step", 16, (1, 4)),
        # Every checkpoint writes four files. The second one is within the first epoch,
        ("write", 6, (0, 4)),  # the averages
        # the fourth one within the second.
        ("write", 15, (1, 0)),  # what only resuming needs
        ("write", 16, (1, 0)),  # the JSON file that names the others
    ],
)
def test_killed_training_resumes_with_the_same_bits(
    place: str,
    calls: int,
    saved: tuple[int, int],
    everything: Everything,
    tmp_path: Path,
    whole: Path,
) -> None:
    config = everything(EVERY)
    if not whole.exists():
        train(config, whole)
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
    state = load_checkpoint(run / "checkpoint").state
    assert (state["epoch"], state["step"]) == saved
    assert not (run / "train.json").exists()
    train(config, run, resume=True)
    assert_same_bits(run, whole)
    assert computed(run) == computed(whole)
    # What the killed process had half written does not stay.
    assert not [path for path in (run / "checkpoint").iterdir() if path.name.startswith(".")]
    assert len(list((run / "checkpoint").iterdir())) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("labels", r"its contents \(SHA-256\) was"),
        ("pixels", r"its contents \(SHA-256\) was"),
        ("number", "its test images was 90, now 89"),
    ],
)
def test_changed_images_are_refused(
    change: str,
    message: str,
    everything: Everything,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    train_until(everything(EVERY), tmp_path, 5)
    load = trainer.load_dataset

    def changed(data):  # type: ignore[no-untyped-def]
        dataset = load(data)
        if change == "labels":
            dataset.train.labels[3] += 1
        elif change == "pixels":
            dataset.test.pixels[7] //= 2
        else:
            return type(dataset)(dataset.info, dataset.train, dataset.test.first(89))
        return dataset

    monkeypatch.setattr(trainer, "load_dataset", changed)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(ModelsError, match=message) as caught:
        train(everything(EVERY), tmp_path, resume=True)
    assert "the dataset changed since the run started" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}


def test_a_checkpoint_of_an_earlier_version_is_refused(
    everything: Everything, tmp_path: Path
) -> None:
    train_until(everything(EVERY), tmp_path, 5)
    state = tmp_path / "checkpoint" / "state.json"
    state.write_text(state.read_text().replace('"dataset"', '"other"'))
    with pytest.raises(ModelsError, match=r"does not fit config\.yaml: train again"):
        train(everything(EVERY), tmp_path, resume=True)
