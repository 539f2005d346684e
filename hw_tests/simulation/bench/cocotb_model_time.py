"""With +model_time a start takes as long as the kernel's own cycle model says."""

from __future__ import annotations

from typing import Any

import cocotb
from programs import random_bundle
from simulation.bench.job import Job
from simulation.bench.tb import started_bench


@cocotb.test()
async def a_start_takes_its_modelled_cycles(dut: Any) -> None:
    bench = await started_bench(dut)
    bundle, images = random_bundle(31)
    for count in (1, 2):
        outcome = await Job(bench, bundle, images[:count]).run()
        assert outcome.status == 0
        modelled = int(outcome.cycles.sum())
        assert modelled > 1000 * count
        # Transfers take fewer cycles here than in the model; polling adds some.
        assert modelled <= outcome.clocks <= modelled + 200
    bench.check_buses()


@cocotb.test()
async def a_refused_program_ends_at_once(dut: Any) -> None:
    bench = await started_bench(dut)
    bundle, images = random_bundle(31)
    job = Job(bench, bundle, images)
    job.scalars["num_instructions"] = 0
    outcome = await job.run()
    assert outcome.status != 0
    assert outcome.clocks < 200
