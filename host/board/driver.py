"""The accelerator's registers: start a job, see its end, abort, tell what state it is in.

``hls/rtl/README.md`` says what each register does. A driver that touches nothing outside of the map
never sees SLVERR, which a Linux host on ARM takes for a fatal error.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from trivit.host.errors import HostError
from trivit.host.generated.board import MEMORY
from trivit.host.generated.registers import REGISTERS
from trivit.host.generated.spec import ERRORS

_WORD = 0xFFFFFFFF
_NAMES = {code: name.replace("_", " ") for name, code in ERRORS.items()}
_STATUS_CODE_BITS, _STATUS_TAG_BITS = 8, 11
#: Seconds that an abort may take: 16 bursts of each port and 33 clocks, a few microseconds.
ABORT_SECONDS = 0.5


class Registers(Protocol):
    """What PYNQ's MMIO is, as far as it is used here: words at byte offsets."""

    def read(self, offset: int) -> int:
        """Return the word at a byte offset."""

    def write(self, offset: int, data: int) -> None:
        """Write the word at a byte offset."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job's registers: byte addresses in DDR, and how many commands and reports there are."""

    program: int
    params: int
    input: int
    output: int
    log: int
    commands: int
    reports: int


@dataclass(frozen=True, kw_only=True)
class State:
    """What the accelerator says of itself and of its latest job."""

    busy: bool
    done: bool
    idle: bool
    overrun: bool
    interrupt: bool
    pending: int
    code: int
    tag: int
    faults: tuple[str, ...]
    cycles: int

    @property
    def error(self) -> str:
        """The name of the latest job's error."""
        return _NAMES.get(self.code, f"error {self.code}")

    def describe(self) -> str:
        """Return the state in a line, for messages."""
        flags = [
            name for name in ("busy", "done", "idle", "overrun", "interrupt") if getattr(self, name)
        ]
        where = f" at instruction {self.tag}" if self.code else ""
        bad = f"; bad responses: {', '.join(self.faults)}" if self.faults else ""
        return (
            f"control: {', '.join(flags) or 'nothing set'}; status: {self.error}{where}{bad}; "
            f"isr {self.pending}; {self.cycles} cycles"
        )


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What a design says that it was made from."""

    version: int
    geometry: int
    clock_khz: int
    bank_words: int


class Accelerator:
    """One accelerator behind its registers. Nothing here waits longer than it says."""

    def __init__(self, registers: Registers) -> None:
        self._registers = registers

    def read(self, name: str) -> int:
        """Return a register of 32 bits, or of 64: its low word first, which keeps its high one."""
        spec = REGISTERS[name]
        low = self._registers.read(spec.offset) & _WORD
        if spec.bits == 32:
            return low
        return low | (self._registers.read(spec.offset + 4) & _WORD) << 32

    def write(self, name: str, value: int) -> None:
        """Write a register: of one with 64 bits always both words."""
        spec = REGISTERS[name]
        self._registers.write(spec.offset, value & _WORD)
        if spec.bits == 64:
            self._registers.write(spec.offset + 4, value >> 32 & _WORD)

    def identity(self) -> Identity:
        """Return what the design says that it was made from."""
        return Identity(
            version=self.read("version"),
            geometry=self.read("geometry"),
            clock_khz=self.read("clock_khz"),
            bank_words=self.read("bank_words"),
        )

    def control(self) -> int:
        """Return the control register."""
        return self.read("control")

    def finished(self) -> bool:
        """Return whether the latest job has ended."""
        return bool(self._flag(self.control(), "done"))

    def state(self) -> State:
        """Return everything that the registers say of the latest job."""
        control, status, faults = self.control(), self.read("status"), self.read("faults")
        fields = REGISTERS["status"].fields
        named = [
            f"{('reads', 'writes')[bit % 2]} of {list(MEMORY)[bit // 2]}"
            for bit in range(2 * len(MEMORY))
            if faults >> bit & 1
        ]
        return State(
            busy=self._flag(control, "start"),
            done=self._flag(control, "done"),
            idle=self._flag(control, "idle"),
            overrun=self._flag(control, "overrun"),
            interrupt=self._flag(control, "interrupt"),
            pending=self.read("isr"),
            code=status >> fields["code"] & (1 << _STATUS_CODE_BITS) - 1,
            tag=status >> fields["tag"] & (1 << _STATUS_TAG_BITS) - 1,
            faults=tuple(named),
            cycles=self.read("job_cycles"),
        )

    def enable_interrupt(self, enabled: bool) -> None:
        """Let the end of a job raise the interrupt, or not."""
        fields = REGISTERS["ier"].fields
        both = 1 << fields["done"] | 1 << fields["error"]
        self.write("isr", both)
        self.write("ier", both if enabled else 0)
        self.write("gier", int(enabled) << REGISTERS["gier"].fields["enable"])

    def acknowledge(self) -> None:
        """Clear what is pending, so that the interrupt's line falls."""
        fields = REGISTERS["isr"].fields
        self.write("isr", 1 << fields["done"] | 1 << fields["error"])

    def start(self, job: Job) -> None:
        """Start a job and return at once.

        Raises:
            HostError: a job is running; its state is in the message.
        """
        if not self._flag(self.control(), "idle"):
            raise HostError(f"a job is still running ({self.state().describe()}): wait for it")
        self.acknowledge()
        for name in ("program", "params", "input", "output", "log", "commands", "reports"):
            self.write(name, getattr(job, name))
        self.write("control", 1 << REGISTERS["control"].fields["start"])

    def abort(self, seconds: float = ABORT_SECONDS) -> bool:
        """End whatever runs and reset the units; return whether the accelerator came to rest."""
        self.write("control", 1 << REGISTERS["control"].fields["abort"])
        rests = poll(lambda: self._flag(self.control(), "idle"), seconds)
        self.acknowledge()
        return rests

    def measured_mhz(self, seconds: float = 0.02) -> tuple[float, float]:
        """Return what the clock is between, as the cycle counter runs against this machine's own.

        Each of the two readings happened at some moment of the time that it took.
        """
        before, first, begun = self._timed_cycles()
        time.sleep(seconds)
        asked, last, end = self._timed_cycles()
        return (last - first) / (end - before) / 1e6, (last - first) / (asked - begun) / 1e6

    def _timed_cycles(self) -> tuple[float, int, float]:
        """Return the cycle counter, and when it was asked for and there; the fastest of some."""
        readings = []
        for _ in range(5):
            before = time.perf_counter()
            cycles = self.read("cycles")
            readings.append((before, cycles, time.perf_counter()))
        return min(readings, key=lambda reading: reading[2] - reading[0])

    @staticmethod
    def _flag(control: int, name: str) -> bool:
        return bool(control >> REGISTERS["control"].fields[name] & 1)


def poll(done: Callable[[], bool], seconds: float | None) -> bool:
    """Ask again and again until ``done``; False when ``seconds`` are over before.

    The first 20 ms cost a processor, so that the end of a job is seen at once; later questions come
    100 µs apart.
    """
    begin = time.perf_counter()
    while not done():
        passed = time.perf_counter() - begin
        if seconds is not None and passed > seconds:
            return done()
        if passed > 0.02:
            time.sleep(1e-4)
    return True
