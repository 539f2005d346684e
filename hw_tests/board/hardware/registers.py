"""The accelerator's registers as hls/rtl/job_registers.sv has them, clear rules included."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from trivit.host.generated.registers import MAP_BYTES, REGISTERS
from trivit.host.generated.spec import ERRORS

WORD = 0xFFFFFFFF
_JOB = ("program", "params", "input", "output", "log")
_COMMAND_BITS, _REPORT_BITS, _ADDRESS_BITS = 23, 24, 40


class BusError(Exception):
    """SLVERR: on the board, a fatal error of whoever accesses the address."""


@dataclass(frozen=True)
class JobRequest:
    """A job as the registers gave it away at its start."""

    program: int
    params: int
    input: int
    output: int
    log: int
    commands: int
    reports: int


@dataclass(frozen=True)
class JobEnd:
    """How a job ended: error code, instruction, faults (bit 2g reads, 2g + 1 writes), cycles."""

    code: int = 0
    tag: int = 0
    faults: int = 0
    cycles: int = 0


@dataclass(frozen=True)
class Made:
    """What the design was made from, as its registers say, and the clock that it really has."""

    version: int
    geometry: int
    clock_khz: int
    bank_words: int


class JobRegisters:
    """AXI4-Lite side of the accelerator; thread-safe.

    ``begin`` is called with a job that starts and must return at once; whoever runs it calls
    :meth:`end`. ``abort`` is called when the host asks for it. ``level`` is told the interrupt.
    """

    def __init__(
        self,
        made: Made,
        clock: Callable[[], float],
        begin: Callable[[JobRequest], None],
        abort: Callable[[], None],
        level: Callable[[bool], None],
    ) -> None:
        self._lock = threading.RLock()
        self._made, self._clock = made, clock
        self._begin, self._abort, self._level = begin, abort, level
        self._held = dict.fromkeys((*_JOB, "commands", "reports"), 0)
        self._enabled = self._wanted = self._pending = 0
        self._busy = self._done = self._overrun = self._interrupt = False
        self._latest = JobEnd()
        self._high = 0
        self._reset_at = time.perf_counter()
        self._cycles_before = 0.0

    def read(self, offset: int) -> int:
        """Return a word; SLVERR where no register is."""
        with self._lock:
            name, part = _register(offset)
            if name in ("cycles", "job_cycles"):
                if part == 0:
                    count = self._cycles() if name == "cycles" else self._latest.cycles
                    self._high = count >> 32
                    return count & WORD
                return self._high
            if name in self._held:
                return self._held[name] >> 32 * part & WORD
            return self._word(name)

    def write(self, offset: int, word: int) -> None:
        """Write a word; SLVERR where no register is, or one that can only be read."""
        with self._lock:
            name, part = _register(offset)
            if not REGISTERS[name].writable:
                raise BusError(f"a write of {name}")
            if name == "control":
                self._control(word)
            elif name == "gier":
                self._enabled = word & 1
            elif name == "ier":
                self._wanted = word & 3
            elif name == "isr":
                self._pending &= ~word
            else:
                others = WORD << 32 * (1 - part) if REGISTERS[name].bits == 64 else 0
                self._held[name] = self._held[name] & others | word << 32 * part
            self._raise()

    def end(self, end: JobEnd) -> None:
        """The job has ended."""
        with self._lock:
            self._busy, self._done, self._latest = False, True, end
            self._pending |= 1 | (end.code != 0) << 1
            self._raise()

    def _control(self, word: int) -> None:
        fields = REGISTERS["control"].fields
        if word >> fields["abort"] & 1:
            self._abort()
        elif word >> fields["start"] & 1:
            if self._busy:
                self._overrun = True
                return
            self._overrun, refusal = False, self._refusal()
            self._latest = JobEnd(code=refusal)
            self._busy, self._done = refusal == 0, refusal != 0
            if refusal:
                self._pending = 3
            else:
                self._begin(JobRequest(**self._held))

    def _refusal(self) -> int:
        held = self._held
        if any(held[name] % 16 or held[name] >> _ADDRESS_BITS for name in _JOB):
            return ERRORS["memory_address"]
        counts = held["commands"] >> _COMMAND_BITS, held["reports"] >> _REPORT_BITS
        return ERRORS["program_length"] if not held["commands"] or any(counts) else 0

    def _word(self, name: str) -> int:
        made, fields = self._made, REGISTERS[name].fields
        if name == "control":
            bits = {
                "start": self._busy,
                "done": self._done,
                "idle": not self._busy,
                "overrun": self._overrun,
                "interrupt": self._interrupt,
            }
            return sum(bits[flag] << fields[flag] for flag in bits)
        if name == "status":
            return self._latest.code << fields["code"] | self._latest.tag << fields["tag"]
        values = {
            "gier": self._enabled,
            "ier": self._wanted,
            "isr": self._pending,
            "faults": self._latest.faults,
            "version": made.version,
            "geometry": made.geometry,
            "clock_khz": made.clock_khz,
            "bank_words": made.bank_words,
        }
        return values[name]

    def _cycles(self) -> int:
        """Clocks since the reset, at the clock of now."""
        return int((time.perf_counter() - self._reset_at) * self._clock() * 1e6)

    def _raise(self) -> None:
        level = bool(self._enabled and self._wanted & self._pending)
        if level != self._interrupt:
            self._interrupt = level
            self._level(level)


def _register(offset: int) -> tuple[str, int]:
    """Return the register at a byte offset, and which of its words."""
    word = offset & ~3
    for name, spec in REGISTERS.items():
        if 0 <= word - spec.offset < spec.bits // 8 and offset < MAP_BYTES:
            return name, (word - spec.offset) // 4
    raise BusError(f"no register at {offset:#x}")
