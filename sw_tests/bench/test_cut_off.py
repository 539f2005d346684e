"""`trivit bench train` with little time: what is left of a run that ends early."""

import json
import os
import signal
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from trivit.tools.bench.train import bench
from trivit.tools.bench.train.presets import Preset
from trivit.tools.bench.train.rows import rows
from trivit.tools.bench.train.shapes import Shape, shapes
from trivit.tools.bench.train.steps import StepMaker
from trivit.tools.cli import main
from trivit.tools.errors import ToolsError


def names(result: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Return the rows of a result, and those that are missing."""
    found = [row["row"] for row in result["rows"]], [row["row"] for row in result["missing"]]
    assert (
        all(row["why"] == "no time was left" for row in result["missing"])
        or not (result["complete"])
    )
    return found


def test_minutes_end_with_the_most_important_rows(
    tiny: Preset, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every round takes a minute by this clock; there are two and a half."""
    passed = [0.0]
    clock = types.SimpleNamespace(monotonic=lambda: passed[0])
    monkeypatch.setattr(bench, "time", clock)
    original, states = bench.time_round, []

    def slow(*arguments: Any, **settings: Any) -> dict[str, float]:
        passed[0] += 60
        return original(*arguments, **settings)

    monkeypatch.setattr(bench, "time_round", slow)
    result = bench.bench_train(tiny, minutes=2.5, save=states.append)
    everything = [row.name for row in rows(tiny, shapes(tiny, with_timm=False))]
    found, missing = names(result)
    assert found[:3] == everything[:3]
    assert "token_0.5" in missing
    assert sorted(found + missing) == sorted(everything)
    assert result["rounds"] == 2 and result["complete"]
    assert [state["complete"] for state in states] == [False, False, True]
    first, later = (names(state)[0] for state in states[:2])
    assert set(first) < set(later) == set(found)  # a group at a time


def test_no_minutes_are_refused(tiny: Preset, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ToolsError, match="nothing was ready within 0 minutes"):
        bench.bench_train(tiny, minutes=0)
    assert main(["bench", "train", "--preset", "tiny", "--minutes", "0"]) == 2
    assert "allow more --minutes" in capsys.readouterr().err


def test_a_run_that_is_stopped_keeps_its_rounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original, left = bench.time_round, [2]

    def stopped(*arguments: Any, **settings: Any) -> dict[str, float]:
        if not left[0]:
            os.kill(os.getpid(), signal.SIGTERM)
        left[0] -= 1
        return original(*arguments, **settings)

    with monkeypatch.context() as patch:
        patch.setattr(bench, "time_round", stopped)
        assert main(["bench", "train", "--preset", "tiny", "--out", str(tmp_path)]) == 143
    path = tmp_path / "train-tiny.json"
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert f"{path} holds the rounds that ended; start again with: trivit bench train" in error
    result = json.loads(path.read_text())
    found, missing = names(result)
    assert result["rounds"] == 2 and "token_0.7" in found and "token_0.5" in missing
    table = (tmp_path / "train-tiny.md").read_text()
    assert "**Cut off**" in table
    assert "Not measured: token keep 0.5 (the run was cut off)." in table
    assert sorted(p.name for p in tmp_path.iterdir()) == ["train-tiny.json", "train-tiny.md"]
    # Table and picture can be made of what is left.
    assert main(["bench", "train", "--redraw", str(path), "--out", str(tmp_path / "again")]) == 0
    assert (tmp_path / "again" / "train-tiny.md").read_text() == table
    assert (tmp_path / "again" / "train-tiny.png").read_bytes().startswith(b"\x89PNG")


def test_a_shape_that_cannot_run_does_not_end_the_others(
    tiny: Preset, monkeypatch: pytest.MonkeyPatch
) -> None:
    original, broken = StepMaker.make, ["token_0.7"]

    def make(self: StepMaker, shape: Shape) -> Any:
        step = original(self, shape)
        if shape.name in broken:
            monkeypatch.setattr(step, "run", fail)
        return step

    def fail() -> None:
        raise RuntimeError("CUDA out of memory\nand a long story")

    monkeypatch.setattr(StepMaker, "make", make)
    result = bench.bench_train(tiny, rounds=1, only=["token_0.7", "token_0.5"])
    assert [row["row"] for row in result["rows"]] == ["dense", "token_0.5"]
    assert result["missing"][0]["why"] == "token_0.7: CUDA out of memory"
    broken += ["dense", "token_0.5"]
    with pytest.raises(ToolsError, match="no step runs, dense: CUDA out of memory"):
        bench.bench_train(tiny, rounds=1, only=["token_0.7", "token_0.5"])


def test_one_json_file_is_all_that_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "new" / "steps.json"
    command = ["bench", "train", "--preset", "tiny", "--row", "token_0.7", "--rounds", "1"]
    assert main([*command, "--out", str(path)]) == 0
    assert [p.name for p in path.parent.iterdir()] == ["steps.json"]
    assert json.loads(path.read_text())["complete"]


def test_what_is_no_result_is_not_redrawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.json"
    for text in ('{"benchmark": "emulator"}', '{"benchmark": "train", "rows": []}', "[]", "{"):
        path.write_text(text)
        assert main(["bench", "train", "--redraw", str(path)]) == 2
        assert f"{path} holds no result of this trivit" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["other.json"]
