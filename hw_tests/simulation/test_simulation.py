"""Run the cocotb simulations: the compiled kernel behind its AXI ports."""

from __future__ import annotations

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
