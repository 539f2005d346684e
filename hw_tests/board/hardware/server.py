"""The board in a process of its own, so that it outlives the processes that use it.

A connection is a process with memory: when it ends, in whatever way, its buffers are freed, as
Linux does. Messages are (name of the call, arguments), answers (None, value) or (name of an error,
its text).
"""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from contextlib import suppress
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from typing import Any

from board.hardware import jobs
from board.hardware.ddr import Memory
from board.hardware.machine import EngineMachine, Faults, Machine

SOCKET = "board.socket"
#: A file that stands once the board listens: a socket has its name before anyone can connect to it.
READY = "ready"


class _Calls:
    """What a process can ask the board for."""

    def __init__(self, machine: Machine, owner: int) -> None:
        self._machine, self._owner = machine, owner
        self.read, self.write, self.download = machine.read, machine.write, machine.download
        memory = machine.memory
        self.release, self.flush, self.invalidate = memory.release, memory.flush, memory.invalidate
        self.refuse = memory.refuse

    def allocate(self, size: int) -> tuple[int, str]:
        """Allocate for this process."""
        self._machine.events.append("allocate")
        return self._machine.memory.allocate(size, self._owner)

    def uio(self) -> str:
        """Return the path of the interrupt's device."""
        return self._machine.uio.path

    def free(self) -> int:
        """Return the bytes of memory that are left."""
        return self._machine.memory.free

    def events(self) -> list[str]:
        """Return what happened."""
        return list(self._machine.events)

    def fault(self, name: str, value: Any) -> None:
        """Break something, or mend it."""
        if name == "lost":
            self._machine.controller.lost = value
        elif name == "stuck_mhz":
            self._machine.clocks.stuck_mhz = value
        else:
            assert isinstance(self._machine, EngineMachine) and hasattr(Faults(), name), name
            setattr(self._machine.faults, name, value)


def serve(machine: Machine) -> None:
    """Answer for ever."""
    with Listener(str(machine.folder / SOCKET), "AF_UNIX") as listener:
        (machine.folder / READY).touch()
        print("ready", flush=True)
        owner = 0
        while True:
            owner += 1
            process = listener.accept()
            calls = _Calls(machine, owner)
            threading.Thread(
                target=_answer, args=(process, calls, machine, owner), daemon=True
            ).start()


def _answer(process: Connection, calls: _Calls, machine: Machine, owner: int) -> None:
    while True:
        try:
            name, arguments = process.recv()
        except (EOFError, OSError):
            machine.memory.release_owner(owner)
            return
        answer: tuple[str | None, Any]
        try:
            answer = None, getattr(calls, name)(*arguments)
        except Exception as error:  # for the process that asked
            answer = type(error).__name__, str(error)
        with suppress(OSError):
            process.send(answer)


def _engine(name: str) -> jobs.Engine:
    kind, _, paths = name.partition(":")
    if kind == "emulator":
        return jobs.Emulator([Path(path) for path in paths.split(",")])
    if kind == "simulator":
        return jobs.Simulator(Path(paths))
    assert kind == "oracle", name
    return jobs.oracle


def main() -> None:
    """Serve a board: ``python -m board.hardware.server FOLDER [--engine ...] [--memory BYTES]``."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--engine", default="oracle", help="oracle, emulator:BUNDLE,.., simulator:FILE, rtl"
    )
    parser.add_argument("--memory", type=int, default=256 << 20)
    options = parser.parse_args()
    if options.engine == "rtl":
        from board.hardware.rtl import rtl_machine  # needs Verilator and cocotb

        signal.signal(signal.SIGTERM, lambda *_: sys.exit())  # the simulation ends with it
        with rtl_machine(options.folder, options.memory) as machine:
            serve(machine)
    memory = Memory(options.folder, options.memory)
    serve(EngineMachine(options.folder, memory, _engine(options.engine)))


if __name__ == "__main__":
    main()
