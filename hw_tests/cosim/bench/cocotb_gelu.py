"""A block behind its AXI4-Stream ports, whatever it is made of, against the oracle."""

from __future__ import annotations

import random
from typing import Any

import cocotb
import numpy as np
from rtl.bench.signals import Receiver, Sender, Steps, from_bits, to_bits

from trivit.host.commands import encode
from trivit.host.oracle.gelu import gelu

COLUMNS = 32


@cocotb.test
@cocotb.parametrize(pause=[0.0, 0.4])
async def random_rows(dut: Any, pause: float) -> None:
    rng, values = random.Random(1), np.random.default_rng(1)
    steps = Steps(dut.ap_clk)
    steps.start()

    def port(name: str) -> tuple[Any, Any, Any]:
        return tuple(getattr(dut, f"{name}_T{s}") for s in ("DATA", "VALID", "READY"))

    commands, rows = (Sender(*port(name), rng, pause) for name in ("commands", "rows"))
    results = Receiver(lambda: int(dut.results_TDATA.value), *port("results")[1:], rng, pause)
    reports = Receiver(lambda: int(dut.reports_TDATA.value), *port("reports")[1:], rng, pause)
    dut.ap_rst_n.value = 0
    await steps.run(3)
    dut.ap_rst_n.value = 1
    expected_rows, expected_reports = [], []
    for tag in range(1, 9):
        in_frac, out_frac = rng.randrange(8, 16), rng.randrange(8, 16)
        tile_rows = rng.randrange(1, 30)
        command = encode("gelu", tag=tag, in_frac=in_frac, out_frac=out_frac, tile_rows=tile_rows)
        commands.send([command])
        spread = 1 << rng.randrange(10, 16)
        x = values.integers(-spread, spread, (tile_rows, COLUMNS)).astype(np.int16)
        x[0, :2] = -32768, 32767
        rows.send([to_bits(row) for row in x])
        y, saturated = gelu(x, in_frac, out_frac)
        expected_rows.append(y)
        expected_reports.append(tag << 32 | saturated)
    commands.send([encode("gelu", end=True)])
    steps.steps += [commands.step, rows.step, results.step, reports.step]
    await steps.until(lambda: len(reports.words) == 9)
    got = np.stack([from_bits(word, COLUMNS) for word in results.words])
    assert np.array_equal(got, np.concatenate(expected_rows))
    assert reports.words == [*expected_reports, 1 << 63]
    assert any(report & 0xFFFFFFFF for report in expected_reports)
