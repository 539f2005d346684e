"""The registers' model of the simulated board (hw_tests/board) against job_registers.sv."""

from __future__ import annotations

import random
from collections.abc import Iterator

import numpy as np
import pytest
from accelerator.tiny import load_product_store
from board.bitstream import MADE
from board.hardware.registers import BusError, JobEnd, JobRegisters, JobRequest
from cosim.server import SimulatedBoard, SimulatedBoardError

from trivit.host.generated.registers import MAP_BYTES, REGISTERS
from trivit.host.generated.spec import ERRORS

_OFFSETS = {name: register.offset for name, register in REGISTERS.items()}
_START, _ABORT = (1 << REGISTERS["control"].fields[name] for name in ("start", "abort"))
_MEMORY = 0x8_0000_0000
#: Cycles in which a job of a row ends, and an abort.
_ENOUGH = 600
SEQUENCES, ACCESSES = 4, 120


class Both:
    """The model and the design, which get the same accesses and must answer the same."""

    def __init__(self, design: SimulatedBoard) -> None:
        self.design = design
        self.jobs: list[JobRequest] = []
        self.level = self.busy = False
        self.ends: list[int] = []  # error codes of the jobs that ran
        self.model = JobRegisters(MADE, lambda: 150.0, self._begin, lambda: None, self._drive)
        design.reset()

    def _begin(self, job: JobRequest) -> None:
        self.jobs.append(job)
        self.busy = True

    def _drive(self, level: bool) -> None:
        self.level = level

    def read(self, offset: int) -> int | None:
        """Return a word, None for SLVERR."""
        found: int | None
        wanted: int | None
        try:
            found = self.design.read_register(offset)
        except SimulatedBoardError:
            found = None
        try:
            wanted = self.model.read(offset)
        except BusError:
            wanted = None
        if offset & ~3 != _OFFSETS["cycles"]:  # that of the model is the wall's time
            assert found == wanted, (hex(offset), found, wanted)
        return found

    def write(self, offset: int, word: int) -> None:
        """Write a word, or be refused by both."""
        refused = []
        for write, error in (
            (self.design.write_register, SimulatedBoardError),
            (self.model.write, BusError),
        ):
            try:
                write(offset, word)
            except error:
                refused.append(error)
        assert len(refused) != 1, (hex(offset), refused)
        self.design.advance(4)
        if offset & ~3 == _OFFSETS["control"] and self.busy:
            self._settle()
        assert self.design.wait_interrupt(1) == self.level, (hex(offset), hex(word))

    def _settle(self) -> None:
        """Let the design's job end, unless it hangs; the model is told how, as by any engine."""
        self.design.advance(_ENOUGH)
        if self.design.read_register(_OFFSETS["control"]) & 1:
            return
        status, faults, low = (
            self.design.read_register(_OFFSETS[name]) for name in ("status", "faults", "job_cycles")
        )
        self.busy = False
        self.ends.append(status & 0xFF)
        self.model.end(JobEnd(status & 0xFF, status >> 16, faults, low))

    def write_all(self, values: dict[str, int]) -> None:
        """Write registers by their names."""
        for name, value in values.items():
            for word in range(REGISTERS[name].bits // 32):
                self.write(_OFFSETS[name] + 4 * word, value >> 32 * word & 0xFFFFFFFF)


@pytest.fixture(scope="module")
def design() -> Iterator[SimulatedBoard]:
    """A simulation for all sequences."""
    with SimulatedBoard(memory_base=_MEMORY, memory_bytes=1 << 20) as board:
        yield board


@pytest.fixture(scope="module")
def job(design: SimulatedBoard) -> dict[str, int]:
    """Registers of a job that ends; with half its commands it hangs."""
    tiny = load_product_store(np.random.default_rng(1), rows=1, images=1)
    contents = {
        "program": tiny.program.commands.astype("<u8").tobytes(),
        "params": tiny.program.params.astype("<i2").tobytes(),
        "input": tiny.images.astype("<i2").tobytes(),
        "output": bytes(16 * tiny.program.output_words),
        "log": bytes(16 * tiny.program.reports),
    }
    values = {"commands": len(tiny.program.commands), "reports": tiny.program.reports}
    address = _MEMORY
    for name, content in contents.items():
        design.write_memory(address, content)
        design.answer(address, len(content))
        values[name] = address
        address += 4096 * (1 + len(content) // 4096)
    return values


def random_access(both: Both, rng: random.Random, job: dict[str, int]) -> None:
    """Read or write anything, start and abort; some jobs are good, some hang, most are refused."""
    kind = rng.random()
    offset = rng.choice([*_OFFSETS.values(), *range(0, 0x80, 4), MAP_BYTES - 4])
    word = rng.choice([rng.getrandbits(32), rng.getrandbits(6), rng.getrandbits(32) & ~15])
    if kind < 0.4:
        both.read(offset + rng.choice([0, 1, 3]))
    elif kind < 0.6:
        both.write(offset, word)
    elif kind < 0.75:
        both.write(_OFFSETS[rng.choice(["gier", "ier", "isr"])], rng.getrandbits(3))
    elif kind < 0.85:
        changed = rng.choice(
            [{}, {"commands": job["commands"] // 2}, {"program": 1 << 39}, {"log": 1 << 39}]
        )
        both.write_all({**job, **changed})
        both.write(_OFFSETS["control"], _START)
    elif kind < 0.95:
        both.write(_OFFSETS["control"], _START | rng.choice([0, 0, 0, _ABORT]))
    else:
        both.write(_OFFSETS["control"], _ABORT)


def test_the_same_accesses_read_the_same(design: SimulatedBoard, job: dict[str, int]) -> None:
    ends: set[int] = set()
    seen: set[int | None] = set()
    for seed in range(SEQUENCES):
        rng = random.Random(seed)
        both = Both(design)
        for _ in range(ACCESSES):
            random_access(both, rng, job)
            seen.add(both.read(_OFFSETS["control"]))
            both.read(_OFFSETS["isr"])
        for offset in range(0, 0x80, 4):
            both.read(offset)
        ends.update(both.ends)
        if both.busy:
            both.write(_OFFSETS["control"], _ABORT)
            assert not both.busy
        assert both.jobs
    # What these sequences met: every kind of end, and every bit of `control`.
    kinds = ("read_response", "write_response", "aborted")
    assert ends >= {0, *(ERRORS[name] for name in kinds)}
    bits = 0
    for word in seen:
        assert word is not None
        bits |= word
    assert bits == sum(
        1 << bit for name, bit in REGISTERS["control"].fields.items() if name != "abort"
    )
