"""Whole programs from the bundle that TRIVIT_BUNDLE names, on a random image."""

from __future__ import annotations

import json
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cosim.bench.job import JobBench, bundle_job
from cosim.bench.memory import Timing
from networks import Compared, compared

from trivit.host.bundle import Bundle
from trivit.host.images import extract
from trivit.host.instructions import decode
from trivit.host.log import saturated_values

#: Where the figures of the runs go, a line of JSON each.
FIGURES_VARIABLE = "TRIVIT_COSIM_FIGURES"


async def run(dut: Any, bundle: Bundle, expected: Compared, timing: Timing, straddle: bool) -> None:
    """Run a bundle's first program; hold every output and the log against the oracle."""
    bench = JobBench(dut, timing, straddle=straddle)
    await bench.start()
    job = bundle_job(bench, bundle, expected)
    begin = time.perf_counter()
    cycles = await job.run(10_000_000)
    seconds = time.perf_counter() - begin
    for output in bundle.outputs:
        values = extract(output, job.output[None])
        assert np.array_equal(values, extract(output, expected.output[None])), output.name
        assert len(np.unique(values)) > 5, output.name
    counted = saturated_values(job.log, expected.schedule.tags)
    for tag, words in enumerate(bundle.program):
        instruction = decode(words)
        assert instruction is not None
        # Rows that a selector drops, and [CLS] of the patch embedding, count otherwise.
        if "compact" not in instruction.flags and tag != 2:
            assert counted[tag] == expected.saturations[tag], tag
    cocotb.log.info("%d cycles, %.0f a second", cycles, cycles / seconds)
    if FIGURES_VARIABLE in os.environ:
        with Path(os.environ[FIGURES_VARIABLE]).open("a") as file:
            file.write(json.dumps({"cycles": cycles, "seconds": seconds}) + "\n")


@cocotb.test
async def equals_the_oracle(dut: Any) -> None:
    """With the memory of the other simulation: refreshes have no place in a job here."""
    bundle = Bundle.load(os.environ["TRIVIT_BUNDLE"])
    await run(dut, bundle, compared(bundle), Timing(refresh=0), straddle=False)


@cocotb.test
async def equals_the_oracle_whatever_pauses(dut: Any) -> None:
    """Another order of the processes; refreshes, and pauses of every channel and stream."""
    bundle = Bundle.load(os.environ["TRIVIT_BUNDLE"])
    expected = compared(bundle)
    still = Timing(refresh=0)
    for timing in (still, replace(still, seed=2), Timing(pauses=60, seed=2)):
        await run(dut, bundle, expected, timing, straddle=True)
