"""Whatever goes wrong, a job ends with its error, and the next one is exact."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import ClockCycles
from rtl.bench.top import Copy, TopBench


async def run_exactly(bench: TopBench, rows: int = 19, words: int = 4) -> None:
    """Run a good job and hold it against what it must give."""
    copy = Copy(bench, rows, words)
    await bench.begin(**copy.registers)
    assert await bench.finish() == ("ok", 0)
    copy.check()
    bench.check_buses()
    await bench.check_quiet()


@cocotb.test
@cocotb.parametrize(pressed=[False, True])
async def a_refused_command(dut: Any, pressed: bool) -> None:
    """The code is that of the engine, the tag that of the command; no matter what else runs."""
    bench = TopBench(dut, seed=5, pressure=pressed, pause=0.2 if pressed else 0.0)
    await bench.start()
    await bench.enable_interrupts()
    for product, name in (
        ({"source": 511, "depth_words": 4}, "activation_address"),
        ({"depth_words": 0}, "size_limit"),
        ({"ring_offset": 3}, "size_limit"),
        ({"bias_shift": 31}, "shift_range"),
    ):
        copy = Copy(bench, 50, 9, product=product)
        await bench.begin(**copy.registers)
        assert await bench.finish() == (name, 6)
        assert await bench.read("isr") == 0 and await bench.read("faults") == 0
        await bench.check_quiet()
        await run_exactly(bench)
    assert bench.sequencer.resets == 4


@cocotb.test
@cocotb.parametrize(decode=[False, True])
async def bad_responses(dut: Any, decode: bool) -> None:
    """SLVERR and DECERR in each direction; `faults` says at which port."""
    bench = TopBench(dut, seed=6)
    bench.decode_error = decode
    await bench.start()
    await bench.enable_interrupts()
    cases = [
        ("program", "read_response", {1}),
        ("input", "read_response", {4, 16, 64, 256}),
        ("output", "write_response", {8}),
        ("log", "write_response", {2}),
    ]
    for name, error, ports in cases:
        copy = Copy(bench, 30, 6)
        getattr(copy, name).access = ""  # the memory refuses it
        await bench.begin(**copy.registers)
        assert (await bench.finish())[0] == error
        faults = await bench.read("faults")
        assert faults and faults & ~sum(ports) == 0, (name, hex(faults))
        await bench.check_quiet()
        await run_exactly(bench)


@cocotb.test
async def other_reports_than_the_job_says(dut: Any) -> None:
    bench = TopBench(dut, seed=7)
    await bench.start()
    await bench.enable_interrupts()
    copy = Copy(bench, 8, 1)
    await bench.begin(**{**copy.registers, "reports": 4})
    assert (await bench.finish())[0] == "report_count"
    await run_exactly(bench)


@cocotb.test
@cocotb.parametrize(pressed=[False, True])
async def a_job_that_stands_still_is_given_up(dut: Any, pressed: bool) -> None:
    """At any moment: with bursts under way in both directions, and when nothing moves any more."""
    bench = TopBench(dut, seed=8, pressure=pressed, pause=0.2 if pressed else 0.0)
    await bench.start()
    await bench.enable_interrupts()
    moments: list[tuple[int, set[str]]] = [(60, set()), (260, set()), (600, {"store"})]
    if not pressed:
        moments += [(3, set()), (150, set())]
        moments += [(600, {unit}) for unit in ("move_rows", "move_store", "sequencer")]
    for moment, lost in moments:
        bench.sequencer.drop = lost
        copy = Copy(bench, 90, 12)
        await bench.begin(**copy.registers)
        await ClockCycles(dut.ap_clk, moment)
        assert "start" in await bench.control_bits()
        await bench.abort()
        assert (await bench.finish(1500))[0] == "aborted", (moment, lost)
        await bench.check_quiet()
        bench.sequencer.drop = set()
        await run_exactly(bench)


@cocotb.test
async def giving_up_without_a_job_resets_and_tells_nobody(dut: Any) -> None:
    bench = TopBench(dut, seed=9)
    await bench.start()
    await bench.enable_interrupts()
    await ClockCycles(dut.ap_clk, 40)  # the reset from outside has ended
    await bench.abort()
    await ClockCycles(dut.ap_clk, 60)
    assert bench.sequencer.resets == 1
    assert await bench.control_bits() == {"idle"} and await bench.read("isr") == 0
    # A start right behind waits until everything is reset.
    await bench.abort()
    await run_exactly(bench)
    # A start with it is none.
    await bench.write("control", 0b10001)
    await ClockCycles(dut.ap_clk, 100)
    assert await bench.control_bits() == {"done", "idle"}


@cocotb.test
async def a_reset_in_the_middle(dut: Any) -> None:
    """Of everything, the memory's ports too; registers are those of the beginning."""
    bench = TopBench(dut, seed=10)
    await bench.start()
    for moment in (2, 70, 200):
        await bench.enable_interrupts()
        copy = Copy(bench, 60, 10)
        await bench.begin(**copy.registers)
        await ClockCycles(dut.ap_clk, moment)
        await bench.reset()
        assert await bench.control_bits() == {"idle"}
        assert not await bench.read("isr") | await bench.read("gier") | await bench.read("program")
        await bench.enable_interrupts()
        await run_exactly(bench)
