"""Run the cocotb simulations: the compiled kernel behind its AXI ports."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from simulation.simulator import KERNEL, build, simulate


@pytest.fixture(scope="module")
def kernel() -> None:
    """The kernel's simulation model, built once."""
    build(KERNEL)


@pytest.mark.parametrize("module", ["registers", "programs", "errors", "checker"])
def test_kernel(kernel: None, module: str) -> None:
    simulate(KERNEL, f"simulation.bench.cocotb_{module}")


def test_model_time(kernel: None) -> None:
    simulate(KERNEL, "simulation.bench.cocotb_model_time", plusargs=["+model_time"])


def test_whole_model(kernel: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small model with random weights, or the bundle that TRIVIT_BUNDLE names."""
    if "TRIVIT_BUNDLE" not in os.environ:
        pytest.importorskip("brevitas", reason="exporting a model needs the extra quant")
        from simulation.small_model import write_bundle

        monkeypatch.setenv("TRIVIT_BUNDLE", str(write_bundle(tmp_path)))
    bundle = Path(os.environ["TRIVIT_BUNDLE"]).resolve()
    monkeypatch.setenv("TRIVIT_BUNDLE", str(bundle))
    simulate(KERNEL, "simulation.bench.cocotb_model")
