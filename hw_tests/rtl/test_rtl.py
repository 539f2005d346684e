"""The matrix engine and its units in Verilator, against numpy."""

from __future__ import annotations

import pytest
from rtl.designs import BANKS_FULL, BANKS_LEAST, BENCH, ENGINE_FULL, PLACEMENTS
from simulator import build, simulate


@pytest.fixture(scope="module")
def bench() -> None:
    """The small engine and its units, built once."""
    build(BENCH)


@pytest.mark.parametrize(
    "module",
    ["array", "ring", "units", "mover", "matrix", "engine", "attention", "steps", "training"],
)
def test_small(bench: None, module: str) -> None:
    simulate(BENCH, f"rtl.bench.cocotb_{module}")


def test_placements() -> None:
    """What copies keys and values into the ring, and when it may, in a build of its own."""
    build(PLACEMENTS)
    simulate(PLACEMENTS, "rtl.bench.cocotb_placements")


@pytest.fixture(scope="module")
def agents() -> None:
    """The agents at port B of the banks, built once."""
    build(BANKS_FULL)


@pytest.mark.parametrize("module", ["writers", "readers", "together", "rates"])
def test_bank_agents(agents: None, module: str) -> None:
    simulate(BANKS_FULL, f"rtl.bench.cocotb_banks_{module}")


@pytest.mark.full
def test_bank_agents_with_the_least_queues() -> None:
    """Another geometry, two places in every queue: nothing deadlocks."""
    build(BANKS_LEAST)
    for module in ("writers", "readers", "together"):
        simulate(BANKS_LEAST, f"rtl.bench.cocotb_banks_{module}")


@pytest.mark.full
def test_reference_products() -> None:
    """Cycles of reference products at the geometry of hls/kernel.yaml."""
    build(ENGINE_FULL)
    simulate(ENGINE_FULL, "rtl.bench.cocotb_cycles")
