"""The agents that write to the banks, one at a time, against numpy."""

from __future__ import annotations

from typing import Any

import cocotb
from rtl.bench.bank_work import random_work
from rtl.bench.banks import WRITERS, BankBench


@cocotb.test()
@cocotb.parametrize(unit=WRITERS, stalls=[(0.0, 0.0), (0.5, 0.1), (0.1, 0.6)], seed=[1, 2])
async def random_commands(dut: Any, unit: str, stalls: tuple[float, float], seed: int) -> None:
    """Every word where it belongs, every row group told when it is there, a report a command."""
    bench = BankBench(dut, seed, *stalls)
    await bench.reset()
    bench.send(unit, random_work(bench, unit, 2))
    await bench.steps.run(bench.rng.randrange(20, 120))
    await bench.reset()  # in the middle
    bench.want[:] = bench.memory
    bench.free = 0
    work = random_work(bench, unit, 6)
    bench.send(unit, work)
    await bench.finish({unit: work})
