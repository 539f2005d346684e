"""The driver on a model of the registers: what it touches, what it says, how it comes to rest."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from board.bitstream import MADE
from board.hardware.ddr import DecodeError, Memory
from board.hardware.registers import BusError, JobEnd, JobRegisters, JobRequest

from trivit.host.board.driver import Accelerator, Job
from trivit.host.board.lock import LOCK_VARIABLE, BoardLock
from trivit.host.board.overlay import EXPECTED
from trivit.host.errors import HostError
from trivit.host.generated.registers import REGISTERS
from trivit.host.generated.spec import ERRORS

JOB = Job(
    program=0x8_1234_5670,
    params=0x8_0000_0010,
    input=0x7000_0000,
    output=0xFF_FFFF_FFF0,
    log=0x20,
    commands=3,
    reports=2,
)


@dataclass
class Fixture:
    """Registers, the jobs that began, the interrupt's line; an abort ends the job at once."""

    begun: list[JobRequest] = field(default_factory=list)
    aborts: int = 0
    level: bool = False

    def __post_init__(self) -> None:
        self.registers = JobRegisters(
            MADE, lambda: 150.0, self.begun.append, self.abort, self.drive
        )
        self.accelerator = Accelerator(self)

    def abort(self) -> None:
        self.aborts += 1
        if self.registers.read(REGISTERS["control"].offset) & 1:
            end = JobEnd(code=ERRORS["aborted"])
            threading.Timer(0.01, self.registers.end, (end,)).start()

    def drive(self, level: bool) -> None:
        self.level = level

    def read(self, offset: int) -> int:
        return self.registers.read(offset)

    def write(self, offset: int, data: int) -> None:
        self.registers.write(offset, data)


@pytest.fixture
def here() -> Fixture:
    return Fixture()


def test_a_job(here: Fixture) -> None:
    accelerator = here.accelerator
    assert accelerator.identity() == EXPECTED
    assert not accelerator.finished() and accelerator.state().idle
    accelerator.enable_interrupt(True)
    accelerator.start(JOB)
    assert here.begun == [JobRequest(**vars(JOB))]
    state = accelerator.state()
    assert state.busy and not state.done and not here.level
    with pytest.raises(HostError, match=r"a job is still running \(control: busy; status: ok"):
        accelerator.start(JOB)
    here.registers.end(JobEnd(cycles=0x1_2345_6789))
    state = accelerator.state()
    assert accelerator.finished() and state.cycles == 0x1_2345_6789 and not state.code
    assert here.level and state.interrupt and state.pending == 1
    accelerator.acknowledge()
    assert not here.level and accelerator.finished()  # done stays until the next start


def test_an_address_of_the_next_job_has_no_old_half(here: Fixture) -> None:
    here.accelerator.start(JOB)
    here.registers.end(JobEnd())
    low = Job(program=0x40, params=0x50, input=0x60, output=0x70, log=0x80, commands=1, reports=1)
    here.accelerator.start(low)
    assert here.begun[1] == JobRequest(**vars(low))


def test_an_error_is_told_in_full(here: Fixture) -> None:
    here.accelerator.start(JOB)
    here.registers.end(JobEnd(code=ERRORS["write_response"], tag=12, faults=1 << 9 | 1, cycles=77))
    assert here.accelerator.state().describe() == (
        "control: done, idle; status: write response at instruction 12; bad responses: reads of "
        "gmem0, writes of gmem4; isr 3; 77 cycles"
    )


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"commands": 0}, "program length"),
        ({"commands": 1 << 23}, "program length"),
        ({"reports": 1 << 24}, "program length"),
        ({"log": 8}, "memory address"),
        ({"output": 1 << 40}, "memory address"),
        ({"commands": 0, "input": 4}, "memory address"),
    ],
)
def test_jobs_that_cannot_begin(changed: dict[str, int], error: str, here: Fixture) -> None:
    here.accelerator.start(Job(**{**vars(JOB), **changed}))
    state = here.accelerator.state()
    assert not here.begun and state.done and state.idle and state.error == error


def test_abort(here: Fixture) -> None:
    assert here.accelerator.abort()  # without a job
    here.accelerator.start(JOB)
    assert here.accelerator.abort()
    assert here.accelerator.state().error == "aborted"
    here.abort = lambda: None  # type: ignore[method-assign]
    deaf = Fixture()
    deaf.registers._abort = lambda: None  # type: ignore[method-assign]
    deaf.accelerator.start(JOB)
    assert not deaf.accelerator.abort(0.05)


def test_clock(here: Fixture) -> None:
    low, high = here.accelerator.measured_mhz()
    assert low <= 150 <= high


def test_what_no_register_is(here: Fixture) -> None:
    """The model itself: SLVERR as job_registers.sv gives, so that a driver that strays fails."""
    for offset in (0x38, 0x70, 0x1000, -4):
        with pytest.raises(BusError):
            here.read(offset)
    for name in ("status", "version", "cycles"):
        with pytest.raises(BusError):
            here.write(REGISTERS[name].offset, 0)


def test_overrun_and_start_with_abort(here: Fixture) -> None:
    """Rules of hls/rtl/README.md that the driver never uses, for those who test with the model."""
    fields = REGISTERS["control"].fields
    here.accelerator.start(JOB)
    here.write(0, 1 << fields["start"])
    assert here.accelerator.state().overrun and len(here.begun) == 1
    here.registers.end(JobEnd())
    here.write(0, 1 << fields["start"] | 1 << fields["abort"])
    assert len(here.begun) == 1 and here.aborts == 1
    here.accelerator.start(JOB)
    assert not here.accelerator.state().overrun


def test_memory_needs_flush_and_invalidate(tmp_path: Path) -> None:
    memory = Memory(tmp_path, 1 << 16)
    address, path = memory.allocate(32, owner=1)
    with Path(path).open("r+b") as file:
        file.write(b"image")
        file.flush()
        assert memory.read(address, 5) != b"image"
        memory.flush(address, 32)
        assert memory.read(address, 5) == b"image"
        memory.write(address, b"other")
        assert Path(path).read_bytes()[:5] == b"image"
        memory.invalidate(address, 32)
        assert Path(path).read_bytes()[:5] == b"other"
    with pytest.raises(MemoryError):
        memory.allocate(1 << 16, owner=1)
    memory.release_owner(1)
    with pytest.raises(DecodeError):
        memory.read(address, 1)


def test_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LOCK_VARIABLE, str(tmp_path / "lock"))
    lock = BoardLock()
    assert lock.loaded is None
    lock.note("abc")
    with pytest.raises(HostError, match=r"the board is in use by process \d+ \(.*pytest"):
        BoardLock()
    lock.release()
    lock.release()
    again = BoardLock()
    assert again.loaded is not None and again.loaded.bitstream == "abc"
    monkeypatch.setattr("trivit.host.board.lock.boot_id", lambda: "another start")
    assert again.loaded is None
    again.release()
    (tmp_path / "lock").write_text("{broken")
    BoardLock().release()
    monkeypatch.setenv(LOCK_VARIABLE, str(tmp_path / "none" / "lock"))
    with pytest.raises(HostError, match="no such file or directory; the board's lock lies there"):
        BoardLock()
