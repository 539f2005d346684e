"""A board: logic that a bitstream configures, DDR, interrupt, clocks; and how it misbehaves."""

from __future__ import annotations

import json
import threading
import time
from abc import ABC, abstractmethod
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Protocol

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


class Registers(Protocol):
    """The accelerator's registers; BusError where none answers."""

    def read(self, offset: int) -> int:
        """Return a word."""

    def write(self, offset: int, word: int) -> None:
        """Write a word."""


@dataclass
class Machine(ABC):
    """One board; thread-safe. ``events`` is what happened, in order."""

    folder: Path
    memory: Memory
    events: list[str] = field(default_factory=list, kw_only=True)

    def __post_init__(self) -> None:
        self.uio = UioDevice()
        self.controller = InterruptController(self.uio)
        self.clocks = clocks.Clocks()
        self._registers: Registers | None = None
        self._lock = threading.RLock()

    @abstractmethod
    def configure(self, made: Made) -> Registers:
        """Return the registers of a design that was just loaded; what ran before is gone."""

    def download(self, configuration: bytes) -> None:
        """Configure the logic: everything in it begins again."""
        made = Made(**json.loads(configuration))
        with self._lock:
            self.events.append("download")
            self.controller.drive(False)
            self._registers = self.configure(made)

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

    def _logic(self) -> Registers:
        if self._registers is None:
            raise BusError("an access to logic that is not configured")
        return self._registers


@dataclass
class EngineMachine(Machine):
    """A board with the model of the registers; ``engine`` computes its jobs."""

    engine: jobs.Engine
    faults: Faults = field(default_factory=Faults, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._job = 0  # the number of the one that runs; 0: none
        self._jobs = 0

    def configure(self, made: Made) -> Registers:
        """Return the registers' model."""
        self._job = 0
        self._model = JobRegisters(
            made, self.clocks.mhz, self._begin, self._abort, self.controller.drive
        )
        return self._model

    def _begin(self, job: JobRequest) -> None:
        with self._lock:
            self._jobs += 1
            self._job = self._jobs
            self.events.append("start")
            threading.Thread(target=self._run, args=(job, self._job), daemon=True).start()

    def _run(self, job: JobRequest, number: int) -> None:
        registers = self._model
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
            threading.Timer(0.002, self._model.end, (end,)).start()


def configuration(made: Made) -> bytes:
    """Return what a bitstream of this design holds."""
    return json.dumps(asdict(made)).encode()
