"""Ctrl-C, SIGTERM and SIGHUP: one line says what is saved and how to go on."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from trivit.tools.cli import interruption, main
from trivit.tools.cli.app import build_app
from trivit.tools.cli.interruption import Interruption, interruptible

from .conftest import CONFIG, Outcome, Trivit, files_in, tiny_settings

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def signalled(number: int = signal.SIGTERM) -> Callable[..., None]:
    """Return a function that sends this process a signal, whatever it is called with."""
    return lambda *_, **__: os.kill(os.getpid(), number)


def ended(outcome: Outcome, number: int, *words: str) -> str:
    """Check for the status of the signal and one line that holds all ``words``."""
    assert outcome.status == 128 + number
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1 and outcome.err.startswith("trivit: "), outcome.err
    for word in words:
        assert word in outcome.err, outcome.err
    return outcome.err.strip()


@pytest.mark.parametrize(
    ("number", "how"),
    list(zip(SIGNALS, ("interrupted", "stopped by SIGTERM", "stopped by SIGHUP"), strict=True)),
)
def test_the_status_is_the_signals(
    number: int, how: str, trivit: Trivit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trivit.models.training.evaluate", signalled(number))
    ended(trivit("evaluate", "RUN"), number, f"{how}: nothing is left half-written; start again")


def test_training_says_what_is_saved_and_how_to_go_on(
    trivit: Trivit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = signal.SIGTERM
    run = tmp_path / "a run"
    one_epoch = tiny_settings()
    settings = ["training.epochs=2" if word == "training.epochs=1" else word for word in one_epoch]
    assert settings != one_epoch
    command = ["train", str(CONFIG), *settings, "--out", str(run)]
    with monkeypatch.context() as patch:
        patch.setattr("trivit.models.training.trainer.TrainingLoop.run", signalled())
        ended(trivit(*command), number, "nothing is saved in", "again with: trivit train")
        patch.undo()
        patch.setattr("trivit.models.training.trainer.ProgressBars.print", signalled())
        line = ended(trivit(*command), number, f"1 of 2 epochs are saved in {run}; go on with: ")
    assert not [name for name in files_in(run) if "/." in f"/{name}" or "lock" in name]
    words = shlex.split(line.partition("go on with: ")[2])
    assert words == ["trivit", *command, "--resume"]
    assert trivit(*words[1:]).status == 0


def test_steps_within_an_epoch_are_counted(
    trivit: Trivit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    every = ["--set", "training.checkpoint_every_steps=2"]
    advance, left = "trivit.models.training.trainer.ProgressBars.advance", [3]

    def third(_: object) -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(advance, third)
    outcome = trivit("train", CONFIG, *tiny_settings(), *every, "--out", tmp_path / "run")
    ended(outcome, signal.SIGINT, "interrupted: 0 of 1 epochs and 2 steps of the next are saved")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "pets" / name / "a.png")
    return tmp_path / "pets"


def test_a_preparation_goes_on(
    trivit: Trivit, tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    command = ["data", "prepare", str(pictures), "--part", "train", "--out", str(store)]
    with monkeypatch.context() as patch:
        patch.setattr("trivit.models.data.store.journal.Journal.append", signalled())
        line = ended(trivit(*command), signal.SIGTERM, f"{store}.partial holds what was done")
    words = shlex.split(line.partition("go on with: ")[2])
    assert words == ["trivit", *command]
    assert trivit(*words[1:]).status == 0


@pytest.mark.parametrize(
    ("place", "command", "words"),
    [
        (
            "trivit.models.quantization.quantize",
            ["quantize", "RUN"],
            ["RUN/quantized is as it was; start again with: trivit quantize RUN"],
        ),
        (
            "trivit.tools.demo.run_demo",
            ["demo", "--quick", "--out", "RUN"],
            ["RUN holds the stages that ended; start again with: trivit demo --quick"],
        ),
        (
            "trivit.tools.bench.train.bench.bench_train",
            ["bench", "train"],
            ["no measurement is kept; start again with: trivit bench train"],
        ),
        (
            "trivit.tools.bench.emulator.bench_emulator",
            ["bench", "emulator"],
            ["no measurement is kept; start again with: trivit bench emulator"],
        ),
        (
            "trivit.tools.study.accuracy.runs.carry_out",
            ["study", "accuracy", "--out", "RUN", "--method", "dense", "--seeds", "2"],
            ["0 of 4 runs are saved in RUN", "go on with: trivit study accuracy --out RUN"],
        ),
    ],
)
def test_every_command_says_how_to_go_on(
    place: str,
    command: list[str],
    words: list[str],
    trivit: Trivit,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(place, signalled())
    ended(trivit(*command), signal.SIGTERM, "stopped by SIGTERM: ", *words)


def test_of_several_processes_the_first_one_speaks(
    trivit: Trivit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trivit.models.training.train", signalled(signal.SIGINT))
    command = ("train", CONFIG, "--out", tmp_path / "run")
    for rank in "01":
        monkeypatch.setenv("RANK", rank)
        monkeypatch.setenv("WORLD_SIZE", "2")
        outcome = trivit(*command)
        if rank == "0":
            ended(outcome, signal.SIGINT, "torchrun [...] -m trivit.tools.cli train")
        else:
            assert (outcome.status, outcome.out, outcome.err) == (130, "", "")


def test_handlers_are_put_back_and_ignored_signals_stay_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    hangup = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with pytest.raises(Interruption) as caught, interruptible(restore=True):
            os.kill(os.getpid(), signal.SIGHUP)  # as under nohup
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)  # torchrun passes it on: the same request
        assert caught.value.status == 130
        exits: list[int] = []
        monkeypatch.setattr(interruption.os, "_exit", exits.append)
        monkeypatch.setattr(interruption, "_PATIENCE_SECONDS", 0.0)
        with pytest.raises(Interruption), interruptible(restore=True):
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                time.sleep(0.001)
                os.kill(os.getpid(), signal.SIGINT)
        assert exits == [130]
    finally:
        signal.signal(signal.SIGHUP, hangup)
    assert [signal.getsignal(number) for number in SIGNALS] == before


WAITING = """
import sys, time
import trivit.tools.cli.app as app
from trivit.tools.cli import main

def wait():
    print("waiting", flush=True)
    time.sleep(60)

app.build_app = wait
sys.exit(main())
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_process_of_its_own(number: int) -> None:
    """The line is the only one, and a second signal on the way out changes nothing."""
    command = [sys.executable, "-c", WAITING, "evaluate", "RUN"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)
    assert process.stdout is not None and process.stdout.readline() == "waiting\n"
    process.send_signal(number)
    second = signal.SIGTERM if number != signal.SIGTERM else signal.SIGINT
    process.send_signal(second)  # the process may see them in either order
    out, err = process.communicate(timeout=60)
    assert process.returncode in (128 + number, 128 + second), err
    assert err.endswith("nothing is left half-written; start again with: trivit evaluate RUN\n")
    assert (out, err.count("\n")) == ("", 1)


def test_the_command_line_is_not_left_by_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    assert build_app() is not None
    monkeypatch.setattr("trivit.tools.cli.app.build_app", signalled(signal.SIGINT))
    assert main(["version"]) == 130
