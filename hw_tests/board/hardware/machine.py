"""A board: logic that a bitstream configures, DDR, interrupt, clocks; and how it misbehaves."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

from board.hardware import clocks, jobs
from board.hardware.controller import InterruptController, UioDevice
from board.hardware.ddr import DecodeError, Memory
from board.hardware.registers import BusError, JobEnd, JobRegisters, JobRequest, Made

from trivit.host.generated import board
from trivit.host.generated.spec import ERRORS


@dataclass
class Faults:
    """What is broken.

    ``hangs``: jobs do not end; ``deaf``: nor by abort; ``seconds`` that a job takes;
    ``response``: code and faults of the next job's end.
    """

    hangs: bool = False
    deaf: bool = False
    seconds: float = 0.0
    response: tuple[int, int] | None = None


@dataclass
class Machine:
    """One board; thread-safe. ``events`` is what happened, in order."""

    folder: Path
    engine: jobs.Engine
    memory: Memory
    faults: Faults = field(default_factory=Faults)
    events: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.uio = UioDevice()
        self.controller = InterruptController(self.uio)
        self.clocks = clocks.Clocks()
        self._registers: JobRegisters | None = None
        self._lock = threading.RLock()
        self._job = 0  # the number of the one that runs; 0: none
        self._jobs = 0

    def download(self, configuration: bytes) -> None:
        """Configure the logic: everything in it begins again."""
        made = Made(**json.loads(configuration))
        with self._lock:
            self.events.append("download")
            self._job = 0
            self.controller.drive(False)
            self._registers = JobRegisters(
                made, self.clocks.mhz, self._begin, self._abort, self.controller.drive
            )

    def read(self, address: int) -> int:
        """Return the word at an address of the processor; BusError where nothing answers."""
        if board.CONTROL_ADDRESS <= address < board.CONTROL_ADDRESS + board.CONTROL_BYTES:
            return self._logic().read(address - board.CONTROL_ADDRESS)
        if board.INTERRUPTS_ADDRESS <= address < board.INTERRUPTS_ADDRESS + board.INTERRUPTS_BYTES:
            self._logic()
            return self.controller.read(address - board.INTERRUPTS_ADDRESS)
        if clocks.CRL <= address < clocks.CRL + clocks.BYTES:
            return self.clocks.read(address - clocks.CRL)
        if clocks.CRF <= address < clocks.CRF + clocks.BYTES:
            return 0
        raise BusError(f"a read at {address:#x}")

    def write(self, address: int, word: int) -> None:
        """Write a word at an address of the processor; BusError where nothing answers."""
        if board.CONTROL_ADDRESS <= address < board.CONTROL_ADDRESS + board.CONTROL_BYTES:
            self._logic().write(address - board.CONTROL_ADDRESS, word)
        elif (
            board.INTERRUPTS_ADDRESS <= address < board.INTERRUPTS_ADDRESS + board.INTERRUPTS_BYTES
        ):
            self._logic()
            self.controller.write(address - board.INTERRUPTS_ADDRESS, word)
        elif clocks.CRL <= address < clocks.CRL + clocks.BYTES:
            self.clocks.write(address - clocks.CRL, word)
        else:
            raise BusError(f"a write at {address:#x}")

    def _logic(self) -> JobRegisters:
        if self._registers is None:
            raise BusError("an access to logic that is not configured")
        return self._registers

    def _begin(self, job: JobRequest) -> None:
        with self._lock:
            self._jobs += 1
            self._job = self._jobs
            self.events.append("start")
            threading.Thread(target=self._run, args=(job, self._job), daemon=True).start()

    def _run(self, job: JobRequest, number: int) -> None:
        registers = self._logic()
        if self.faults.hangs:
            return
        end, writes = jobs.run_job(self.memory, job, self.engine)
        time.sleep(self.faults.seconds)
        with self._lock:
            if self._job != number:
                return  # aborted, or other logic
            self._job = 0
            if self.faults.response is not None:
                code, bits = self.faults.response
                self.faults.response = None
                end, writes = JobEnd(code=code, faults=bits), []
            for address, content in writes:
                try:
                    self.memory.write(address, content)
                except DecodeError:
                    self.events.append("write into freed memory")
                    end = JobEnd(code=ERRORS["write_response"], faults=2)
            self.events.append("end")
            registers.end(end)

    def _abort(self) -> None:
        with self._lock:
            self.events.append("abort of a job" if self._job else "abort")
            if self.faults.deaf or not self._job:
                return
            self._job = 0
            end = JobEnd(code=ERRORS["aborted"])
            threading.Timer(0.002, self._logic().end, (end,)).start()


def configuration(made: Made) -> bytes:
    """Return what a bitstream of this design holds."""
    return json.dumps(asdict(made)).encode()
