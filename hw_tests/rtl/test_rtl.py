"""The matrix engine and its units in Verilator, against numpy."""

from __future__ import annotations

import pytest
from rtl.designs import BENCH, ENGINE_FULL
from simulation.simulator import build, simulate


@pytest.fixture(scope="module")
def bench() -> None:
    """The small engine and its units, built once."""
    build(BENCH)


@pytest.mark.parametrize(
    "module", ["array", "ring", "units", "mover", "engine", "attention", "steps"]
)
def test_small(bench: None, module: str) -> None:
    simulate(BENCH, f"rtl.bench.cocotb_{module}")


@pytest.mark.full
def test_reference_products() -> None:
    """Cycles of reference products at the geometry of hls/kernel.yaml."""
    build(ENGINE_FULL)
    simulate(ENGINE_FULL, "rtl.bench.cocotb_cycles")
