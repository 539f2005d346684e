"""Whatever goes wrong, a job ends with its error, and the next one is exact."""

from __future__ import annotations

from typing import Any

import cocotb
from cosim.bench.job import Change, JobBench, bundle_job, changed, tiny_job
from cosim.bench.memory import DECERR, SLVERR, Timing
from networks import compared, random_network

PRESSED = Timing(pauses=60, seed=5)
_FAR = 1 << 30  # words behind all buffers


async def started(dut: Any, timing: Timing | None = None, refusal: int = SLVERR) -> JobBench:
    bench = JobBench(dut, timing, refusal)
    await bench.start()
    return bench


@cocotb.test
@cocotb.parametrize(timing=[Timing(), PRESSED])
async def a_refused_command(dut: Any, timing: Timing) -> None:
    """The code is that of the engine, the tag that of the command; no matter what else runs."""
    bench = await started(dut, timing)
    cases: list[tuple[Change, str]] = [
        (changed("engine", source=15359, depth_words=4), "activation_address"),
        (changed("engine", depth_words=0), "size_limit"),
        (changed("engine", ring_offset=3), "size_limit"),
        (changed("engine", bias_shift=31), "shift_range"),
    ]
    for change, name in cases:
        job = tiny_job(bench, 50, change)
        await bench.begin(**job.registers)
        assert await bench.finish() == (name, 1)
        assert await bench.read("isr") == 0 and await bench.read("faults") == 0
        await bench.check_quiet()
        await tiny_job(bench).run()


@cocotb.test
@cocotb.parametrize(refusal=[SLVERR, DECERR])
async def bad_responses(dut: Any, refusal: int) -> None:
    """In each direction and at each kind of buffer; `faults` says at which port."""
    bench = await started(dut, refusal=refusal)
    params = sum(1 << 2 * gmem for gmem in range(1, 5))
    cases = [
        ("program", "read_response", 1 << 0),
        ("params", "read_response", params),
        ("input", "read_response", params),
        ("output", "write_response", 1 << 3),
        ("log", "write_response", 1 << 1),
    ]
    for name, error, ports in cases:
        job = tiny_job(bench, 30)
        job.buffers[name].allow("")
        await bench.begin(**job.registers)
        assert (await bench.finish())[0] == error, name
        faults = await bench.read("faults")
        assert faults and faults & ~ports == 0, (name, hex(faults))
        await bench.check_quiet()
        await tiny_job(bench).run()


@cocotb.test
async def malformed_programs(dut: Any) -> None:
    """Damage in the middle of a network: what moves is refused, what stands still is given up."""
    bench = await started(dut)
    network = random_network(1)
    expected = compared(network)
    cases: list[tuple[Change, str]] = [
        (changed("move_weights", address=_FAR), "read_response"),
        (changed("move_store", address=_FAR), "write_response"),
        (changed("sequencer", reports=3), "report_count"),
        (changed("move_weights", drop=True), "aborted"),
        (changed("norm_writer", drop=True), "aborted"),
        (changed("softmax", drop=True), "aborted"),
        (lambda commands: commands[: len(commands) // 2], "aborted"),  # no end
    ]
    job = bundle_job(bench, network, expected)
    cycles = await job.run()
    for number, (change, name) in enumerate(cases):
        job = bundle_job(bench, network, expected, change)
        await bench.begin(**job.registers)
        if name == "aborted":
            assert not await bench.wait_interrupt(2 * cycles), number
            assert "start" in await bench.control_bits()
            await bench.abort()
        assert (await bench.finish(4 * cycles))[0] == name, number
        await bench.check_quiet()
        await tiny_job(bench).run()
    job = bundle_job(bench, network, expected)
    await job.run()


@cocotb.test
@cocotb.parametrize(timing=[Timing(), PRESSED])
async def a_job_is_given_up(dut: Any, timing: Timing) -> None:
    """At any moment, with bursts under way in both directions."""
    bench = await started(dut, timing)
    for moment in (3, 60, 150, 260, 700):
        job = tiny_job(bench, 90)
        await bench.begin(**job.registers)
        await bench.cycles(moment)
        assert "start" in await bench.control_bits()
        await bench.abort()
        assert (await bench.finish(1500))[0] == "aborted", moment
        await bench.check_quiet()
        await tiny_job(bench).run()


@cocotb.test
async def giving_up_without_a_job_resets_and_tells_nobody(dut: Any) -> None:
    bench = await started(dut)
    await bench.cycles(40)  # the reset from outside has ended
    await bench.abort()
    await bench.cycles(60)
    assert await bench.control_bits() == {"idle"} and await bench.read("isr") == 0
    # A start right behind waits until everything is reset.
    await bench.abort()
    await tiny_job(bench).run()
    # A start with it is none.
    await bench.write("control", 0b10001)
    await bench.cycles(100)
    assert await bench.control_bits() == {"done", "idle"}


@cocotb.test
async def a_reset_in_the_middle(dut: Any) -> None:
    """Of everything, the memory's ports too; registers are those of the beginning."""
    bench = await started(dut, Timing(seed=10))
    for moment in (2, 70, 200, 900):
        await bench.enable_interrupts()
        job = tiny_job(bench, 90)
        await bench.begin(**job.registers)
        await bench.cycles(moment)
        await bench.reset()
        assert await bench.control_bits() == {"idle"}
        assert not await bench.read("isr") | await bench.read("gier") | await bench.read("program")
        await bench.enable_interrupts()
        await tiny_job(bench).run()
