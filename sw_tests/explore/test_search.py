"""The search: cycles at other clocks, the front, the choice, the file it writes."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from trivit.tools.cli import main
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.part import Resources
from trivit.tools.estimate.resources import fits
from trivit.tools.estimate.timeline import predict
from trivit.tools.explore import search
from trivit.tools.explore.description_file import rewrite, with_values
from trivit.tools.explore.search import (
    Exploration,
    Point,
    activation_words,
    choose,
    cycles_at,
    explore,
    pareto_front,
    schedule_of,
)
from trivit.tools.explore.space import candidates, chosen_sizes
from trivit.tools.kernel import ROOT, load_description

KERNEL = load_description(ROOT / "hls" / "kernel.yaml")
MODEL = "deit_tiny"


@pytest.fixture(scope="module", autouse=True)
def scheduled_once() -> Iterator[None]:
    """A schedule takes a second, so that of a ratio is made once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(search, "schedule_of", cache(schedule_of))
        yield


@pytest.fixture(scope="module")
def result() -> Exploration:
    return explore(KERNEL, MODEL)


def test_memory_is_as_slow_in_time_at_every_clock() -> None:
    scheduled = schedule_of(MODEL, 0.7)
    queues = {name: KERNEL.engine[name] for name in ("commands", "stream_rows")}
    cycles = {
        clock: cycles_at(scheduled, {**queues, "clock_mhz": clock}, 150) for clock in (75, 150, 200)
    }
    assert cycles[150] == predict(scheduled).cycles
    assert cycles[75] < cycles[150] < cycles[200] < cycles[150] + 100


def test_the_choice_is_the_fastest_that_fits(result: Exploration) -> None:
    assert all(fits(point.resources) for point in result.fitting)
    assert result.chosen.latency_ms == min(p.latency_ms for p in result.fitting if p.probable)
    assert result.chosen in result.front
    assert result.chosen.values["activation_depth"] >= activation_words(schedule_of(MODEL, 1.0))
    times = [result.chosen_ms[ratio] for ratio in (1.0, 0.9, 0.8, 0.7)]
    assert times == sorted(times, reverse=True)
    assert times[0] == pytest.approx(result.chosen.latency_ms)


def test_deeper_banks_take_blocks_and_no_cycles(result: Exploration) -> None:
    assert len({point.cycles for point in result.fitting}) == 1 < len(result.fitting)
    blocks = [point.resources.bram36 for point in result.fitting]
    assert blocks == sorted(blocks) and blocks[0] < blocks[-1]
    assert result.chosen.resources.bram36 == blocks[0]
    # Deeper ones are on the front only where their addresses take fewer LUTs.
    luts = [point.resources.lut for point in result.front]
    assert luts == sorted(luts, reverse=True) and len(set(luts)) == len(luts)


def test_a_target_chooses_among_clocks() -> None:
    found = explore(KERNEL, MODEL, clocks=(100, 150), target_ms=6.5)
    assert found.chosen.latency_ms <= 6.5
    with pytest.raises(ToolsError, match=r"no kernel reaches 0\.1 ms: the fastest needs"):
        choose(found.fitting, 0.1)


def test_no_point_of_the_front_beats_another() -> None:
    def point(cycles: int, dsp: int, bram: float, lut: int = 7) -> Point:
        resources = Resources(dsp=dsp, bram36=bram, lut=lut)
        return Point(values={"clock_mhz": 1}, cycles=cycles, resources=resources)

    front = [point(1, 9, 9), point(2, 5, 9), point(2, 9, 5), point(3, 5, 5), point(3, 9, 9, 6)]
    beaten = [point(2, 9, 9), point(3, 5, 9), point(9, 5, 5), point(3, 9, 9, 8)]
    assert list(pareto_front([*beaten, *front, front[0]])) == front


def test_clocks_that_memory_cannot_serve_are_refused() -> None:
    with pytest.raises(ToolsError, match=r"201 MHz is outside 1\.\.200"):
        list(candidates(KERNEL, {"stream_rows": (64,)}, (201,)))


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("outputs=16", "'outputs=16' cannot be tried: array, ring and limits are those"),
        ("weight_depth=512", "use activation_depth=VALUE, stream_rows=VALUE, commands=VALUE"),
        ("stream_rows", "'stream_rows' was not counted by Yosys: use one of 32, 64, 128"),
        ("commands=17", "'commands=17' was not counted by Yosys: use one of 16, 32, 64"),
    ],
)
def test_what_cannot_be_varied_is_refused(setting: str, message: str) -> None:
    with pytest.raises(ToolsError, match=re.escape(message)) as caught:
        chosen_sizes(KERNEL, (setting,), 1)
    assert "\n" not in str(caught.value)


def test_queues_cost_luts_and_save_cycles() -> None:
    shallow = ("stream_rows=32", "commands=16", "activation_depth=15360")
    found = explore(KERNEL, MODEL, settings=(*shallow, "stream_rows=64", "commands=32"))
    assert found.tried == 4
    by_size = {(p.values["stream_rows"], p.values["commands"]): p for p in found.fitting}
    least, most = by_size[32, 16], by_size[64, 32]
    assert least.resources.lut < most.resources.lut and least.cycles >= most.cycles
    assert {point.resources.bram36 for point in found.fitting} == {most.resources.bram36}


def test_a_model_without_room_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = 61440
    monkeypatch.setattr(search, "activation_words", lambda _: huge)
    with pytest.raises(ToolsError, match=r"needs 61440 words per activation bank"):
        explore(KERNEL, MODEL)


def test_the_file_keeps_everything_but_the_numbers(tmp_path: Path) -> None:
    text = (ROOT / "hls" / "kernel.yaml").read_text()
    values = {"commands": 16, "weight_depth": 2048, "clock_mhz": 100}
    changed = tmp_path / "kernel.yaml"
    changed.write_text(rewrite(text, values))
    assert load_description(changed) == with_values(KERNEL, values)
    assert len(text.splitlines()) == len(changed.read_text().splitlines())
    assert changed.read_text().count("#") == text.count("#")
    with pytest.raises(ToolsError, match="0 lines for lanes"):
        rewrite(text, {"lanes": 3})
    with pytest.raises(ToolsError, match="has no lanes"):
        with_values(KERNEL, {"lanes": 3})


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "points.json"
    out = tmp_path / "choice"
    words = ["explore", MODEL, "--keep", "0.7", "--target-ms", "8"]
    assert main([*words, "--json", str(figures), "--out", str(out)]) == 0
    assert "Pareto front" in capsys.readouterr().out
    data = json.loads(figures.read_text())
    assert data["chosen"] in data["front"]
    latencies = [point["latency_ms"] for point in data["front"]]
    assert min(latencies) <= data["chosen"]["latency_ms"] <= 8
    assert data["chosen_latency_ms"]["0.7"] == data["chosen"]["latency_ms"]
    chosen = load_description(out / "kernel.yaml")
    assert chosen.limits["activation_depth"] == data["chosen"]["activation_depth"]
    assert (out / "front.png").read_bytes().startswith(b"\x89PNG")
    assert main(["explore", "no_such_model"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "no_such_model" in error
