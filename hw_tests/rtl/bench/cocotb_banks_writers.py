"""The agents that write to the banks, one at a time, against numpy."""

from __future__ import annotations

from typing import Any

import cocotb
from rtl.bench.bank_work import load_command, random_work
from rtl.bench.banks import LOAD_ANNOUNCED, WRITERS, BankBench, Work


@cocotb.test()
@cocotb.parametrize(unit=WRITERS, stalls=[(0.0, 0.0), (0.5, 0.1), (0.1, 0.6)])
async def random_commands(dut: Any, unit: str, stalls: tuple[float, float]) -> None:
    """Every word where it belongs, every row group told when it is there, a report a command."""
    bench = BankBench(dut, 1, *stalls)
    await bench.reset()
    bench.send(unit, random_work(bench, unit, 2))
    await bench.steps.run(bench.rng.randrange(20, 120))
    await bench.reset()  # in the middle
    bench.want[:] = bench.memory
    bench.free = 0
    work = random_work(bench, unit, 6)
    bench.send(unit, work)
    await bench.finish({unit: work})


@cocotb.test()
async def a_port_that_comes_late(dut: Any) -> None:
    """Load's other ports wait before row groups that are not complete are too many to count."""
    bench = BankBench(dut, 3)
    await bench.reset()
    work = Work()
    rows = 20 * bench.banks
    load_command(bench, work, rows=rows, words=1, complete=True)
    bench.send("load", work)
    ports = [bench.senders[f"load.word{port}"] for port in range(bench.tile)]
    ports[-1].pause = 1.0
    await bench.steps.run(2 * rows)
    counted = 15  # row groups that each bank can be ahead
    assert [p.sent for p in ports[:-1]] == [counted * bench.banks // bench.tile] * (bench.tile - 1)
    assert len(bench.expected["load"]) == 20
    ports[-1].pause = 0.0
    await bench.finish({"load": work})


@cocotb.test()
async def a_target_that_is_still_read(dut: Any) -> None:
    """A load that is announced writes nothing before that; announcements are counted."""
    bench = BankBench(dut, 4)
    await bench.reset()
    work = Work()
    for announced in (False, True, True, False, True):
        load_command(bench, work, rows=9, words=2, complete=True, announced=announced)
    bench.send("load", work)
    groups = -(-9 // bench.banks)  # row groups of each command
    for announcements, commands in ((0, 1), (1, 2), (2, 5)):
        for _ in range(announcements):
            bench.announcing |= 1 << LOAD_ANNOUNCED
            await bench.steps.run(2)
        await bench.steps.run(150)
        assert len(bench.expected["load"]) == groups * (5 - commands)
    await bench.finish({"load": work})
