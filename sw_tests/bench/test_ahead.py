"""Processes that compile ahead: what they do, what becomes of those that fail or take too long."""

import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch._dynamo
from torch._dynamo.utils import counters

from trivit.tools.bench.train import ahead
from trivit.tools.bench.train.bench import bench_train
from trivit.tools.bench.train.presets import PRESETS, Preset
from trivit.tools.bench.train.processes import Processes, environment
from trivit.tools.bench.train.shapes import Shape


def test_jobs_are_done_at_once_and_processes_serve_again() -> None:
    with Processes(time.sleep, 2, {}) as pool:
        first = pool.run([0.0, 0.0])
        processes = {process.pid for process in pool._started.values()}
        assert len(processes) == 2
        started = time.monotonic()
        second = pool.run([0.5, 0.5])
        assert time.monotonic() - started < 0.95
        assert processes == {process.pid for process in pool._started.values()}
        running = list(pool._started.values())
    assert all(isinstance(seconds, float) for seconds in first + second)
    assert not any(process.is_alive() for process in running)


def test_failures_are_one_line_and_the_others_go_on() -> None:
    with Processes(int, 1, {}) as pool:
        outcome = pool.run(["3", "x\ny", "4"])
    assert isinstance(outcome[0], float) and isinstance(outcome[2], float)
    assert str(outcome[1]).startswith("ValueError: invalid literal") and "\n" not in outcome[1]


def test_a_process_that_is_killed_does_not_hold_up_the_rest() -> None:
    with Processes(os._exit, 1, {}) as pool:
        assert pool.run([3, 4]) == ["its process ended"] * 2


def test_what_takes_too_long_is_ended() -> None:
    with Processes(time.sleep, 1, {}) as pool:
        started = time.monotonic()
        assert pool.run([60, 60], seconds=0.2) == ["not done in time", "not begun in time"]
        assert time.monotonic() - started < 20
        assert isinstance(pool.run([0.0])[0], float)


ORPHAN = """
import sys
from trivit.tools.bench.train.processes import Processes

note = "import os, time; open({path!r}, 'w').write(str(os.getpid())); time.sleep(60)"
with Processes(exec, 1, {{}}) as pool:
    pool.run([note])
"""


def test_a_process_ends_with_its_parent(tmp_path: Path) -> None:
    noted = tmp_path / "pid"
    parent = subprocess.Popen([sys.executable, "-c", ORPHAN.format(path=str(noted))])
    end = time.monotonic() + 60
    while not (noted.is_file() and noted.read_text()) and time.monotonic() < end:
        time.sleep(0.02)
    child = int(noted.read_text())
    assert runs(child)
    parent.kill()
    parent.wait()
    while runs(child) and time.monotonic() < end:
        time.sleep(0.02)
    assert not runs(child)


def runs(process: int) -> bool:
    """Return whether a process is there, and no zombie."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_processes_get_their_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIVIT_TEST_B", "before")
    with environment(TRIVIT_TEST_A="a", TRIVIT_TEST_B="b"):
        assert os.environ["TRIVIT_TEST_A"] + os.environ["TRIVIT_TEST_B"] == "ab"
    assert "TRIVIT_TEST_A" not in os.environ and os.environ["TRIVIT_TEST_B"] == "before"
    look = "import os; os.environ['TRIVIT_TEST_A']"
    with Processes(exec, 1, {"TRIVIT_TEST_A": "a"}) as pool:
        assert isinstance(pool.run([look])[0], float)
    with Processes(exec, 1, {}) as pool:
        assert pool.run([look]) == ["KeyError: 'TRIVIT_TEST_A'"]


def test_the_cache_is_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert ahead.default_cache() == tmp_path / "trivit" / "compiled"
    with ahead.compile_cache(tmp_path / "new"):
        assert os.environ["TORCHINDUCTOR_CACHE_DIR"] == str(tmp_path / "new")
        assert os.environ["TRITON_CACHE_DIR"] == str(tmp_path / "new" / "triton")
        assert ahead.default_cache() == tmp_path / "new"
    assert "TORCHINDUCTOR_CACHE_DIR" not in os.environ


def test_memory_bounds_the_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    small, base = PRESETS["deit_small"], PRESETS["deit_base"]
    assert 9 < ahead.step_bytes(small) / 2**30 < 13
    assert 18 < ahead.step_bytes(base) / 2**30 < 25
    assert ahead.fitting_processes(small, torch.device("cpu")) == 16
    for free, preset, most in ((78, small, 5), (139, small, 11), (78, base, 1), (139, base, 4)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _, free=free: (free << 30, 0))
        assert ahead.fitting_processes(preset, torch.device("cuda")) == most


def test_what_is_compiled_is_known_by_code_settings_and_shape(
    tiny: Preset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Pool:
        def run(self, jobs: list[tuple[Preset, Shape]], seconds: float | None) -> list[float | str]:
            return ["not done in time" if shape.name == "slow" else 1.0 for _, shape in jobs]

    device, pool = torch.device("cpu"), Pool()
    wanted = [Shape(name="quick"), Shape(name="slow"), Shape(name="eager", eager=True)]

    def lacking(preset: Preset = tiny) -> list[str]:
        known = ahead.CompiledShapes(tmp_path, preset, device)
        return [shape.name for shape in known.lacking(wanted)]

    assert lacking() == ["quick", "slow"]
    known = ahead.CompiledShapes(tmp_path, tiny, device)
    told = known.compile(pool, wanted, None)  # type: ignore[arg-type]
    assert told == {"quick": 1.0, "slow": "not done in time"}
    assert lacking() == ["slow"]
    assert lacking(replace(tiny, settings={**tiny.settings, "seed": 1})) == ["quick", "slow"]
    monkeypatch.setattr(ahead, "_sources", lambda: "other code")
    assert lacking() == ["quick", "slow"]


@pytest.mark.full
def test_two_processes_compile_what_this_one_finds(tiny: Preset, tmp_path: Path) -> None:
    """With the compiler itself: two graphs, forward and backward, and none is missed."""
    torch._dynamo.reset()
    counters.clear()
    model = {**tiny.settings["model"], "depth": 1, "selector_blocks": [0]}
    preset = replace(
        tiny,
        compile=True,
        settings={**tiny.settings, "model": model},
        rows=("dense", "token_0.7"),
    )
    result = bench_train(preset, rounds=1, processes=2, cache=tmp_path)
    assert [row["row"] for row in result["rows"]] == ["dense", "token_0.7"]
    compilation = result["compilation"]
    assert compilation["processes"] == 2
    assert all(isinstance(seconds, float) for seconds in compilation["seconds"].values())
    assert compilation["cache"]["found"] >= 4 and compilation["cache"]["missed"] == 0
