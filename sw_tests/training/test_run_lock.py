"""One process at a time in a run folder, and none that a killed one would keep out."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from trivit.models import file_lock
from trivit.models.errors import ModelsError
from trivit.models.file_lock import RUN_LOCK, run_lock
from trivit.models.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from trivit.models.training import ExperimentConfig, train
from trivit.tools.demo.folder import prepare_folder

HOLDER = """
import sys
from pathlib import Path
from trivit.models.file_lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_second_process_is_refused_until_the_first_is_gone(
    everything: Callable[..., ExperimentConfig], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    command = [sys.executable, "-c", HOLDER, str(run)]
    holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    try:
        assert holder.stdout.readline() == "held\n"
        for resume in (False, True):
            with pytest.raises(
                ModelsError, match=f"process {holder.pid} is at work in {run}: wait"
            ):
                train(everything(), run, resume=resume)
        assert [path.name for path in run.iterdir()] == [RUN_LOCK]
    finally:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert (run / RUN_LOCK).is_file()  # what a killed process leaves keeps nobody out
    with run_lock(run):
        pass
    assert list(run.iterdir()) == []


def test_folders_made_for_the_lock_go_with_it(tmp_path: Path) -> None:
    run = tmp_path / "a" / "b"
    with pytest.raises(ModelsError, match="cannot"), run_lock(run):
        raise ModelsError("cannot")
    assert list(tmp_path.iterdir()) == []
    with run_lock(run):
        with run_lock(run):  # the demo trains in its own folder
            pass
        assert (run / RUN_LOCK).is_file()
        (run / "config.yaml").touch()
    assert [path.name for path in run.iterdir()] == ["config.yaml"]
    with pytest.raises(ModelsError, match=r"config\.yaml is a file"), run_lock(run / "config.yaml"):
        pass


def test_a_lock_whose_file_was_removed_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening the file and locking it, its owner may end and remove it."""
    original, removed = file_lock._is_file, []

    def removing(handle: int, path: Path) -> bool:
        if not removed:
            path.unlink()
            removed.append(path)
        return original(handle, path)

    monkeypatch.setattr(file_lock, "_is_file", removing)
    with run_lock(tmp_path):
        assert removed and (tmp_path / RUN_LOCK).is_file()


def test_a_demo_leaves_its_own_lock(tmp_path: Path) -> None:
    with run_lock(tmp_path / "demo"):
        for _ in range(2):
            prepare_folder(tmp_path / "demo")
            names = sorted(path.name for path in (tmp_path / "demo").iterdir())
            assert names == ["demo.txt", RUN_LOCK]
            (tmp_path / "demo" / "folder").mkdir()


def test_a_checkpoint_that_is_replaced_while_it_is_read_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for value in (1.0, 2.0):
        tensors = {"a": torch.full((3,), value)}
        if value == 2.0:
            older = (tmp_path / "state.json").read_text()
        save_checkpoint(tmp_path, Checkpoint({"epoch": int(value)}, tensors, {}))
    newer, read = (tmp_path / "state.json").read_text(), Path.read_text
    texts = [older, newer]
    monkeypatch.setattr(
        Path,
        "read_text",
        lambda path: texts.pop(0) if path.name == "state.json" and texts else read(path),
    )
    assert load_checkpoint(tmp_path).model["a"].tolist() == [2.0] * 3
