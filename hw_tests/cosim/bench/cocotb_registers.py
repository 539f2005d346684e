"""Registers, jobs and interrupts at the ports that a block design connects."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cosim.bench.control import Answer
from cosim.bench.detour import detour_job
from cosim.bench.job import Job, JobBench, tiny_job
from cosim.bench.memory import OKAY, SLVERR, Timing
from cosim.bench.system import GMEMS, SystemBench

from trivit.host.generated import spec
from trivit.host.generated.registers import MAP_BYTES, REGISTERS

WRITABLE = [n for n, r in REGISTERS.items() if r.writable and n not in ("control", "isr")]
PRESSED = Timing(pauses=90, seed=3)


@cocotb.test
async def registers_keep_what_they_are_told(dut: Any) -> None:
    bench = JobBench(dut, PRESSED)
    await SystemBench.start(bench)  # without interrupts
    assert await bench.read("version") == spec.KERNEL_VERSION
    assert await bench.read("clock_khz") == spec.TIMING["clock_mhz"] * 1000
    assert await bench.read("bank_words") == spec.ACTIVATION_DEPTH
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
    assert await bench.control.write(REGISTERS["output"].offset, 0x5A << 16, 0b0100) == Answer(OKAY)
    assert await bench.read("output") == values["output"] & ~(0xFF << 16) | 0x5A << 16
    assert await bench.control_bits() == {"idle"}


@cocotb.test
async def bad_accesses_are_answered_and_change_nothing(dut: Any) -> None:
    bench = JobBench(dut)
    await bench.start()
    used = {r.offset + 4 * i for r in REGISTERS.values() for i in range(r.bits // 32)}
    free = [0x38, 0x70, 0x100, MAP_BYTES - 4]
    assert not used & set(free)
    for offset in free:
        assert await bench.control.read(offset) == Answer(SLVERR, 0)
    read_only = [r.offset for r in REGISTERS.values() if not r.writable]
    before = [await bench.control.read(offset) for offset in range(0x10, 0x28, 4)]
    for offset in (*free, *read_only):
        assert await bench.control.write(offset, 2**32 - 1) == Answer(SLVERR)
    assert [await bench.control.read(offset) for offset in range(0x10, 0x28, 4)] == before
    for offset in used:
        assert (await bench.control.read(offset)).code == OKAY


@cocotb.test
async def the_clock_is_counted(dut: Any) -> None:
    bench = JobBench(dut)
    await bench.start()
    first = await bench.read("cycles")
    await bench.cycles(1000)
    assert 1000 <= await bench.read("cycles") - first < 1100
    # A high word is that of the low word before it, however late it is read.
    assert (await bench.control.read(REGISTERS["cycles"].offset)).value < 5000
    assert await bench.control.read(REGISTERS["cycles"].offset + 4) == Answer(OKAY, 0)


@cocotb.test
@cocotb.parametrize(timing=[Timing(), PRESSED])
async def jobs_of_all_sizes(dut: Any, timing: Timing) -> None:
    """Addresses beyond 4 GiB, buffers across 4 KiB borders, pauses of every channel and stream."""
    bench = JobBench(dut, timing)
    await bench.start()
    for rows in (1, 9, 33) if timing.pauses else (8, 61):
        job = tiny_job(bench, rows)
        assert all(buffer.address >> 32 for buffer in job.buffers.values())
        cycles = await job.run()
        assert rows < cycles < 20_000
        assert await bench.control_bits() == {"done", "idle"}
    for gmem in GMEMS:  # each of them was needed
        assert int(bench.checker(gmem).read_bursts.value) > 0, gmem


@cocotb.test
@cocotb.parametrize(timing=[Timing(), PRESSED])
async def rows_through_memory(dut: Any, timing: Timing) -> None:
    """What is stored over all ports is loaded behind its fence, job after job.

    Other jobs that store between them keep the ports' counts in step with the sequencer's.
    """
    bench = JobBench(dut, timing)
    await bench.start()
    for rows, words in ((30, 5), (1, 1), (17, 6)):
        await detour_job(bench, rows, words).run()
        await tiny_job(bench, 9).run()


@cocotb.test
async def interrupts_are_levels_that_the_host_chooses(dut: Any) -> None:
    bench = JobBench(dut)
    await SystemBench.start(bench)  # without interrupts
    await bench.begin(**tiny_job(bench, 4).registers)
    while "done" not in await bench.control_bits():
        await bench.cycles(100)
    assert await bench.read("isr") == 1 and not dut.interrupt.value
    await bench.write("ier", 2)
    await bench.write("gier", 1)
    await bench.cycles(3)
    assert not dut.interrupt.value  # errors alone are wanted
    await bench.write("ier", 1)
    await bench.cycles(50)
    assert dut.interrupt.value and "interrupt" in await bench.control_bits()
    assert await bench.read("isr") == 1  # a read changes nothing
    await bench.write("isr", 2)
    await bench.cycles(3)
    assert dut.interrupt.value
    await bench.write("isr", 1)
    await bench.cycles(3)
    assert not dut.interrupt.value and await bench.read("isr") == 0
    await bench.begin(**tiny_job(bench, 4).registers)
    assert "done" not in await bench.control_bits()  # a start clears it
    assert await bench.finish() == ("ok", 0)


@cocotb.test
async def a_start_while_one_runs_is_ignored_and_told(dut: Any) -> None:
    """And what is written meanwhile belongs to the next job."""
    bench = JobBench(dut)
    await bench.start()
    first, second = tiny_job(bench, 40), tiny_job(bench, 24)
    untouched = second.output
    await bench.begin(**first.registers)
    await bench.begin(**second.registers)
    assert await bench.control_bits() == {"start", "overrun"}
    assert await bench.finish() == ("ok", 0)
    first.check()
    assert np.array_equal(second.output, untouched)
    await bench.cycles(1000)
    assert await bench.control_bits() == {"done", "idle", "overrun"}
    assert await bench.read("isr") == 0
    await bench.begin()
    assert await bench.finish() == ("ok", 0)
    second.check()
    assert await bench.control_bits() == {"done", "idle"}


@cocotb.test
async def jobs_that_cannot_begin_end_at_once(dut: Any) -> None:
    bench = JobBench(dut)
    await bench.start()
    good: Job = tiny_job(bench, 8)
    bad = [
        ({"commands": 0}, "program_length"),
        ({"commands": 1 << 23}, "program_length"),
        ({"reports": 1 << 24}, "program_length"),
        ({"output": good.buffers["output"].address + 8}, "memory_address"),
        ({"log": 1 << 40}, "memory_address"),
        ({"params": 1 << 63}, "memory_address"),
    ]
    for changed, name in bad:
        await bench.begin(**{**good.registers, **changed})
        assert await bench.finish(100) == (name, 0)
    for gmem in GMEMS:
        assert int(bench.checker(gmem).read_bursts.value) == 0
    await good.run()
