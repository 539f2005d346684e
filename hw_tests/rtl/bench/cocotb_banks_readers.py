"""The agents that read from the banks, while rows become complete, against numpy."""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.task import Task
from rtl.bench.bank_work import end_command, read_command
from rtl.bench.banks import READERS, BankBench, Work


@cocotb.test()
@cocotb.parametrize(unit=tuple(READERS), stalls=[(0.0, 0.0), (0.6, 0.1), (0.1, 0.6)])
async def random_commands(dut: Any, unit: str, stalls: tuple[float, float]) -> None:
    """Nothing is read before its product has begun and its row group is complete."""
    bench = BankBench(dut, 1, *stalls)
    for count in (2, 6):  # the first time stopped in the middle
        await bench.reset()
        bench.free = 0
        work, rng = Work(), bench.rng
        tensors = []
        for number in range(count):
            rows, words = rng.randrange(1, 3 * bench.banks + 1), rng.randrange(1, 12)
            tensors.append(read_command(bench, work, unit, number, rows=rows, words=words))
            if number == count // 2:
                end_command(work, unit)
        bench.send(unit, work)
        writing: Task[None] = cocotb.start_soon(bench.become_complete(READERS[unit], tensors))
        if count == 2:
            await bench.steps.run(rng.randrange(30, 120))
            writing.cancel()
        else:
            await bench.finish({unit: work})
