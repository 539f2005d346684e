"""A program with its buffers in the memory, and what it must leave there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from accelerator.tiny import Tiny, load_product_store
from cosim.bench.memory import SLVERR, Buffer, Buffers, Memory, Timing
from cosim.bench.system import SystemBench
from networks import Compared, region
from numpy.typing import NDArray

from trivit.host.bundle import Bundle
from trivit.host.commands import decode, encode, from_words, to_words
from trivit.host.generated.spec import TILE_DEPTH
from trivit.host.log import decode_log
from trivit.tools.simulation.simulator_run import SimulatedProgram

_WORD_BYTES = 2 * TILE_DEPTH
Change = Callable[[list[int]], list[int]]


class JobBench(SystemBench):
    """A bench whose memory holds buffers alone; ``refusal`` and ``straddle`` are theirs."""

    def __init__(
        self,
        dut: Any,
        timing: Timing | None = None,
        refusal: int = SLVERR,
        straddle: bool = True,
    ) -> None:
        memory = Memory(timing)
        super().__init__(dut, memory)
        self.buffers = Buffers(memory, refusal, straddle)

    async def start(self) -> None:
        """Start the clock, reset, enable interrupts."""
        await super().start()
        await self.enable_interrupts()


class Job:
    """One image (words·8,) int16 for a program, and the output (words·8,) int16 that it gives.

    The output's region can be longer than what is expected of it; ``change`` damages the commands.
    """

    def __init__(
        self,
        bench: JobBench,
        program: SimulatedProgram,
        image: NDArray[np.int16],
        expected: NDArray[np.int16],
        change: Change | None = None,
    ) -> None:
        self.bench, self.program, self.expected = bench, program, expected
        commands = program.commands
        if change is not None:
            commands = to_words(change(from_words(commands)))
        self.commands = len(commands)
        allocate = bench.buffers.allocate
        self.buffers: dict[str, Buffer] = {
            "program": allocate("program", commands.astype("<u8").tobytes(), "r"),
            "params": allocate("params", program.params.astype("<i2").tobytes(), "r"),
            "input": allocate("input", image.astype("<i2").tobytes(), "r"),
            # Rows that do not fit the banks wait there, too.
            "output": allocate("output", program.output_words * _WORD_BYTES, "rw"),
            "log": allocate("log", program.reports * _WORD_BYTES, "w"),
        }

    @property
    def registers(self) -> dict[str, int]:
        """What a host writes to run it."""
        return {
            **{name: buffer.address for name, buffer in self.buffers.items()},
            "commands": self.commands,
            "reports": self.program.reports,
        }

    async def run(self, cycles: int = 50_000) -> int:
        """Run it, hold what it left against what it must leave, and return its cycles."""
        refused = self.bench.memory.refusals
        await self.bench.begin(**self.registers)
        assert await self.bench.finish(cycles) == ("ok", 0)
        self.check()
        assert self.bench.memory.refusals == refused, "an access outside of the buffers"
        assert await self.bench.read("faults") == 0
        self.bench.check_buses()
        return await self.bench.read("job_cycles")

    @property
    def output(self) -> NDArray[np.int16]:
        """What is in the output region, (words·8,)."""
        return self.buffers["output"].array("<i2")

    @property
    def log(self) -> NDArray[np.void]:
        """The reports, in the order of the log."""
        log = self.buffers["log"]
        return decode_log(log.memory.read(log.address, log.size))

    def check(self) -> None:
        """Hold the output against what it must be, and the log's form."""
        wrong = np.flatnonzero(self.output[: len(self.expected)] != self.expected)
        assert len(wrong) == 0, f"{len(wrong)} values differ, the first at {wrong[0]}"
        log = self.log
        assert not log["failed"].any()
        assert (np.diff(log["cycle"].astype(np.int64)) > 0).all()


def tiny_job(bench: JobBench, rows: int = 19, change: Change | None = None, seed: int = 0) -> Job:
    """Return rows from memory to the banks, a product with bias, its result to memory."""
    rng = np.random.default_rng([seed, bench.rng.randrange(1 << 30)])
    tiny: Tiny = load_product_store(rng, rows=rows, images=1)
    return Job(
        bench, tiny.program, tiny.images[0].reshape(-1), tiny.expected[0].reshape(-1), change
    )


def simulated_program(bundle: Bundle, expected: Compared) -> SimulatedProgram:
    """Return what a memory must hold for a bundle's first program."""
    made = expected.schedule
    return SimulatedProgram(
        commands=made.commands,
        params=np.concatenate([bundle.params, made.extra_params]),
        reports=made.reports,
        output_words=made.output_words,
    )


def bundle_job(
    bench: JobBench, bundle: Bundle, expected: Compared, change: Change | None = None
) -> Job:
    """Return a bundle's first program with the random image of ``compared``."""
    image = expected.schedule.image.arrange(region(bundle)[None])[0]
    return Job(bench, simulated_program(bundle, expected), image, expected.output, change)


def changed(unit: str, *, drop: bool = False, **fields: int) -> Change:
    """Return what changes the middle command of a unit, or leaves it out."""

    def change(commands: list[int]) -> list[int]:
        places = [i for i, command in enumerate(commands) if decode(command).unit == unit]
        place = places[len(places) // 2]
        known = decode(commands[place])
        new = encode(unit, tag=known.tag, end=known.end, **{**known.fields, **fields})
        return [*commands[:place], *([] if drop else [new]), *commands[place + 1 :]]

    return change
