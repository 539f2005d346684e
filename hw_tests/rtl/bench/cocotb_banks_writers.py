"""The agents that write to the banks, one at a time, against numpy."""

from __future__ import annotations

from typing import Any

import cocotb
from rtl.bench.bank_work import (
    load_command,
    pair_command,
    random_work,
    row_writer_command,
    vectors_command,
)
from rtl.bench.banks import WRITERS, BankBench, Work


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


def engine_like(cycle: int, bank: int) -> bool:
    """Port B as the engine leaves it: 4 of 16 cycles gone, in each bank a cycle later."""
    return (cycle - bank) % 16 < 4


@cocotb.test()
@cocotb.parametrize(
    (
        ("unit", "busy"),
        [
            *((unit, None) for unit in WRITERS),
            ("row_writer", engine_like),
            ("softmax_writer", engine_like),
            ("norm_writer", engine_like),
        ],
    )
)
async def rates(dut: Any, unit: str, busy: Any) -> None:
    """A word a cycle, also while the engine uses port B as it does."""
    bench = BankBench(dut, 3, busy=busy or 0)
    if busy and bench.banks < 8:
        return  # queues of 2 words hold up others
    await bench.reset()
    work, rows, words = Work(), 5 * bench.banks, 3 * bench.tile
    if unit == "row_writer":
        row_writer_command(bench, work, rows=rows, words=words)
        (stream,) = work.streams
    elif unit == "load":
        load_command(bench, work, rows=rows, words=words)
        stream = "word0"
    else:
        pair_command(bench, work, unit, rows=rows, words=words)
        stream = "results"
    sender = bench.senders[f"{unit}.{stream}"]
    bench.send(unit, work)
    begin = bench.steps.cycle
    await bench.steps.until(lambda: sender.empty)
    cycles = bench.steps.cycle - begin
    dut._log.info("%s: %d words in %d cycles", unit, sender.sent, cycles)
    assert cycles <= sender.sent + 12
    await bench.finish({unit: work})


@cocotb.test()
async def vectors_at_full_rate(dut: Any) -> None:
    """A word of gamma or beta a cycle."""
    bench = BankBench(dut, 4)
    await bench.reset()
    work = Work()
    vectors_command(bench, work, words=60)
    bench.send("load", work)
    await bench.finish({"load": work})
    words = bench.receivers["load.vectors"].words
    assert words[-1][1] - words[0][1] == 2 * 59
