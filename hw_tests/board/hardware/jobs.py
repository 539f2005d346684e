"""What runs a job that was found in DDR: the oracle, the emulator, or the accelerator's simulator.

Each reads commands, parameters and image at the addresses of the job's registers, and writes
output and log there. Cycles are counted by the simulator alone; the others make them up.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from board.hardware.ddr import DecodeError, Memory
from board.hardware.registers import JobEnd, JobRequest
from numpy.typing import NDArray

from trivit.host.bundle import Bundle
from trivit.host.commands import decode, from_words
from trivit.host.errors import HostError
from trivit.host.generated.commands import COMMANDS
from trivit.host.generated.spec import ERRORS, TILE_DEPTH
from trivit.host.instructions import KernelError
from trivit.host.log import LOG
from trivit.host.oracle.commands import interpret_memory
from trivit.host.schedule import ImageLayout, Schedule

WORD_BYTES = 2 * TILE_DEPTH
#: Cycles between two reports, where nobody counts them.
MADE_UP_CYCLES = 100
_NO_IMAGE = ImageLayout(channels=1, height=1, width=1, patch=1, rows=1, words=1)

#: Commands (n, 4), parameters, image, words of the output: output, log, cycles.
Computed = tuple[NDArray[np.int16], NDArray[np.void], int]
Engine = Callable[[Schedule, NDArray[np.int16], NDArray[np.int16]], Computed]


def run_job(
    memory: Memory, job: JobRequest, engine: Engine
) -> tuple[JobEnd, list[tuple[int, bytes]]]:
    """Return how the job ends, and what it writes where."""
    try:
        commands = memory.read(job.program, 32 * job.commands)
        params = np.frombuffer(memory.read_on(job.params), dtype="<i2")
        image = np.frombuffer(memory.read_on(job.input), dtype="<i2")
        words = len(memory.read_on(job.output)) // WORD_BYTES
        memory.read(job.log, WORD_BYTES * job.reports)
    except DecodeError:
        return JobEnd(code=ERRORS["read_response"], faults=1), []
    schedule = Schedule(
        commands=np.frombuffer(commands, dtype="<u8").reshape(-1, 4),
        extra_params=np.zeros(0, dtype=np.int16),
        image=_NO_IMAGE,
        output_words=words,
        reports=job.reports,
        tags=2048,
        watched=(),
    )
    try:
        output, log, cycles = engine(schedule, params, image)
    except KernelError as error:
        return JobEnd(code=error.code, tag=error.index), []
    except HostError:
        return JobEnd(code=ERRORS["unknown_opcode"]), []
    if len(log) != job.reports:
        return JobEnd(code=ERRORS["report_count"], cycles=cycles), []
    writes = [(job.output, output.astype("<i2").tobytes()), (job.log, encode_log(log))]
    return JobEnd(cycles=cycles), writes


def oracle(schedule: Schedule, params: NDArray[np.int16], image: NDArray[np.int16]) -> Computed:
    """Interpret the commands."""
    outcome = interpret_memory(schedule, params, image)
    log = _made_up_log(schedule, outcome.saturations)
    return outcome.output, log, int(log["cycle"][-1]) + MADE_UP_CYCLES


class Emulator:
    """Run the instructions of the bundle that has these very commands and parameters."""

    def __init__(self, bundles: Sequence[Path]) -> None:
        from trivit.host.backends.emulator import EmulatorBackend

        self._backend = EmulatorBackend()
        self._known: dict[str, Bundle] = {}
        for path in bundles:
            bundle = Bundle.load(path)
            for program in bundle.programs:
                commands = program.commands().commands.astype("<u8").tobytes()
                self._known[_digest(commands)] = bundle.choose(program.name)

    def __call__(
        self, schedule: Schedule, params: NDArray[np.int16], image: NDArray[np.int16]
    ) -> Computed:
        """Return what the emulator gives for the image in DDR."""
        bundle = self._known.get(_digest(schedule.commands.astype("<u8").tobytes()))
        if bundle is None:
            raise HostError("nobody knows these commands")
        known = bundle.first.commands()
        expected = np.concatenate([bundle.params, known.extra_params])
        if not np.array_equal(params[: len(expected)], expected):
            raise HostError("other parameters than the bundle's")
        region = _region_of(known, bundle.input_words, image)
        batch = self._backend.run_batch(bundle, region[None])
        log = _made_up_log(schedule, batch.saturations)
        return batch.regions[0], log, int(log["cycle"][-1]) + MADE_UP_CYCLES


class Simulator:
    """Run the simulator on a copy of what is in DDR."""

    def __init__(self, program: Path) -> None:
        self._program = program

    def __call__(
        self, schedule: Schedule, params: NDArray[np.int16], image: NDArray[np.int16]
    ) -> Computed:
        """Return output, log and cycles as the simulated accelerator leaves them."""
        from trivit.tools.simulation.simulator_run import (
            SimulatedProgram,
            SimulationSettings,
            simulate,
        )

        program = SimulatedProgram(
            commands=schedule.commands,
            params=params,
            reports=schedule.reports,
            output_words=schedule.output_words,
        )
        found = simulate(self._program, program, image[None], SimulationSettings())
        return found.outputs[0], found.logs[0], int(found.cycles[0])


def encode_log(log: NDArray[np.void]) -> bytes:
    """Undo decode_log."""
    words = np.zeros((len(log), 2), dtype="<u8")
    words[:, 0] = (
        log["cycle"]
        | log["unit"].astype(np.uint64) << np.uint64(40)
        | log["tag"].astype(np.uint64) << np.uint64(45)
        | log["failed"].astype(np.uint64) << np.uint64(56)
    )
    words[:, 1] = (
        log["saturated"]
        | log["largest"].astype(np.uint64) << np.uint64(24)
        | log["begun"].astype(np.uint64) << np.uint64(40)
        | log["squares"]
    )
    return words.tobytes()


def _made_up_log(schedule: Schedule, saturations: NDArray[np.uint64]) -> NDArray[np.void]:
    """Return a report for each command that makes one; the first of a tag has all its counts."""
    left = dict(enumerate(saturations.tolist()))
    reports = [
        (COMMANDS[command.unit].number, command.tag)
        for command in map(decode, from_words(schedule.commands))
        for _ in range(command.reports)
    ]
    log = np.zeros(len(reports), dtype=LOG)
    for place, (unit, tag) in enumerate(reports):
        log[place] = ((place + 1) * MADE_UP_CYCLES, unit, tag, False, left.pop(tag, 0), 0, 0, 0)
    return log


def _region_of(schedule: Schedule, input_words: int, image: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return the input region whose arrangement an image in DDR is."""
    size = input_words * TILE_DEPTH
    places = np.arange(1, size + 1)
    low, high = ((places & 0x7FFF), (places >> 15))
    arranged = [schedule.image.arrange(part.astype(np.int16)[None])[0] for part in (low, high)]
    source = arranged[0].astype(np.int64) + (arranged[1].astype(np.int64) << 15)
    region = np.zeros(size, dtype=np.int16)
    held = source > 0
    region[source[held] - 1] = image[: len(source)][held]
    return region


def _digest(commands: bytes) -> str:
    return hashlib.sha256(commands).hexdigest()
