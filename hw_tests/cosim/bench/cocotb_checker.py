"""The watcher of an AXI4 port notices: one port by hand, right at first, then with each fault."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge

CROSSING, LENGTH, SIZE, ALIGNMENT, WLAST, CHANGED, RESPONSE, STROBE = (
    *(1 << bit for bit in range(6)),
    1 << 7,
    1 << 8,
)
INPUTS = (
    *("awvalid", "awready", "awaddr", "awlen", "awsize", "awburst", "wvalid", "wready", "wdata"),
    *("wstrb", "wlast", "bvalid", "bready", "arvalid", "arready", "araddr", "arlen", "arsize"),
    *("arburst", "rvalid", "rready", "rlast"),
)
BURST = {"len": 3, "size": 4, "burst": 1}
WORD = {"wstrb": 0xFFFF, "wdata": 5}


async def show(dut: Any, **signals: int) -> None:
    """Show signals for one cycle; those that are not named are zero."""
    for name in INPUTS:
        getattr(dut, name).value = signals.get(name, 0)
    await FallingEdge(dut.clk)


async def begin(dut: Any) -> None:
    Clock(dut.clk, 2, unit="ns").start()
    dut.reset.value = 1
    await show(dut)
    dut.reset.value = 0
    await show(dut)


async def address(dut: Any, channel: str, at: int = 0x1000, **changed: int) -> None:
    fields = {**BURST, **changed, "addr": at, "valid": 1, "ready": 1}
    await show(dut, **{channel + name: value for name, value in fields.items()})


async def write(dut: Any, beats: int = 4, last: int = 3, **changed: int) -> None:
    for beat in range(beats):
        word = {**WORD, "wlast": int(beat == last), **changed}
        await show(dut, wvalid=1, wready=1, **word)


@cocotb.test
async def what_is_right(dut: Any) -> None:
    """Reads and writes, words before their address, waiting channels, the last place of a page."""
    await begin(dut)
    await write(dut)
    await show(dut, awvalid=1, awaddr=0x1FC0, awlen=3, awsize=4, awburst=1)
    await address(dut, "aw", at=0x1FC0)
    await address(dut, "ar", len=15)
    for beat in range(16):
        await show(dut, rvalid=1, rready=1, rlast=int(beat == 15), bvalid=int(beat == 0), bready=1)
    await show(dut)
    assert int(dut.violations.value) == 0
    assert int(dut.reads_open.value) == int(dut.writes_open.value) == 0
    assert int(dut.read_bursts.value) == int(dut.write_bursts.value) == 1


@cocotb.test
@cocotb.parametrize(channel=["ar", "aw"])
async def addresses(dut: Any, channel: str) -> None:
    for kinds, changed in (
        (CROSSING, {"at": 0x1FD0}),
        (LENGTH, {"len": 16}),
        (SIZE, {"size": 3}),
        (SIZE, {"burst": 0}),
        (ALIGNMENT, {"at": 0x1008}),
    ):
        await begin(dut)
        await address(dut, channel, **changed)
        await show(dut)
        assert int(dut.violation_kinds.value) == kinds, changed
        assert int(dut.violations.value) == 1


@cocotb.test
async def what_changes_while_it_waits(dut: Any) -> None:
    waiting: list[tuple[dict[str, int], dict[str, int]]] = [
        ({"arvalid": 1, "araddr": 0x10}, {"arvalid": 1, "araddr": 0x20}),
        ({"awvalid": 1, "awlen": 1}, {"awvalid": 1}),
        ({"wvalid": 1, **WORD}, {"wvalid": 1, **WORD, "wdata": 6}),
        ({"wvalid": 1, **WORD}, {}),
    ]
    for first, then in waiting:
        await begin(dut)
        await show(dut, **first)
        await show(dut, **then)
        assert int(dut.violation_kinds.value) == CHANGED, (first, then)


@cocotb.test
async def words_and_responses(dut: Any) -> None:
    for kinds, beats, last, changed in (
        (WLAST, 4, 2, {}),
        (WLAST, 3, 2, {}),
        (STROBE, 4, 3, {"wstrb": 0x7FFF}),
    ):
        await begin(dut)
        await address(dut, "aw")
        await write(dut, beats, last, **changed)
        await show(dut)
        assert int(dut.violation_kinds.value) & kinds, (beats, last)
    for signals in ({"rvalid": 1, "rready": 1}, {"bvalid": 1, "bready": 1}):
        await begin(dut)
        await show(dut, **signals)
        await show(dut)
        assert int(dut.violation_kinds.value) == RESPONSE, signals
