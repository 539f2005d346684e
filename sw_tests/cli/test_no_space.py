"""A full disk ends every writing command with one line and leaves nothing half-written."""

import errno
import itertools
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import IO

import numpy as np
import pytest
from PIL import Image
from programs import random_bundle

from trivit.models.training.reporting import EventWriter, Metrics

from .conftest import CONFIG, Trivit, few_images, files_in, tiny_settings

LIMIT_BYTES = 4096


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every flush to disk fail as on a full one."""

    def fsync(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("trivit.models.files.os.fsync", fsync)


def limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (LIMIT_BYTES, LIMIT_BYTES))


@pytest.mark.usefixtures("full_disk")
def test_training_on_a_full_disk(trivit: Trivit, tmp_path: Path) -> None:
    run = tmp_path / "run"
    outcome = trivit("train", CONFIG, *tiny_settings(), "--out", run)
    outcome.refused(str(run), "no space left", "free some")
    assert not files_in(run)


class FullFile:
    """A file in the folder of a run that takes nothing more."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def open(self, *_: object) -> IO[str]:
        return Path("/dev/full").open("w")

    def __str__(self) -> str:
        return str(self.path)


def test_metrics_on_a_full_disk(tmp_path: Path) -> None:
    metrics = Metrics(FullFile(tmp_path / "metrics.jsonl"))  # type: ignore[arg-type]
    with pytest.raises(OSError) as caught:
        metrics.append({"epoch": 1})
    assert caught.value.filename == str(tmp_path / "metrics.jsonl")


def test_events_on_a_full_disk(tmp_path: Path) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    events = EventWriter.__new__(EventWriter)  # the package tensorboard may not be there
    events._folder, events._writer, events._open = tmp_path / "tensorboard", None, full
    with pytest.raises(OSError) as caught:
        events.add({"step": 1, "loss": 2.0})
    assert caught.value.filename == str(tmp_path / "tensorboard")


@pytest.mark.parametrize("full_at", [1, 2, 3, 4])
def test_a_store_on_a_full_disk(
    trivit: Trivit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_at: int
) -> None:
    for name in ("cat", "dog"):
        (tmp_path / "pets" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8)).save(tmp_path / "pets" / name / "a.png")

    calls = itertools.count(1)  # the journal's first line, the images, their line, the labels

    def fsync(descriptor: int) -> None:
        if next(calls) == full_at:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("os.fsync", fsync)
    out = tmp_path / "store"
    outcome = trivit("data", "prepare", tmp_path / "pets", "--part", "train", "--out", out)
    outcome.refused(str(out), "no space left", "free some")
    monkeypatch.undo()
    assert trivit("data", "prepare", tmp_path / "pets", "--part", "train", "--out", out).status == 0


@pytest.mark.parametrize("command", ["quantize", "compile"])
def test_later_stages_keep_what_was_there(
    trivit: Trivit, run_copy: Path, request: pytest.FixtureRequest, command: str
) -> None:
    before = files_in(run_copy)
    request.getfixturevalue("full_disk")
    options = few_images() if command == "quantize" else []
    trivit(command, run_copy, *options).refused(str(run_copy), "no space left")
    assert files_in(run_copy) == before


@pytest.mark.usefixtures("full_disk")
def test_logits_on_a_full_disk(trivit: Trivit, tmp_path: Path) -> None:
    bundle, images = random_bundle(0)
    (tmp_path / "p.trivit").write_bytes(bundle.to_bytes())
    np.save(tmp_path / "i.npy", images)
    before = files_in(tmp_path)
    trivit(
        "run",
        tmp_path / "p.trivit",
        "--images",
        tmp_path / "i.npy",
        "--logits",
        tmp_path / "l.npy",
    ).refused("l.npy", "no space left")
    assert files_in(tmp_path) == before


@pytest.mark.usefixtures("full_disk")
def test_the_demo_on_a_full_disk(trivit: Trivit, tmp_path: Path) -> None:
    trivit("demo", "--quick", "--out", tmp_path / "demo").refused("demo", "no space left")
    assert not files_in(tmp_path)


def test_a_real_limit_in_a_process_of_its_own(tmp_path: Path) -> None:
    """The operating system itself refuses the checkpoint, which is larger than the limit."""
    run = tmp_path / "run"
    command = [sys.executable, "-m", "trivit.tools.cli", "train", str(CONFIG), *tiny_settings()]
    result = subprocess.run(
        [*command, "--out", str(run)],
        capture_output=True,
        text=True,
        preexec_fn=limit_file_size,
    )
    assert result.returncode == 2, result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert "Traceback" not in result.stderr
    assert f"{run / 'checkpoint'}/" in result.stderr and "ulimit -f" in result.stderr
    assert not (run / "checkpoint" / "state.json").exists()
    assert not [name for name in files_in(run) if ".safetensors" in name]


def test_a_folder_that_cannot_be_made(trivit: Trivit, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    outcome = trivit("train", CONFIG, *tiny_settings(), "--out", tmp_path / "file" / "run")
    outcome.refused("file")
    assert files_in(tmp_path) == {"file": b"in the way"}


def test_the_emulator_on_a_full_disk(
    trivit: Trivit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run compiles the kernel into the cache."""
    bundle, images = random_bundle(0)
    (tmp_path / "p.trivit").write_bytes(bundle.to_bytes())
    np.save(tmp_path / "i.npy", images)
    compiler = tmp_path / "c++"
    compiler.write_text(
        "#!/bin/sh\necho 'ld: final link failed: No space left on device' >&2\nexit 1"
    )
    compiler.chmod(0o755)
    monkeypatch.setenv("CXX", str(compiler))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    outcome = trivit("run", tmp_path / "p.trivit", "--images", tmp_path / "i.npy")
    outcome.refused(str(tmp_path / "cache"), "no space left", "XDG_CACHE_HOME")
