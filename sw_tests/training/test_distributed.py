"""Two processes train the model that one trains, on the same subsets; and they stop together."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from trivit.models.data import load_dataset
from trivit.models.errors import ModelsError
from trivit.models.experiment.config_files import save_config
from trivit.models.families.vision_transformer import VisionTransformer
from trivit.models.runs.checkpoint import Checkpoint, load_checkpoint
from trivit.models.training import ExperimentConfig, accuracy, distributed, train
from trivit.models.training.distributed import World
from trivit.models.training.trainer import Trainer

from .conftest import records

Everything = Callable[..., ExperimentConfig]


def torchrun(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Start two processes as a user does."""
    start = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    return subprocess.run(
        [sys.executable, *start, *map(str, arguments)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


def assert_same_run(one: Checkpoint, two: Checkpoint) -> None:
    """Subsets and counters are equal; weights and averages within float tolerance."""
    for name in ("in_play", "pool", "presentations", "forgotten", "learned", "was_correct"):
        assert torch.equal(one.training[f"examples/{name}"], two.training[f"examples/{name}"]), name
    for part in ("model", "average"):
        for name, weights in getattr(one, part).items():
            other = getattr(two, part)[name]
            if name.endswith("attn.qkv.bias"):
                # Softmax does not see the keys' bias: its gradient is rounding noise, which AdamW
                # scales up to full steps.
                weights, other = (torch.cat([t[:32], t[64:]]) for t in (weights, other))
            torch.testing.assert_close(other, weights, rtol=1e-3, atol=1e-4)


def test_torchrun_trains_what_one_process_trains(everything: Everything, tmp_path: Path) -> None:
    config = everything("training.epochs=4")
    expected = train(config, tmp_path / "one")
    save_config(config, tmp_path / "config.yaml")
    command = ["train", tmp_path / "config.yaml", "--out", tmp_path / "two"]
    ended = torchrun("-m", "trivit.tools.cli", *command)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.count("trained") == 1, "one process speaks for all"
    one, two = (load_checkpoint(tmp_path / name / "checkpoint") for name in ("one", "two"))
    assert int(one.training["examples/updates_done"]) == 3
    # Nine steps of 20 images show 60 examples three times each: every one counts once in each step
    # that has copies of it, on whichever process they are; two steps share some.
    shown = one.training["examples/presentations"]
    assert int((shown > 0).sum()) == 60
    assert 60 < int(shown.sum()) <= 60 + 8
    assert_same_run(one, two)
    summary = json.loads((tmp_path / "two" / "train.json").read_text())
    assert summary["processes"] == 2
    assert summary["images_seen"] == expected["images_seen"]
    losses = [[record["loss"] for record in records(tmp_path / n)] for n in ("one", "two")]
    assert losses[1] == pytest.approx(losses[0], rel=1e-4)
    top1 = [[record["train_top1"] for record in records(tmp_path / n)] for n in ("one", "two")]
    assert top1[1] == top1[0]


COMPILED = """
import sys
from trivit.models.training import compilation
from trivit.tools.cli.main import main

compilation.BACKEND = "eager"  # traced and run as it stands
sys.exit(main(["train", *sys.argv[1:]]))
"""


@pytest.mark.full
def test_processes_share_a_compiled_model(everything: Everything, tmp_path: Path) -> None:
    overrides = ("training.epochs=2", "patch_schedule.schedule=none")
    train(everything(*overrides), tmp_path / "one")
    config = everything(*overrides, "training.compile=true")
    save_config(config, tmp_path / "config.yaml")
    (tmp_path / "child.py").write_text(COMPILED)
    ended = torchrun(tmp_path / "child.py", tmp_path / "config.yaml", "--out", tmp_path / "two")
    assert ended.returncode == 0, ended.stderr
    one, two = (load_checkpoint(tmp_path / name / "checkpoint") for name in ("one", "two"))
    assert_same_run(one, two)
    assert json.loads((tmp_path / "two" / "train.json").read_text())["compiled_shapes"] == 4


# Trains argv[2] into argv[3]; process 1 fails at the place argv[1].
FAILING = """
import os, sys
import torch
from trivit.models.errors import ModelsError
from trivit.models.training import loop, trainer
from trivit.tools.cli.main import main

torch.set_num_threads(1)
calls = 0
step = loop.training_step

def refuse(config):
    raise ModelsError("the images of process 1 are gone")

def failing(*arguments, **settings):
    global calls
    calls += 1
    if calls == 4:
        raise ModelsError("image 17 is corrupt")
    return step(*arguments, **settings)

if os.environ["RANK"] == "1":
    if sys.argv[1] == "setup":
        trainer.load_dataset = refuse
    elif sys.argv[1] == "step":
        loop.training_step = failing
sys.exit(main(["train", sys.argv[2], "--out", sys.argv[3], *sys.argv[4:]]))
"""


def run_two(
    place: str, config: Path, out: Path, *options: str, stop: int | None = None
) -> list[tuple[int, str]]:
    """Start two processes; return their exit statuses and what each wrote on stderr.

    Both get the signal ``stop`` after their first checkpoint, as from a terminal.
    """
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
            [sys.executable, "-c", FAILING, place, str(config), str(out), *options],
            env={**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        if stop is not None:
            deadline = time.monotonic() + 120
            while not (out / "checkpoint" / "state.json").is_file():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            for process in started:
                process.send_signal(stop)
        return [(process.wait(120), process.stderr.read()) for process in started]  # type: ignore[union-attr]
    finally:
        for process in started:
            process.kill()


@pytest.mark.parametrize(
    ("place", "lines"),
    [
        ("setup", ["", "the images of process 1 are gone"]),
        ("step", ["another process of this run stopped", "image 17 is corrupt"]),
    ],
)
def test_an_error_in_one_process_ends_all(
    place: str, lines: list[str], everything: Everything, tmp_path: Path
) -> None:
    save_config(everything(), tmp_path / "config.yaml")
    run = tmp_path / "run"
    for (status, text), expected in zip(
        run_two(place, tmp_path / "config.yaml", run), lines, strict=True
    ):
        assert status == 2, text
        if expected:
            assert re.fullmatch(rf"trivit: {re.escape(expected)}.*\n", text)
        else:
            assert text == ""
    assert run.exists() == (place == "step")


def test_a_signal_ends_all_processes_with_one_line(everything: Everything, tmp_path: Path) -> None:
    save_config(everything("training.epochs=1000"), tmp_path / "config.yaml")
    run = tmp_path / "run"
    first, second = run_two("nowhere", tmp_path / "config.yaml", run, stop=signal.SIGTERM)
    assert (first[0], second) == (143, (143, "")), (first, second)
    line = (
        r"trivit: stopped by SIGTERM: \d+ of 1000 epochs are saved in .*; go on with: torchrun .*\n"
    )
    assert re.fullmatch(line, first[1]), first[1]
    assert not (run / "running.lock").exists()


def test_processes_must_share_the_batch_equally(
    everything: Everything, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distributed, "world", lambda: World(1, 2))
    assert distributed.part_of_batch(20) == slice(10, 20)
    message = "training.batch_size is 21: choose a multiple of the 2 processes"
    with pytest.raises(ModelsError, match=message):
        Trainer(everything("training.batch_size=21"), tmp_path / "run")
    # Mixing pairs images within a process.
    with pytest.raises(ModelsError, match=r"training.batch_size is 15: mixup and cutmix mix pairs"):
        Trainer(everything("training.batch_size=30"), tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("batch_size", [7, 20, 500])
@pytest.mark.parametrize("size", [2, 3])
def test_processes_share_an_evaluation(
    size: int, batch_size: int, everything: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = everything()
    dataset = load_dataset(config.data)
    torch.manual_seed(0)
    model = VisionTransformer(config.model)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)  # or all images look alike to it
    arguments = (model, dataset.test, dataset.info, batch_size)
    expected = dict.fromkeys(range(len(dataset.test)), -1)
    for indices, classes in accuracy.predictions(*arguments):
        expected.update(zip(indices.tolist(), classes.tolist(), strict=True))
    whole = accuracy.top1(*arguments)
    assert len(set(expected.values())) > 1
    shared: dict[int, int] = {}
    counts: list[torch.Tensor] = []

    def collect(count: torch.Tensor) -> torch.Tensor:
        counts.append(count)
        return count

    monkeypatch.setattr(accuracy, "all_sum", collect)
    for rank in range(size):
        monkeypatch.setattr(accuracy, "world", lambda rank=rank: World(rank, size))
        for indices, classes in accuracy.predictions(*arguments):
            for index, found in zip(indices.tolist(), classes.tolist(), strict=True):
                assert shared.setdefault(index, found) == found
        accuracy.top1(*arguments)
    assert shared == expected
    assert 100.0 * sum(map(int, counts)) / len(dataset.test) == whole
