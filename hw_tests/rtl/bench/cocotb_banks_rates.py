"""Words a cycle of the bank agents, with queues as large as they are in the accelerator."""

from __future__ import annotations

from typing import Any

import cocotb
from rtl.bench.bank_work import (
    load_command,
    pair_command,
    read_command,
    row_writer_command,
    vectors_command,
)
from rtl.bench.banks import READERS, WRITERS, BankBench, Work

# Cycles from a stream's last word to its report, which comes with the count of the row group.
COMPLETE = {"row_writer": 8, "softmax_writer": 4, "norm_writer": 4, "load": 2}

# Cycles from a reader's command, whose rows are there, to its first word.
FIRST = {"row_reader": 8, "store": 7}


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
async def writers(dut: Any, unit: str, busy: Any) -> None:
    """A word a cycle (and port), also while the engine uses port B as it does."""
    bench = BankBench(dut, 3, busy=busy or 0)
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
        (stream,) = work.streams
    sender = bench.senders[f"{unit}.{stream}"]
    bench.send(unit, work)
    begin = bench.steps.cycle
    await bench.steps.until(lambda: sender.empty)
    cycles = bench.steps.cycle - begin
    dut._log.info("%s: %d words in %d cycles", unit, sender.sent, cycles)
    assert cycles <= sender.sent + 8
    taken = bench.steps.cycle
    await bench.finish({unit: work})
    ((_, reported),) = bench.receivers[f"{unit}.report"].words
    if not busy:
        assert reported - taken == COMPLETE[unit]


@cocotb.test()
@cocotb.parametrize(
    (
        ("unit", "stream", "busy"),
        [
            ("row_reader", "rows", None),
            ("row_reader", "rows", engine_like),
            ("row_reader", "three tensors", None),
            ("store", "stored", None),
        ],
    )
)
async def readers(dut: Any, unit: str, stream: str, busy: Any) -> None:
    """A word a cycle; store pauses for a cycle between row groups."""
    bench = BankBench(dut, 3, busy=busy or 0)
    await bench.reset()
    work, groups, words = Work(), 5, 3 * bench.tile
    rows = groups * bench.banks
    tensors = 3 if stream == "three tensors" else 1
    stream = "rows" if tensors == 3 else stream
    tensor = read_command(bench, work, unit, 0, rows=rows, words=words, slot=0, tensors=tensors)
    writing = cocotb.start_soon(bench.become_complete(READERS[unit], [tensor]))
    await bench.steps.until(writing.done)
    bench.send(unit, work)
    begin = bench.steps.cycle
    await bench.finish({unit: work})
    lanes = [got for name, got in bench.receivers.items() if name.startswith(f"{unit}.{stream}")]
    received = sorted((word for lane in lanes for word in lane.words), key=lambda word: word[1])
    cycles = received[-1][1] - received[0][1] + 1
    dut._log.info("%s: %d words in %d cycles", unit, len(received), cycles)
    late = cycles - len(received) - (groups - 1 if unit == "store" else 0)
    assert late == 0 or (busy and late == 1)  # where the second word meets a busy bank
    if not busy:
        assert received[0][1] - (begin + 1) == FIRST[unit]  # offered in the first cycle


@cocotb.test()
async def vectors(dut: Any) -> None:
    """A word of gamma or beta a cycle."""
    bench = BankBench(dut, 4)
    await bench.reset()
    work = Work()
    vectors_command(bench, work, words=60)
    bench.send("load", work)
    await bench.finish({"load": work})
    words = bench.receivers["load.vectors"].words
    assert words[-1][1] - words[0][1] == 2 * 59
