"""Registers, jobs, errors and the way back, at the ports that a block design connects."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiResp
from rtl.bench.top import Copy, TopBench

from trivit.host.generated import spec
from trivit.host.generated.registers import MAP_BYTES, REGISTERS

WRITABLE = [n for n, r in REGISTERS.items() if r.writable and n not in ("control", "isr")]


@cocotb.test
async def registers_keep_what_they_are_told(dut: Any) -> None:
    bench = TopBench(dut, pressure=True)
    await bench.start()
    assert await bench.read("version") == spec.KERNEL_VERSION
    assert await bench.read("clock_khz") == spec.TIMING["clock_mhz"] * 1000
    assert await bench.read("bank_words") == 512
    geometry = [await bench.read("geometry") >> 8 * place & 0xFF for place in range(4)]
    assert geometry == [spec.TILE_TOKENS, spec.TILE_OUTPUTS, spec.TILE_DEPTH, spec.PARAM_PORTS]
    assert await bench.control_bits() == {"idle"}
    masks = {"gier": 1, "ier": 3}
    values = {
        name: bench.rng.getrandbits(REGISTERS[name].bits) & masks.get(name, (1 << 64) - 1)
        for name in WRITABLE
    }
    for name, value in values.items():
        await bench.write(name, value)
    for name, value in values.items():
        assert await bench.read(name) == value, name
    # One byte of a word; the others stay.
    offset = REGISTERS["output"].offset
    await bench.control.write(offset + 2, b"\x5a")
    expected = values["output"] & ~(0xFF << 16) | 0x5A << 16
    assert await bench.read("output") == expected
    assert await bench.control_bits() == {"idle"}


@cocotb.test
async def bad_accesses_are_answered_and_change_nothing(dut: Any) -> None:
    bench = TopBench(dut)
    await bench.start()
    used = {r.offset + 4 * i for r in REGISTERS.values() for i in range(r.bits // 32)}
    free = [0x38, 0x70, 0x100, MAP_BYTES - 4]
    assert not used & set(free)
    for offset in free:
        answer = await bench.control.read(offset, 4)
        assert answer.resp == AxiResp.SLVERR and answer.data == bytes(4)
    read_only = [r.offset for r in REGISTERS.values() if not r.writable]
    before = [(await bench.control.read(o, 4)).data for o in range(0x10, 0x28, 4)]
    for offset in (*free, *read_only):
        answer = await bench.control.write(offset, b"\xff\xff\xff\xff")
        assert answer.resp == AxiResp.SLVERR
    assert [(await bench.control.read(o, 4)).data for o in range(0x10, 0x28, 4)] == before
    for offset in used:
        assert (await bench.control.read(offset, 4)).resp == AxiResp.OKAY


@cocotb.test
async def the_clock_is_counted(dut: Any) -> None:
    bench = TopBench(dut)
    await bench.start()
    first = await bench.read("cycles")
    await ClockCycles(dut.ap_clk, 1000)
    assert 1000 <= await bench.read("cycles") - first < 1100
    # A high word is that of the low word before it, however late it is read.
    low = await bench.control.read_dword(REGISTERS["cycles"].offset)
    assert low < 5000 and await bench.control.read_dword(REGISTERS["cycles"].offset + 4) == 0


@cocotb.test
@cocotb.parametrize(pressed=[False, True])
async def jobs_of_all_sizes(dut: Any, pressed: bool) -> None:
    """Addresses beyond 4 GiB, buffers across 4 KiB borders, pauses of every channel and stream."""
    bench = TopBench(dut, seed=3, pressure=pressed, pause=0.3 if pressed else 0.0)
    await bench.start()
    await bench.enable_interrupts()
    for rows, words in ((1, 1), (9, 3), (33, 13)) if pressed else ((8, 2), (61, 7)):
        copy = Copy(bench, rows, words)
        assert min(v for n, v in copy.registers.items() if n not in ("commands", "reports")) >> 32
        await bench.begin(**copy.registers)
        assert await bench.finish() == ("ok", 0)
        assert await bench.control_bits() == {"done", "idle"}
        copy.check()
        assert rows * words < await bench.read("job_cycles") < 20_000
        assert await bench.read("faults") == 0
    assert not bench.memory.violations
    bench.check_buses()


@cocotb.test
@cocotb.parametrize(pressed=[False, True])
async def rows_through_ddr(dut: Any, pressed: bool) -> None:
    """What is stored over all ports is loaded behind its fence, job after job.

    Other jobs that store between them keep the ports' counts in step with the sequencer's.
    """
    bench = TopBench(dut, seed=4, pressure=pressed, pause=0.3 if pressed else 0.0)
    await bench.start()
    await bench.enable_interrupts()
    for rows, words, detour in ((30, 5, True), (9, 2, False), (1, 1, True), (17, 6, True)):
        copy = Copy(bench, rows, words, detour=detour)
        await bench.begin(**copy.registers)
        assert await bench.finish() == ("ok", 0)
        copy.check()
    assert not bench.memory.violations
    bench.check_buses()


@cocotb.test
async def interrupts_are_levels_that_the_host_chooses(dut: Any) -> None:
    bench = TopBench(dut)
    await bench.start()
    copy = Copy(bench, 4, 1)
    await bench.begin(**copy.registers)
    while "done" not in await bench.control_bits():
        pass
    assert await bench.read("isr") == 1 and not dut.interrupt.value
    await bench.write("ier", 2)
    await bench.write("gier", 1)
    await ClockCycles(dut.ap_clk, 3)
    assert not dut.interrupt.value  # errors alone are wanted
    await bench.write("ier", 1)
    await ClockCycles(dut.ap_clk, 50)
    assert dut.interrupt.value and "interrupt" in await bench.control_bits()
    assert await bench.read("isr") == 1  # a read changes nothing
    await bench.write("isr", 2)
    await ClockCycles(dut.ap_clk, 3)
    assert dut.interrupt.value
    await bench.write("isr", 1)
    await ClockCycles(dut.ap_clk, 3)
    assert not dut.interrupt.value and await bench.read("isr") == 0
    await bench.begin(**Copy(bench, 4, 1).registers)
    assert "done" not in await bench.control_bits()  # a start clears it
    assert await bench.finish() == ("ok", 0)


@cocotb.test
async def a_start_while_one_runs_is_ignored_and_told(dut: Any) -> None:
    """And what is written meanwhile belongs to the next job."""
    bench = TopBench(dut)
    await bench.start()
    await bench.enable_interrupts()
    first, second = Copy(bench, 40, 8), Copy(bench, 24, 5)
    await bench.begin(**first.registers)
    await bench.begin(**second.registers)
    assert await bench.control_bits() == {"start", "overrun"}
    assert await bench.finish() == ("ok", 0)
    first.check()
    assert set(second.output.data) == {0xA5}
    await ClockCycles(dut.ap_clk, 1000)
    assert await bench.control_bits() == {"done", "idle", "overrun"}
    assert await bench.read("isr") == 0
    await bench.begin()
    assert await bench.finish() == ("ok", 0)
    second.check()
    assert await bench.control_bits() == {"done", "idle"}


@cocotb.test
async def jobs_that_cannot_begin_end_at_once(dut: Any) -> None:
    bench = TopBench(dut)
    await bench.start()
    await bench.enable_interrupts()
    good = Copy(bench, 8, 2)
    bad = [
        ({"commands": 0}, "program_length"),
        ({"commands": 1 << 23}, "program_length"),
        ({"reports": 1 << 24}, "program_length"),
        ({"output": good.output.address + 8}, "memory_address"),
        ({"log": 1 << 40}, "memory_address"),
        ({"params": 1 << 63}, "memory_address"),
    ]
    for changed, name in bad:
        await bench.begin(**{**good.registers, **changed})
        assert await bench.finish(100) == (name, 0)
    for gmem in range(5):
        assert int(getattr(dut, f"check_gmem{gmem}").read_bursts.value) == 0
    await bench.begin(**good.registers)
    assert await bench.finish() == ("ok", 0)
    good.check()
