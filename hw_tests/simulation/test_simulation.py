"""Run the cocotb simulations: the compiled kernel behind its AXI ports."""

from __future__ import annotations

import pytest
from simulation.simulator import KERNEL, build, simulate


@pytest.fixture(scope="module")
def kernel() -> None:
    """The kernel's simulation model, built once."""
    build(KERNEL)


def test_registers(kernel: None) -> None:
    simulate(KERNEL, "simulation.bench.cocotb_registers")
