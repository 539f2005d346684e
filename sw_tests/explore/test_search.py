"""The search: formulas under another description, the front, the choice, the file it writes."""

import json
import sys
from pathlib import Path

import pytest

from trivit.tools.cli import main
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.resources import Resources, fits
from trivit.tools.estimate.schedule import program_costs
from trivit.tools.explore import search
from trivit.tools.explore.description_file import rewrite, with_values
from trivit.tools.explore.formulas import cycle_counter
from trivit.tools.explore.search import (
    Exploration,
    Point,
    activation_words,
    choose,
    explore,
    pareto_front,
    program_of,
)
from trivit.tools.explore.space import candidates
from trivit.tools.kernel import ROOT, load_description

KERNEL = load_description(ROOT / "hls" / "kernel.yaml")
MODEL = "deit_tiny"


@pytest.fixture(scope="module")
def result() -> Exploration:
    return explore(KERNEL, MODEL)


def test_the_present_description_counts_as_the_estimate_does() -> None:
    program = program_of(MODEL, 0.7)
    assert cycle_counter(KERNEL)(program) == sum(cost.cycles for cost in program_costs(program))


def test_other_descriptions_leave_no_trace() -> None:
    before = sys.modules["trivit.host.generated.spec"]
    program = program_of(MODEL, 1.0)
    cycles = sum(cost.cycles for cost in program_costs(program))
    half = cycle_counter(with_values(KERNEL, {"outputs": 16}))(program)
    assert 1.7 * cycles < half < 2.1 * cycles
    assert sys.modules["trivit.host.generated.spec"] is before
    assert sum(cost.cycles for cost in program_costs(program)) == cycles


def test_the_choice_is_the_fastest_that_fits(result: Exploration) -> None:
    assert all(fits(point.resources) for point in result.fitting)
    assert result.chosen.latency_ms == min(p.latency_ms for p in result.fitting if p.probable)
    assert result.chosen in result.front
    assert result.chosen.values["activation_depth"] >= activation_words(program_of(MODEL, 1.0))
    times = [result.chosen_ms[ratio] for ratio in (1.0, 0.9, 0.8, 0.7)]
    assert times == sorted(times, reverse=True)
    assert times[0] == pytest.approx(result.chosen.latency_ms)


def test_more_rounding_rows_buy_cycles_with_luts(result: Exploration) -> None:
    rows: dict[int, dict[tuple[int, ...], Point]] = {4: {}, 8: {}}
    for point in result.fitting:
        others = tuple(v for name, v in point.values.items() if name != "rounding_rows")
        rows[point.values["rounding_rows"]][others] = point
    assert rows[4].keys() == rows[8].keys() and rows[4]
    for others, four in rows[4].items():
        eight = rows[8][others]
        assert eight.cycles <= four.cycles
        assert eight.resources.lut > four.resources.lut
        assert eight.resources.dsp > four.resources.dsp
    assert {point.values["rounding_rows"] for point in result.front} == {4, 8}
    # The fastest kernel of all needs more LUTs than the part has, as modelled: not the choice.
    assert result.chosen.probable
    assert not result.front[0].probable and result.front[0].values["rounding_rows"] == 8


def test_a_target_chooses_the_smallest_kernel_that_reaches_it(result: Exploration) -> None:
    target = 2.5 * result.chosen.latency_ms
    small = choose(result.fitting, target)
    assert small.latency_ms <= target
    assert small.resources.dsp < result.chosen.resources.dsp
    # Only kernels above the middle of the model's range are faster than the fastest below it.
    fastest = result.front[0].latency_ms
    assert choose(result.fitting, fastest).latency_ms == fastest
    with pytest.raises(ToolsError, match=r"no kernel reaches 0\.1 ms: the fastest needs"):
        choose(result.fitting, 0.1)


def test_no_point_of_the_front_beats_another() -> None:
    def point(cycles: int, dsp: int, bram: float, lut: int = 7) -> Point:
        resources = Resources(dsp=dsp, bram36=bram, lut=lut)
        return Point(values={"clock_mhz": 1}, cycles=cycles, resources=resources)

    front = [point(1, 9, 9), point(2, 5, 9), point(2, 9, 5), point(3, 5, 5), point(3, 9, 9, 6)]
    beaten = [point(2, 9, 9), point(3, 5, 9), point(9, 5, 5), point(3, 9, 9, 8)]
    assert list(pareto_front([*beaten, *front, front[0]])) == front


def test_latency_of_memory_is_constant_in_time() -> None:
    for values, kernel in candidates(KERNEL, 1, (75, 150, 200)):
        expected = {75: 32, 150: 64, 200: 86}[values["clock_mhz"]]
        assert kernel.timing["burst_latency"] == expected
    with pytest.raises(ToolsError, match=r"201 MHz is outside 1\.\.200"):
        list(candidates(KERNEL, 1, (201,)))


def test_a_model_without_room_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    huge = 61440
    monkeypatch.setattr(search, "activation_words", lambda _: huge)
    with pytest.raises(ToolsError, match=r"does not fit the xczu9eg.* BRAM36, 820\.8 may be used"):
        explore(KERNEL, MODEL)


def test_the_file_keeps_everything_but_the_numbers(tmp_path: Path) -> None:
    text = (ROOT / "hls" / "kernel.yaml").read_text()
    values = {"outputs": 16, "weight_depth": 2048, "clock_mhz": 100}
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
    assert min(latencies) < data["chosen"]["latency_ms"] <= 8
    assert data["chosen_latency_ms"]["0.7"] == data["chosen"]["latency_ms"]
    chosen = load_description(out / "kernel.yaml")
    assert chosen.limits["activation_depth"] == data["chosen"]["activation_depth"]
    assert (out / "front.png").read_bytes().startswith(b"\x89PNG")
    assert main(["explore", "no_such_model"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "no_such_model" in error
