"""The AXI checkers notice: faults are put into a running port, and their counters must move."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import FallingEdge, RisingEdge
from cocotbext.axi import AxiReadBus, AxiSlaveRead
from programs import random_bundle
from simulation.bench.job import Job
from simulation.bench.tb import PORTS, KernelBench

CROSSING, LENGTH, ALIGNMENT, WLAST, CHANGED = 1 << 0, 1 << 1, 1 << 3, 1 << 4, 1 << 5


async def started_without(dut: Any, port: str, read: bool = False) -> tuple[KernelBench, Any]:
    """Start a program with nobody behind `port` (or behind its write half); the port's checker."""
    bundle, images = random_bundle(21)
    bench = KernelBench(dut, ports=tuple(name for name in PORTS if name != port))
    for signal in ("AWREADY", "WREADY", "BVALID", "ARREADY", "RVALID"):
        getattr(dut, f"m_axi_{port}_{signal}").value = 0
    if read:
        bus = AxiReadBus.from_prefix(dut, f"m_axi_{port}")
        AxiSlaveRead(bus, dut.ap_clk, dut.ap_rst_n, bench.memory, reset_active_level=False)
    await bench.start_clock()
    await Job(bench, bundle, images).configure()
    await bench.start()
    return bench, getattr(dut, f"check_{port}")


async def wait_for(dut: Any, signal: Any) -> None:
    """Wait until `signal` is high, and two more cycles."""
    while not signal.value:
        await RisingEdge(dut.ap_clk)
    for _ in range(2):
        await FallingEdge(dut.ap_clk)


async def take(dut: Any, ready: Any) -> None:
    """Be ready for one cycle; call and return are at falling edges."""
    ready.value = 1
    await FallingEdge(dut.ap_clk)
    ready.value = 0
    await FallingEdge(dut.ap_clk)


async def take_broken_address(dut: Any, address_mask: int = 0, length: int | None = None) -> int:
    """Change the waiting descriptor read, accept it; the violation kinds."""
    bench, checker = await started_without(dut, "gmem0")
    await wait_for(dut, dut.m_axi_gmem0_ARVALID)
    assert checker.violations.value == 0
    dut.gmem0.address.value = int(dut.gmem0.address.value) ^ address_mask
    if length is not None:
        dut.gmem0.length.value = length
    await FallingEdge(dut.ap_clk)
    await take(dut, dut.m_axi_gmem0_ARREADY)
    assert checker.read_bursts.value == 1
    kinds = int(checker.violation_kinds.value)
    assert bool(kinds) == (checker.violations.value != 0)
    await bench.reset()
    assert checker.violations.value == 0
    return kinds


@cocotb.test(timeout_time=50, timeout_unit="us")
async def sound_address(dut: Any) -> None:
    assert await take_broken_address(dut) == 0


@cocotb.test(timeout_time=50, timeout_unit="us")
async def address_that_changes_and_is_not_aligned(dut: Any) -> None:
    assert await take_broken_address(dut, address_mask=8) == CHANGED | ALIGNMENT | CROSSING


@cocotb.test(timeout_time=50, timeout_unit="us")
async def burst_that_is_too_long_and_leaves_its_page(dut: Any) -> None:
    assert await take_broken_address(dut, length=64) == CHANGED | LENGTH | CROSSING


@cocotb.test(timeout_time=50, timeout_unit="us")
async def burst_that_leaves_its_page(dut: Any) -> None:
    # Buffers begin three words before a page's end.
    assert await take_broken_address(dut, length=3) == CHANGED | CROSSING


@cocotb.test(timeout_time=50, timeout_unit="us")
@cocotb.parametrize(broken=[False, True])
async def last_beat_at_the_wrong_place(dut: Any, broken: bool) -> None:
    _, checker = await started_without(dut, "gmem0", read=True)
    await wait_for(dut, dut.m_axi_gmem0_AWVALID)
    assert dut.m_axi_gmem0_AWLEN.value == 1, "the logits take two words"
    await take(dut, dut.m_axi_gmem0_AWREADY)
    await wait_for(dut, dut.m_axi_gmem0_WVALID)
    if broken:
        dut.gmem0.burst_left.value = 1  # the first beat says that it is the last
        await FallingEdge(dut.ap_clk)
    await take(dut, dut.m_axi_gmem0_WREADY)
    assert checker.write_beats.value == 1
    assert int(checker.violation_kinds.value) == (WLAST | CHANGED if broken else 0)
