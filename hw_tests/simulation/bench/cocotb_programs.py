"""Programs on the simulated kernel equal the numpy reference bit for bit."""

from __future__ import annotations

from typing import Any

import cocotb
import numpy as np
from cocotb.triggers import ClockCycles
from programs import Shape, random_bundle
from simulation.bench.job import Job, assert_equals_reference
from simulation.bench.tb import started_bench

from trivit.host.backends import open_backend
from trivit.host.generated import spec
from trivit.host.images import preprocess
from trivit.host.tracing import with_trace

# One block of the small model: 49 patches, width 64, two heads, hidden width 256.
SMALL_MODEL = Shape(grid=7, patch=4, heads=2, head_words=4, hidden_words=32, keep=35)
# Sizes that fill no tile, three channels, more rows than a mask word has bits.
RAGGED = Shape(
    channels=3, grid=5, patch=3, heads=3, head_words=1, hidden_words=5, keep=17, connections=4
)


@cocotb.test()
@cocotb.parametrize(seed=[0, 1], shape=[Shape(), RAGGED], pressure=[None, 5])
async def every_tensor_of_every_opcode(
    dut: Any, seed: int, shape: Shape, pressure: int | None
) -> None:
    """A batch of two images; every intermediate tensor is stored and compared."""
    bundle, images = random_bundle(seed, shape)
    bundle = with_trace(bundle)
    used = {int(words[0]) & 0xFF for words in bundle.program}
    assert used == {opcode.code for opcode in spec.OPCODES.values()}
    bench = await started_bench(dut, pressure)
    outcome = await Job(bench, bundle, images).run()
    assert_equals_reference(bundle, images, outcome)
    bench.check_buses()


@cocotb.test()
@cocotb.parametrize(pressure=[None, 5])
async def block_of_the_small_model(dut: Any, pressure: int | None) -> None:
    bundle, images = random_bundle(2, SMALL_MODEL)
    images = images[:1]
    bench = await started_bench(dut, pressure)
    outcome = await Job(bench, bundle, images).run()
    assert_equals_reference(bundle, images, outcome)
    bench.check_buses()
    # Weights are long enough for full bursts, and every parameter crossed the bus.
    params = [bench.traffic(port) for port in ("gmem1", "gmem2", "gmem3", "gmem4")]
    read = sum(traffic.read_beats for traffic in params)
    assert read >= len(bundle.params) // 8
    for traffic in params:
        assert traffic.longest_burst == 64
        assert traffic.write_beats == 0
        assert traffic.read_beats > 0.2 * read, "the ports share the work"
    assert bench.traffic("gmem0").write_beats == len(bundle.program) + bundle.output_words
    cocotb.log.info("%d clocks, %d parameter beats", outcome.clocks, read)


@cocotb.test()
@cocotb.parametrize(pressure=[None, 7])
async def starts_follow_each_other(dut: Any, pressure: int | None) -> None:
    """Another program, then the first one again: nothing is left over, and time repeats too."""
    bench = await started_bench(dut, pressure)
    clocks = []
    for seed, shape in ((3, Shape()), (4, RAGGED), (3, Shape())):
        bundle, images = random_bundle(seed, shape)
        outcome = await Job(bench, bundle, images).run()
        assert_equals_reference(bundle, images, outcome)
        clocks.append(outcome.clocks)
        assert await bench.control_bits() == {"idle"}
    bench.check_buses()
    if pressure is None:
        assert clocks[0] == clocks[2], "the simulation is not deterministic"


@cocotb.test()
async def interrupt_ends_a_program(dut: Any) -> None:
    bundle, images = random_bundle(6)
    bench = await started_bench(dut)
    job = Job(bench, bundle, images)
    await job.configure()
    await bench.write("ier", 1)
    await bench.write("gier", 1)
    await bench.start()
    await bench.wait_interrupt()
    expected = open_backend("reference").run_batch(bundle, preprocess(bundle, images))
    # Everything is in memory when the interrupt comes.
    written = job.buffers["output"].array(np.int16).reshape(expected.regions.shape)
    np.testing.assert_array_equal(written, expected.regions)
    assert "done" in await bench.control_bits()


@cocotb.test()
async def busy_while_running(dut: Any) -> None:
    """While a program runs, the control register shows start and not idle."""
    bundle, images = random_bundle(6)
    bench = await started_bench(dut)
    job = Job(bench, bundle, images)
    await job.configure()
    await bench.start()
    assert await bench.control_bits() == {"start"}
    assert await bench.wait_done() == 0


@cocotb.test()
async def reset_in_the_middle(dut: Any) -> None:
    bundle, images = random_bundle(7)
    bench = await started_bench(dut)
    job = Job(bench, bundle, images)
    await job.configure()
    for clocks in (3, 50, 333):
        await bench.start()
        await ClockCycles(dut.ap_clk, clocks)
        await bench.reset()
        assert await bench.control_bits() == {"idle"}
        await job.configure()
    outcome = await job.run()
    assert_equals_reference(bundle, images, outcome)
    bench.check_buses()
