"""All bank agents at once, behind their arbiter."""

from __future__ import annotations

from typing import Any

import cocotb
from rtl.bench.bank_work import random_work, read_command
from rtl.bench.banks import READERS, WRITERS, BankBench, Work


@cocotb.test()
@cocotb.parametrize(stalls=[(0.0, 0.0), (0.1, 0.5), (0.5, 0.3)])
async def all_agents(dut: Any, stalls: tuple[float, float]) -> None:
    """Who comes first in the order is served (bank_bench.sv checks each cycle); nobody is lost."""
    bench = BankBench(dut, 1, *stalls)
    await bench.reset()
    works = {unit: random_work(bench, unit, 2) for unit in WRITERS}
    for unit, bit in READERS.items():
        works[unit] = Work()
        tensors = [
            read_command(bench, works[unit], unit, 2 * number + bit, rows=rows, words=words)
            for number, (rows, words) in enumerate([(19, 5), (3, 7), (11, 4)])
        ]
        cocotb.start_soon(bench.become_complete(bit, tensors))
    for unit, work in works.items():
        bench.send(unit, work)
    await bench.finish(works)
    assert int(dut.contested.value) > 50
