"""What a scenario has at hand: a board of its own, its bitstream's files, programs, other users."""

from __future__ import annotations

import os
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from board import bitstream
from board.device import FOLDER_VARIABLE
from board.hardware import jobs
from board.hardware.ddr import Memory
from board.hardware.machine import EngineMachine
from board.hardware.server import READY, serve
from board.link import Link
from numpy.typing import NDArray

from trivit.host.backends.board import BoardBackend
from trivit.host.board.design import BITSTREAM_VARIABLE
from trivit.host.board.lock import LOCK_VARIABLE
from trivit.host.bundle import Bundle
from trivit.host.errors import HostError


@dataclass
class Bench:
    """One scenario's board. ``data`` holds the bundles, and what their images must give."""

    folder: Path
    data: Path
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.hardware = self.folder / "hardware"
        os.environ[FOLDER_VARIABLE] = str(self.hardware)
        os.environ[LOCK_VARIABLE] = str(self.folder / "lock")
        self.bit = bitstream.Files().write(self.folder / "files")
        os.environ[BITSTREAM_VARIABLE] = str(self.bit)

    def power_on(self, engine: str = "oracle", memory: int = 64 << 20) -> None:
        """Start the board, in a process of its own; ``engine`` runs its jobs."""
        self.hardware.mkdir()
        self._server = os.fork()
        if self._server == 0:
            run: jobs.Engine = jobs.oracle
            if engine == "emulator":
                run = jobs.Emulator([self.data / "model.trivit"])
            elif engine != "oracle":
                run = jobs.Simulator(Path(engine))
            serve(EngineMachine(self.hardware, Memory(self.hardware, memory), run))
        while not (self.hardware / READY).exists():
            if os.waitid(os.P_PID, self._server, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                raise AssertionError("the board's process ended before it was ready")
            time.sleep(0.005)

    def power_off(self) -> None:
        """End the board's process."""
        if hasattr(self, "_server"):
            os.kill(self._server, signal.SIGKILL)
            os.waitpid(self._server, 0)

    @cached_property
    def hand(self) -> Link:
        """Who breaks things, and asks the board what happened."""
        return Link(self.hardware)

    def fault(self, **faults: Any) -> None:
        """Break something, or mend it (board.hardware.machine.Faults)."""
        for name, value in faults.items():
            self.hand.call("fault", name, value)

    def events(self) -> list[str]:
        """Return what happened to the board so far."""
        found: list[str] = self.hand.call("events")
        return found

    def backend(self, **options: Any) -> BoardBackend:
        """Open the board as users do; its warnings go to ``said``."""
        return BoardBackend(tell=self.said.append, **options)

    @cached_property
    def network(self) -> Bundle:
        """A small random network."""
        return Bundle.load(self.data / "network.trivit")

    @cached_property
    def model(self) -> Bundle:
        """A whole model, in two programs."""
        return Bundle.load(self.data / "model.trivit")

    def expected(self, name: str) -> NDArray[Any]:
        """Return an array that the oracle, or the emulator, computed before."""
        found: NDArray[Any] = np.load(self.data / "expected.npz")[name]
        return found

    def check(self, backend: BoardBackend) -> None:
        """Hold what the board gives for the small network's images against the oracle."""
        result = backend.run(self.network, self.expected("network_images"))
        assert np.array_equal(result.logits, self.expected("network_logits"))

    def refused(self, call: Callable[[], Any], pattern: str) -> str:
        """Assert that a call ends with one clear line, and return that."""
        try:
            call()
        except HostError as error:
            text = str(error)
        else:
            raise AssertionError(f"nothing was refused; expected {pattern}")
        assert re.search(pattern, text), text
        assert "\n" not in text and len(text) < 600, text
        return text

    def user(self, work: Callable[[], Any]) -> int:
        """Start another process that does some work on the board; return its id."""
        process = os.fork()
        if process == 0:
            self.__dict__.pop("hand", None)
            status = 1
            try:
                work()
                status = 0
            except SystemExit as error:
                status = int(error.code or 0)
            except BaseException:
                traceback.print_exc()
            finally:
                # As at the end of an interpreter, which a fork does not run.
                import atexit

                atexit._run_exitfuncs()
                sys.stderr.flush()
                os._exit(status)
        return process

    def wait_for(self, event: str, count: int = 1) -> None:
        """Wait until something happened to the board so many times."""
        for _ in range(2000):
            if self.events().count(event) >= count:
                return
            time.sleep(0.005)
        raise AssertionError(f"{event} did not happen: {self.events()}")
