"""A run with all levels, killed at any moment or on a full disk, goes on as if nothing had been."""

import json
import os
import resource
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trivit.host.training import checkpoint
from trivit.host.training.bundle import TrainingBundle
from trivit.models.methods.examples.method import ExampleConfig
from trivit.tools.errors import ToolsError
from trivit.tools.training.loop import LoopSettings, open_session, run
from trivit.tools.training.records import Records

from .level_runs import bundle_of, squares

FILES = [
    "best.safetensors", "checkpoint.npz", "evaluations.jsonl", "examples.jsonl", "metrics.jsonl",
    "weights.safetensors",
]  # fmt: skip
#: All three levels that a run has, over ten epochs of 35 to 28 steps.
SETTINGS = LoopSettings(
    epochs=10,
    learning_rate=0.004,
    warmup_steps=20,
    clip_norm=2.0,
    keep=0.7,
    keep_warmup=(1.5, 6.0),
    examples=ExampleConfig(keep_ratio=0.8, update_ratio=0.1, period_epochs=2),
    checkpoint_every=100,
    evaluate_every_epochs=2,
    test_images=10,
)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> TrainingBundle:
    return bundle_of(tmp_path_factory.mktemp("bundle"))


def take(
    bundle: TrainingBundle, out: Path, resume: bool = False, settings: LoopSettings = SETTINGS
) -> dict[str, Any]:
    session = open_session(bundle, settings)
    training, test = squares(bundle, 40, seed=0), squares(bundle, 10, seed=1)
    return run(session, bundle, training, settings, "squares", out, resume, test)


@pytest.fixture(scope="module")
def whole(bundle: TrainingBundle, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("whole") / "run"
    take(bundle, out)
    return contents(out)


def contents(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(out.iterdir())}


def test_a_run_has_all_levels(bundle: TrainingBundle, tmp_path: Path) -> None:
    out = tmp_path / "run"
    figures = take(bundle, out)
    assert sorted(contents(out)) == FILES
    lines = Records(out / "metrics.jsonl").lines()
    assert [line["step"] for line in lines] == [100, 200, 300]
    assert [line["keep"] for line in lines] == [1.0, 0.7, 0.7]
    assert {line["examples"] for line in lines} == {32}
    assert [line["epoch"] for line in lines] == [3, 6, 9]
    updates = Records(out / "examples.jsonl").lines()
    assert [(u["epoch"], u["step"]) for u in updates] == [(2, 65), (4, 129), (6, 193)]
    assert all(u["in_play"] == 32 and u["removed"] == u["restored"] <= 4 for u in updates)
    assert any(u["removed"] for u in updates)
    evaluations = Records(out / "evaluations.jsonl").lines()
    assert [e["step"] for e in evaluations] == [64, 128, 192, 256, 320]
    best = max(evaluations, key=lambda e: e["test_top1"])
    assert [e["step"] for e in evaluations if e["best"]][-1] == best["step"]
    assert figures["best_top1"] == best["test_top1"] and figures["best_step"] == best["step"]
    assert figures["test_top1"] == evaluations[-1]["test_top1"]
    assert (figures["steps"], figures["epochs"], figures["keep"]) == (320, 10, "0.7")
    same = (out / "best.safetensors").read_bytes() == (out / "weights.safetensors").read_bytes()
    assert same == (best["step"] == 320)


def test_killed_at_any_moment(
    bundle: TrainingBundle, whole: dict[str, bytes], tmp_path: Path
) -> None:
    """SIGKILL at random moments, then --resume: the files of the uninterrupted run."""
    out, rng, kills = tmp_path / "run", np.random.default_rng(int(time.time())), 0
    for longest in (0.3, 0.3, 0.5, 0.5, 0.8, 60.0):
        child = os.fork()
        if child == 0:
            status = 1
            try:
                take(bundle, out, resume=(out / "checkpoint.npz").is_file())
                status = 0
            finally:
                os._exit(status)
        deadline = time.monotonic() + (60.0 if longest == 60 else rng.uniform(0, longest))
        ended, status = 0, 0
        while not ended and time.monotonic() < deadline:
            ended, status = os.waitpid(child, os.WNOHANG)
            time.sleep(0.001)
        if ended:
            assert status == 0
            break
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        kills += 1
    assert kills and ended, "it was killed, and came to its end"
    assert contents(out) == whole


@pytest.mark.parametrize("step", [1, 65, 310])
def test_interrupted_behind_a_step(
    bundle: TrainingBundle,
    whole: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: int,
) -> None:
    out = tmp_path / "run"
    session = open_session(bundle, SETTINGS)
    steps = session.step

    def stopping(*arguments: Any) -> Any:
        if session.steps == step:
            raise KeyboardInterrupt
        return steps(*arguments)

    monkeypatch.setattr(session, "step", stopping)
    training, test = squares(bundle, 40, seed=0), squares(bundle, 10, seed=1)
    with pytest.raises(KeyboardInterrupt):
        run(session, bundle, training, SETTINGS, "squares", out, test=test)
    (out / ".checkpoint.npz.abc").write_bytes(b"half")
    with (out / "metrics.jsonl").open("a") as file:
        file.write('{"step": 4')
    take(bundle, out, resume=True)
    assert contents(out) == whole


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_checkpoint_that_does_not_fit(
    bundle: TrainingBundle,
    whole: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The kernel refuses to write the third checkpoint further than its middle."""
    out, saved, real = tmp_path / "run", [], checkpoint.to_bytes

    def to_bytes(*arguments: Any) -> bytes:
        saved.append(real(*arguments))
        if len(saved) == 3:
            limit = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
            resource.setrlimit(resource.RLIMIT_FSIZE, (len(saved[-1]) // 2, limit))
        return saved[-1]

    monkeypatch.setattr(checkpoint, "to_bytes", to_bytes)
    with file_size_limit(1 << 30), pytest.raises(OSError, match="File too large") as caught:
        take(bundle, out)
    assert caught.value.filename == str(out / "checkpoint.npz")
    assert (out / "checkpoint.npz").read_bytes() == saved[1], "the one before, whole"
    assert sorted(contents(out)) == FILES
    take(bundle, out, resume=True)
    assert contents(out) == whole


def test_a_full_file_system(
    bundle: TrainingBundle, whole: dict[str, bytes], tmp_path: Path
) -> None:
    """A file system with room for a checkpoint and the weights, not for the next checkpoint."""
    place = tmp_path / "disk"
    place.mkdir()
    size = len(whole["checkpoint.npz"]) * 3 // 2 + 2 * len(whole["weights.safetensors"])
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not permitted")
    try:
        with pytest.raises(OSError, match="No space left on device") as caught:
            take(bundle, place / "run")
        assert str(caught.value.filename).startswith(str(place / "run"))
        assert not [path for path in (place / "run").iterdir() if path.name.startswith(".")]
        assert json.loads(saved_description(place / "run/checkpoint.npz"))["steps"] < 200
        more = ["mount", "-o", "remount,size=64m", str(place)]
        subprocess.run(more, check=True)
        take(bundle, place / "run", resume=True)
        assert contents(place / "run") == whole
    finally:
        subprocess.run(["umount", str(place)], check=True)


def saved_description(path: Path) -> bytes:
    with np.load(path) as members:
        return bytes(members["described"].tobytes())


def test_another_run_s_level_is_refused(bundle: TrainingBundle, tmp_path: Path) -> None:
    out = tmp_path / "run"
    short = replace(SETTINGS, epochs=1)
    take(bundle, out, settings=short)
    before = contents(out)
    for other, words in (
        (replace(short, keep=None, keep_warmup=None), "keep 0.7, not None"),
        (replace(short, examples=None), "examples.method 'online', not None"),
        (replace(short, compat="code"), "compat 'paper', not 'code'"),
        (replace(short, evaluate_every_epochs=1), "evaluate_every_epochs 2, not 1"),
        (replace(short, test_images=5), "test_images 10, not 5"),
    ):
        with pytest.raises(Exception, match=words):
            take(bundle, out, resume=True, settings=other)
    assert contents(out) == before


def test_a_constant_rate_goes_on_beyond_its_end(bundle: TrainingBundle, tmp_path: Path) -> None:
    constant = replace(SETTINGS, rate_schedule="constant", epochs=None, steps=200)
    longer = replace(constant, steps=300)
    take(bundle, tmp_path / "run", settings=constant)
    take(bundle, tmp_path / "run", resume=True, settings=longer)
    take(bundle, tmp_path / "whole", settings=longer)
    mine, theirs = contents(tmp_path / "run"), contents(tmp_path / "whole")
    for name in ("checkpoint.npz", "metrics.jsonl", "examples.jsonl", "weights.safetensors"):
        assert mine[name] == theirs[name], name


def test_a_damaged_line_is_named(tmp_path: Path) -> None:
    records = Records(tmp_path / "metrics.jsonl")
    records.append({"step": 100})
    with records.path.open("a") as file:
        file.write("nonsense\n")
    records.append({"step": 300})
    with pytest.raises(ToolsError, match=r"metrics.jsonl is damaged in line 2: delete the line"):
        records.lines()
