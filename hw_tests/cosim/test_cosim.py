"""The complete accelerator behind AXI4-Lite and AXI4, as a host sees it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from accelerator.comparison import WithoutRefresh, run_bundle
from cosim.bench.cocotb_models import FIGURES_VARIABLE
from cosim.design import FOLDER, RtlError, chosen_design, cosim_design
from cosim.models import deit_tiny_blocks, small_model
from simulator import ROOT, Design, build, simulate

from trivit.host.bundle import Bundle
from trivit.tools.kernel.tables import STEPS
from trivit.tools.simulation.simulator_build import build_simulator


@pytest.fixture(scope="module")
def design() -> Design:
    """The design, built once; `make cosim RTL=...` gives it Verilog of the HLS blocks."""
    made = chosen_design()
    build(made)
    return made


@pytest.mark.parametrize("module", ["registers", "recovery"])
def test_bus(design: Design, module: str) -> None:
    simulate(design, f"cosim.bench.cocotb_{module}")


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    """A folder as Vitis HLS leaves one: a block's Verilog and a table that it reads."""
    folder = tmp_path / "gelu" / "verilog"
    folder.mkdir(parents=True)
    shutil.copy(FOLDER / "rtl" / "standin" / "trivit_gelu.sv", folder)
    words = [f"{word:08x}" for word in STEPS["GELU"][2]]
    (folder / "trivit_gelu_table.dat").write_text("\n".join(words) + "\n")
    return tmp_path


def test_verilog_takes_the_place_of_a_block(vendor: Path) -> None:
    own, mixed = cosim_design(), cosim_design(vendor)
    gone, new = set(own.sources) - set(mixed.sources), set(mixed.sources) - set(own.sources)
    assert [p.relative_to(ROOT).as_posix() for p in gone] == ["hls/generated/dpi/trivit_gelu.sv"]
    assert [p.name for p in new] == ["trivit_gelu.sv"] and vendor in new.pop().parents
    assert [p.name for p in mixed.data] == ["trivit_gelu_table.dat"]
    with pytest.raises(RtlError, match="nowhere: no such folder"):
        cosim_design(vendor / "nowhere")
    (vendor / "empty").mkdir()
    with pytest.raises(RtlError, match=r"empty: none of trivit_sequencer\.v, .* is there"):
        cosim_design(vendor / "empty")
    shutil.copy(vendor / "gelu/verilog/trivit_gelu.sv", vendor / "empty/trivit_gelu.v")
    with pytest.raises(RtlError, match="name a folder with one trivit_gelu alone"):
        cosim_design(vendor)


def test_the_stand_in_of_a_block(vendor: Path) -> None:
    """The stand-in alone, against the oracle."""
    design = Design(
        top="trivit_gelu",
        name="cosim_gelu",
        sources=(
            ROOT / "hls/generated/trivit_spec.sv",
            ROOT / "hls/generated/trivit_commands.sv",
            FOLDER / "rtl/standin/trivit_gelu.sv",
        ),
        verilator_flags=("--no-public-flat-rw", "--public-depth", "1"),
        data=(vendor / "gelu/verilog/trivit_gelu_table.dat",),
        cxx_flags="-O1",
    )
    build(design)
    simulate(design, "cosim.bench.cocotb_gelu")


def test_the_watcher_of_a_port() -> None:
    rtl = FOLDER / "rtl"
    design = Design(
        top="axi_checker",
        sources=(rtl / "axi_checker.sv",),
        parameters=(("MAX_BURST", 16), ("DATA_FIRST", 1)),
        verilator_flags=("--no-public-flat-rw", "--public-depth", "1", str(rtl / "visible.vlt")),
        cxx_flags="-O0",
    )
    build(design)
    simulate(design, "cosim.bench.cocotb_checker")


@pytest.mark.full
def test_a_model_with_verilog_of_a_block(
    vendor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same integers; its pipeline is another one, and so are the cycles."""
    design = cosim_design(vendor, "cosim_standin")
    build(design)
    run_model(design, small_model(), tmp_path, monkeypatch, "whatever_pauses")
    simulate(design, "cosim.bench.cocotb_recovery")


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
