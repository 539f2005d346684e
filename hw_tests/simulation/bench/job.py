"""Run a program bundle on the simulated kernel and collect what it left in memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from cocotb.utils import get_sim_time
from numpy.typing import NDArray
from simulation.bench.memory import Buffer
from simulation.bench.tb import CLOCK_NS, KernelBench

from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
from trivit.host.generated.spec import EMULATOR_POINTERS, TILE_DEPTH
from trivit.host.images import preprocess

WORD_BYTES = 2 * TILE_DEPTH


@dataclass(frozen=True)
class Outcome:
    """What a start left behind.

    The status register, the output regions (B, output_words·8) and the counters per instruction.
    `clocks` are simulated clock cycles from writing start to seeing done. They measure the buses:
    the kernel computes in no simulated time.
    """

    status: int
    regions: NDArray[np.int16]
    saturations: NDArray[np.uint64]
    clocks: int


class Job:
    """A bundle's buffers in a bench's memory, and the register values of a start."""

    def __init__(self, bench: KernelBench, bundle: Bundle, images: NDArray[np.uint8]) -> None:
        inputs = preprocess(bundle, images)
        self.bench = bench
        self.bundle = bundle
        self.scalars = {
            "num_instructions": len(bundle.program),
            "num_images": len(images),
            "params_words": len(bundle.params) // TILE_DEPTH,
            "input_words": bundle.input_words,
            "output_words": bundle.output_words,
        }
        memory = bench.memory
        output_bytes = len(images) * bundle.output_words * WORD_BYTES
        # A port that reads what it should only write, or the other way, is refused by the memory.
        self.buffers: dict[str, Buffer] = {
            "program": memory.allocate("program", bundle.program.astype("<u4").tobytes(), "r"),
            "params": memory.allocate("params", bundle.params.astype("<i2").tobytes(), "r"),
            "input": memory.allocate("input", inputs.astype("<i2").tobytes(), "r"),
            "output": memory.allocate("output", output_bytes, "w"),
            "stats": memory.allocate("stats", len(bundle.program) * WORD_BYTES, "w"),
        }

    async def configure(self) -> None:
        """Write every argument register."""
        for pointer in EMULATOR_POINTERS:
            # params0..params3 and input0..input3 are one buffer each.
            buffer = self.buffers[pointer.rstrip("0123")]
            await self.bench.write_pointer(pointer, buffer.address)
        for name, value in self.scalars.items():
            await self.bench.write(name, value)

    async def run(self) -> Outcome:
        """Configure, start, wait for done and collect."""
        await self.configure()
        begin = get_sim_time("ns")
        await self.bench.start()
        status = await self.bench.wait_done()
        clocks = round((get_sim_time("ns") - begin) / CLOCK_NS)
        stats = self.buffers["stats"].array(np.uint64).reshape(-1, 2)
        regions = self.buffers["output"].array(np.int16)
        return Outcome(
            status=status,
            regions=regions.reshape(self.scalars["num_images"], -1),
            saturations=stats[:, 0],
            clocks=clocks,
        )


def assert_equals_reference(bundle: Bundle, images: NDArray[np.uint8], outcome: Outcome) -> None:
    """AssertionError unless outputs and saturation counts are those of the numpy reference."""
    expected = open_backend("reference").run_batch(bundle, preprocess(bundle, images))
    assert outcome.status == 0, f"status {outcome.status:#x}"
    for output in bundle.outputs:
        words = slice(output.offset * 8, (output.offset + output.rows * output.words) * 8)
        wrong = np.argwhere(outcome.regions[:, words] != expected.regions[:, words])
        assert len(wrong) == 0, f"{output.name}: {len(wrong)} values differ, first {wrong[0]}"
    np.testing.assert_array_equal(outcome.regions, expected.regions)
    np.testing.assert_array_equal(outcome.saturations, expected.saturations)
