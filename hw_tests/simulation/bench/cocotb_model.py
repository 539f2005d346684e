"""The program of a whole model, from the bundle that TRIVIT_BUNDLE names, on one random image."""

from __future__ import annotations

import os
from typing import Any

import cocotb
import numpy as np
from simulation.bench.job import Job, assert_equals_reference
from simulation.bench.tb import started_bench

from trivit.host.bundle import Bundle
from trivit.host.tracing import with_trace


@cocotb.test()
@cocotb.parametrize(pressure=[None, 5])
async def equals_the_reference(dut: Any, pressure: int | None) -> None:
    """Every intermediate tensor on free buses, the logits on stalled ones."""
    bundle = Bundle.load(os.environ["TRIVIT_BUNDLE"])
    if pressure is None:
        bundle = with_trace(bundle)
    p = bundle.preprocessing
    shape = (1, p.channels, p.height, p.width)
    images = np.random.default_rng(8).integers(0, 256, shape).astype(np.uint8)
    bench = await started_bench(dut, pressure)
    outcome = await Job(bench, bundle, images).run()
    assert_equals_reference(bundle, images, outcome)
    bench.check_buses()
    cocotb.log.info("%d clocks", outcome.clocks)
