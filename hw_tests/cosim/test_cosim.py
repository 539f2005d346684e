"""The complete accelerator behind AXI4-Lite and AXI4, as a host sees it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from accelerator.comparison import run_bundle
from cosim.bench.cocotb_models import FIGURES_VARIABLE
from cosim.design import chosen_design
from cosim.models import deit_tiny_blocks, small_model
from simulator import Design, build, simulate

from trivit.host.bundle import Bundle
from trivit.tools.simulation.simulator_build import build_simulator
from trivit.tools.simulation.simulator_run import SimulationSettings


@pytest.fixture(scope="module")
def design() -> Design:
    """The design, built once; `make cosim RTL=...` gives it Verilog of the HLS blocks."""
    made = chosen_design()
    build(made)
    return made


@pytest.mark.parametrize("module", ["registers", "recovery"])
def test_bus(design: Design, module: str) -> None:
    simulate(design, f"cosim.bench.cocotb_{module}")


class WithoutRefresh(SimulationSettings):
    """The memory's refreshes begin when a simulator does, so jobs meet them at other moments."""

    def arguments(self) -> list[str]:
        return [*super().arguments(), "--refresh", "0"]


def run_model(
    design: Design, bundle: Bundle, folder: Path, monkeypatch: pytest.MonkeyPatch, test: str
) -> list[int]:
    """Return the cycles of each run."""
    path, figures = folder / "program.trivit", folder / "figures.jsonl"
    path.write_bytes(bundle.to_bytes())
    monkeypatch.setenv("TRIVIT_BUNDLE", str(path))
    monkeypatch.setenv(FIGURES_VARIABLE, str(figures))
    simulate(design, "cosim.bench.cocotb_models", test)
    return [json.loads(line)["cycles"] for line in figures.read_text().splitlines()]


@pytest.mark.parametrize("model", [small_model, deit_tiny_blocks])
def test_models(
    model: Callable[[], Bundle], design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every output and the log, and as many cycles as in the simulation without a host."""
    bundle = model()
    (cycles,) = run_model(design, bundle, tmp_path, monkeypatch, "equals_the_oracle$")
    if design.name == "cosim":  # Vitis HLS gives its blocks other pipelines than those assumed
        _, simulated = run_bundle(build_simulator(), bundle, WithoutRefresh())
        assert cycles == int(simulated.cycles[0])


def test_pauses_and_orders(design: Design, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same integers whatever pauses; the order of processes does not change a cycle."""
    cycles = run_model(design, small_model(), tmp_path, monkeypatch, "whatever_pauses")
    assert cycles[0] == cycles[1] < cycles[2]
