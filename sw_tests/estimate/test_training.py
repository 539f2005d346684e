"""Bounds and modelled cycles of training steps, and the command that prints them."""

import json
from typing import Any

import pytest
from training_models import DENSE, PRUNED, training_model

from trivit.host.generated.spec import TILE_OUTPUTS
from trivit.models.errors import ModelsError
from trivit.tools.cli import main
from trivit.tools.errors import ToolsError
from trivit.tools.estimate.training import (
    bound_of,
    epoch_hours,
    least_bounds,
    modelled_step,
    step_bounds,
)
from trivit.tools.estimate.training.work import array_cycles
from trivit.tools.training.named import training_program_of

TINY = {**DENSE, "patch_size": 4, "depth": 1}


def test_cycles_of_a_product_count_whole_tiles() -> None:
    assert array_cycles(197, 192, 576) == 25 * 24 * 18
    assert array_cycles(1, 1, TILE_OUTPUTS + 1) == 2


@pytest.mark.parametrize(
    ("keep", "masters", "step_ms"),
    [(1.0, 32, 12.78), (0.7, 16, 8.36)],
)
def test_bounds_of_deit_tiny(keep: float, masters: int, step_ms: float) -> None:
    """Of shapes alone: 4.19 ms forward dense, scores again, 12 bytes a weight."""
    program = training_program_of("deit_tiny", keep, masters=masters)
    bounds = step_bounds(program, "fused", "again")
    assert bounds.cycles(12.8) / 150e3 == pytest.approx(step_ms, abs=0.01)
    assert bounds.cycles(11.0) >= bounds.cycles(12.8)
    parameters = sum(t.rows * t.columns for t in program.parameters)
    each = bounds.update.ddr_bytes / parameters
    assert each == pytest.approx(12 if masters == 32 else 8, rel=0.01)
    kept = step_bounds(program, "fused", "kept")
    assert kept.array < bounds.array and kept.spilled_bytes > bounds.spilled_bytes
    least = least_bounds(program, "fused", 12.8)
    assert least.cycles(12.8) == min(kept.cycles(12.8), bounds.cycles(12.8))
    assert least_bounds(program, "unfused", 12.8).ddr_bytes > least.ddr_bytes


def test_adamw_moves_five_planes() -> None:
    program = training_program_of("deit_tiny", optimizer="adamw")
    bounds = step_bounds(program, "fused", "again")
    parameters = sum(t.rows * t.columns for t in program.parameters)
    assert bounds.update.ddr_bytes / parameters == pytest.approx(20, rel=0.01)
    assert bound_of(bounds.backward + bounds.update, 12.8).limit == "DDR"
    assert bound_of(bounds.backward + bounds.update, 50).limit == "update block"


@pytest.mark.parametrize("sizes", [TINY, {**TINY, "masters": 16}, {**PRUNED, "patch_size": 4}])
def test_a_modelled_step_lies_above_its_bounds(sizes: dict[str, Any]) -> None:
    program = training_model(**sizes).derived.program
    step, bounds = modelled_step(program), step_bounds(program, "unfused", "kept")
    phases = step.of_phases()
    works = sum(array for array, _, _ in phases.values())
    assert works >= bounds.array
    assert sum(step.ddr_bytes) >= bounds.ddr_bytes
    assert step.cycles >= bounds.cycles(12.8)
    waits = sum(sum(waited.values()) for _, waited, _ in phases.values())
    assert works + waits == step.cycles


def test_an_epoch_has_the_examples_in_play() -> None:
    assert epoch_hours(38.75) == pytest.approx(13.79, abs=0.01)
    assert epoch_hours(10.0, 0.8) == pytest.approx(0.8 * epoch_hours(10.0))


def test_the_command_prints_bounds_beside_the_paper(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["estimate", "deit_tiny", "--training", "--keep", "0.7", "--example-keep", "0.8"]
    arguments += ["--optimizer", "adamw"]  # which schedules do not have
    assert main(arguments) == 0
    text = capsys.readouterr().out
    assert "bounds: nothing scheduled" in text and "no modelled cycles: " in text
    assert "Tri-Level/0.7" in text and "8.91" in text
    assert main([*arguments, "--bandwidth", "12.8", "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert {row["evidence"] for row in figures["bounds"]} == {"bound"}
    assert [row["update"] for row in figures["bounds"]] == ["fused", "unfused"]
    assert "no_modelled_cycles" in figures["modelled"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--optimizer", "adamw"], "--optimizer goes with --training"),
        (["--training", "--ops"], "--ops goes without --training"),
        (["--training", "--bandwidth", "0"], "--bandwidth 0: give GB/s above 0"),
        (["--training", "--example-keep", "1.5"], "--example-keep 1.5: give the share"),
        (["--training", "--masters", "24"], "--masters 24: parameters have masters"),
    ],
)
def test_wrong_options_get_one_line(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["estimate", "deit_tiny", *options]) == 2
    error = capsys.readouterr().err
    assert words in error and error.count("\n") == 1


def test_a_bundle_keeps_what_it_was_compiled_with() -> None:
    with pytest.raises(ToolsError, match=r"--masters 16: the programs of x\.trivit are compiled"):
        training_program_of("x.trivit", masters=16)
    with pytest.raises(ModelsError, match="nothing"):
        training_program_of("nothing")
