"""The script for a bare GPU machine, rehearsed on a CPU: what it runs, and what it leaves."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from trivit.tools.bench.gpu import script, stage
from trivit.tools.bench.gpu.checks import marked_files, results_so_far
from trivit.tools.bench.gpu.plans import PLANS
from trivit.tools.bench.gpu.stage import Stage, run_together
from trivit.tools.bench.train.presets import PRESETS
from trivit.tools.cli import main

ROOT = Path(__file__).parents[2]

# What the bare machine lacks, or need not have.
BARE = """
import sys
from importlib.machinery import PathFinder

MISSING = ("brevitas", "onnx", "onnxruntime", "onnxscript", "qonnx", "xdist", "torchvision")


class Bare(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        missing = name.partition(".")[0] in MISSING
        return None if missing else super().find_spec(name, path, target)


# Nor is this package installed: the link that the script makes is all there is.
installed = [f for f in sys.meta_path if "trivit" not in getattr(f, "__module__", "")]
sys.meta_path[:] = [Bare if finder is PathFinder else finder for finder in installed]
"""


def start_script(out: Path, minutes: str, extra: Path) -> "subprocess.Popen[str]":
    """Start the script as a session of its own, on a machine that lacks ``BARE``'s modules."""
    extra.mkdir()
    (extra / "sitecustomize.py").write_text(BARE)
    environment = {**os.environ, "PYTHONPATH": str(extra), "PYTHON": sys.executable}
    return subprocess.Popen(
        [str(ROOT / "tools" / "bench" / "gpu.sh"), str(out), minutes, "cpu"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def test_a_script_that_is_killed_leaves_what_it_measured(tmp_path: Path) -> None:
    out = tmp_path / "results"
    process = start_script(out, "8", tmp_path / "bare")
    steps = out / "train-cpu.json"
    try:
        end = time.monotonic() + 240
        while not steps.is_file() and process.poll() is None and time.monotonic() < end:
            time.sleep(0.05)
        log = (out / "gpu.log").read_text() if (out / "gpu.log").is_file() else ""
        assert steps.is_file() and process.poll() is None, log
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    result = json.loads(steps.read_text())
    assert not result["complete"] and result["rows"][0]["row"] == "dense"
    state = json.loads((out / "gpu.json").read_text())
    tests, photographs, timed = state["stages"]
    assert (tests["name"], tests["status"]) == ("tests", "done")
    assert (photographs["name"], photographs["status"]) == ("photographs", "done")
    assert timed["status"] == "under way"
    found = state["tests"]
    assert found["passed"] + found["skipped"] >= 6 and found["failing"] == []
    assert "| tests | done |" in (out / "gpu.md").read_text()


@pytest.mark.full
def test_the_whole_script_without_a_gpu(tmp_path: Path) -> None:
    out = tmp_path / "results"
    process = start_script(out, "8", tmp_path / "bare")
    printed, error = process.communicate(timeout=300)
    assert (process.returncode, error) == (0, ""), (out / "gpu.log").read_text()
    assert "steps of cpu: done" in printed
    files = sorted(path.name for path in out.iterdir())
    assert files == ["gpu.json", "gpu.log", "gpu.md", "train-cpu.json"]
    assert {path.name for path in tmp_path.iterdir()} == {"bare", "results"}
    assert json.loads((out / "train-cpu.json").read_text())["complete"]
    report = (out / "gpu.md").read_text()
    assert "| steps of cpu | done |" in report and "| token keep 0.7 |" in report
    assert "| loading | done |" in report
    found = json.loads((out / "gpu.json").read_text())["loading"]
    assert found["epoch"] == found["epochs"] == 2 and found["reached"] in (True, False)
    assert f"{found['ratio']:.3f} of the bare step's" in report


def test_the_plan_for_a_gpu_fits_its_presets_and_its_files() -> None:
    plan = PLANS["gpu"]
    for preset, arguments, _ in plan.steps:
        rows = [arguments[i + 1] for i, word in enumerate(arguments) if word == "--row"]
        assert set(rows) <= set(PRESETS[preset].rows)
        assert set(PRESETS[preset].targets) <= set(rows)
    files = ["gpu.json", "gpu.log", "gpu.md", "study.json", "study.md"]
    assert len(files) + len(plan.steps) <= 8


def test_the_plan_for_a_gpu_spends_its_minutes_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With commands that do nothing: what each would have been given."""
    told: dict[str, list[str]] = {}
    pictures: list[tuple[str, ...]] = []
    nothing = [sys.executable, "-S", "-c", ""]

    def command(self: object, *words: str) -> list[str]:
        if words[0] == "train":
            told["loading"] = list(words)
            return nothing
        name = f"{words[1]} {words[words.index('--preset') + 1] if words[1] == 'train' else ''}"
        told[f"{name}{' ahead' * ('--compile-only' in words)}"] = list(words)
        return nothing

    def draw(self: object, *words: str) -> list[str]:
        pictures.append(words[2:])
        return [sys.executable, "-S", "-c", f"import os; os.makedirs({words[1]!r})"]

    monkeypatch.setattr(script._Script, "_trivit", command)
    monkeypatch.setattr(script._Script, "_python", draw)
    monkeypatch.setattr(script, "pytest_command", lambda *_: nothing)
    monkeypatch.setattr(stage, "_PAUSE", 0.05)
    out = tmp_path / "out"
    lines = script.check_and_measure("gpu", out, 14)
    assert pictures == [("38400", "256", "1000")]
    assert list(told) == [
        "train deit_small ahead",
        "train deit_tiny ahead",
        "train deit_small",
        "loading",
        "train deit_tiny",
        "accuracy ",
    ]
    del told["loading"]
    minutes = [float(words[words.index("--minutes") + 1]) for words in told.values()]
    assert minutes == pytest.approx([0.42 * 8, 0.42 * 8, 0.55 * 8, 8, 13], abs=0.5)
    assert "--profile" in told["train deit_small"]
    assert "--profile" not in told["train deit_small ahead"]
    assert [line.split(":")[0] for line in lines[:4]] == [
        "tests",
        "photographs",
        "compilation of deit_small",
        "compilation of deit_tiny",
    ]
    assert list(tmp_path.iterdir()) == [out]
    why = json.loads((out / "gpu.json").read_text())["loading"]["why_not_measured"]
    assert why == "the training: done; the bare dense step was not measured"
    told.clear()
    script.check_and_measure("gpu", out, 2.5)  # too little is left for the study
    assert "accuracy " not in told


def test_files_with_tests_for_a_gpu_are_found() -> None:
    files = marked_files(ROOT)
    assert "sw_tests/training/test_clock.py" in files
    assert "sw_tests/quantization/test_formats.py" not in files


def test_results_are_read_while_tests_run() -> None:
    output = (
        "$ python -m pytest\n"
        "sw_tests/a.py::test_one PASSED                  [ 20%]\n"
        "sw_tests/a.py::test_two[x y-1] FAILED           [ 40%]\n"
        "sw_tests/b.py::test_three SKIPPED (needs CUDA)  [ 60%]\n"
        "sw_tests/b.py::test_four ERROR                  [ 80%]\n"
        "sw_tests/b.py::test_five "
    )
    assert results_so_far(output) == {
        "passed": 1,
        "failed": 1,
        "error": 1,
        "skipped": 1,
        "failing": ["sw_tests/a.py::test_two[x y-1]", "sw_tests/b.py::test_four"],
    }


def test_stages_end_at_their_limits_and_say_how(tmp_path: Path) -> None:
    def stage(name: str, code: str) -> Stage:
        made = Stage(name, [sys.executable, "-S", "-c", code], os.environ, tmp_path / "log")
        made.start(1.0 if name == "long" else 60.0, tmp_path)
        return made

    stages = [
        stage("good", "print('hello')"),
        stage("bad", "raise SystemExit(3)"),
        stage("long", "import time; time.sleep(60)"),
    ]
    told: list[list[str]] = []
    run_together(stages, lambda: told.append([s.status for s in stages]))
    assert told[-1] == ["done", "failed", "stopped at its limit"]
    assert stages[2].seconds < 30
    assert "hello" in (tmp_path / "log").read_text()


def test_a_failed_stage_fails_the_script(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def command(*_: object) -> list[str]:
        line = "sw_tests/a.py::test_one FAILED [100%]"
        return [sys.executable, "-S", "-c", f"print('{line}'); raise SystemExit(1)"]

    monkeypatch.setattr(script, "pytest_command", command)
    monkeypatch.setattr(script._Script, "_trivit", lambda *_: [sys.executable, "-S", "-c", ""])
    monkeypatch.setattr(script._Script, "_python", command)
    out = tmp_path / "out"
    out.mkdir()
    (out / "train-cpu.json").write_text("of an earlier run")
    assert main(["bench", "gpu", "--plan", "cpu", "--out", str(out)]) == 2
    error = capsys.readouterr().err
    assert (
        "failed: tests, photographs, sw_tests/a.py::test_one: see" in error
        and error.count("\n") == 1
    )
    report = (out / "gpu.md").read_text()
    assert "Failed: `sw_tests/a.py::test_one`" in report
    assert "not measured against the bare step (no store, photographs: failed" in report
    assert not (out / "train-cpu.json").exists()
    assert main(["bench", "gpu", "--plan", "tpu", "--out", str(tmp_path / "no")]) == 2
    assert "unknown plan 'tpu'" in capsys.readouterr().err
    assert not (tmp_path / "no").exists()
