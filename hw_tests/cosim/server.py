"""The simulated accelerator as a device for Python outside of its process.

Time stands still between two calls, and passes by the cycles that an access takes, or that the
caller asks for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from multiprocessing.connection import Client, Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from simulator import FOLDER

#: Environment variable that tells the simulation where its socket is.
SOCKET_VARIABLE = "TRIVIT_COSIM_SOCKET"
#: And what its memory is: first address and size in bytes, cycles of a refresh.
MEMORY_VARIABLE = "TRIVIT_COSIM_MEMORY"


class SimulatedBoardError(RuntimeError):
    """An access that the design or its memory refuses, or a simulation that ended."""


class SimulatedBoard:
    """Registers, memory and interrupt of the simulated accelerator; thread-safe.

    Building it starts a simulation (after its design was built, which takes minutes once);
    leaving the context, or :meth:`close`, ends it. The memory has the default timing of the
    simulation; ``refresh_cycles`` 0 leaves refreshes out, which jobs meet sooner or later.
    """

    def __init__(
        self,
        *,
        memory_base: int = 0x8_0000_0000,
        memory_bytes: int = 256 << 20,
        refresh_cycles: int = 53,
        start_timeout_s: float = 1800,
    ) -> None:
        """Start a simulation whose memory lies at ``memory_base``.

        Raises:
            SimulatedBoardError: it cannot be built or started; the message ends with its log.
        """
        self._folder = tempfile.TemporaryDirectory(prefix="trivit-cosim-")
        folder = Path(self._folder.name)
        socket, self._log = folder / "socket", folder / "server.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "cosim.server", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join([str(FOLDER), os.environ.get("PYTHONPATH", "")]),
                    SOCKET_VARIABLE: str(socket),
                    MEMORY_VARIABLE: f"{memory_base} {memory_bytes} {refresh_cycles}",
                },
            )
        self._connection: Connection | None = None
        self._lock = threading.Lock()
        end = time.monotonic() + start_timeout_s
        while self._connection is None:
            if self._process.poll() is not None or time.monotonic() > end:
                self._fail("the simulation did not start")
            try:
                self._connection = Client(str(socket), "AF_UNIX")
            except (FileNotFoundError, ConnectionRefusedError):
                time.sleep(0.05)

    def read_register(self, offset: int) -> int:
        """Return the 32 bits at a byte offset; SimulatedBoardError where there are none."""
        return self._ask("read_register", offset)

    def write_register(self, offset: int, value: int) -> None:
        """Write 32 bits at a byte offset; SimulatedBoardError where there are none to write."""
        self._ask("write_register", offset, value)

    def read_memory(self, address: int, size: int) -> bytes:
        """Return ``size`` bytes, in no time; SimulatedBoardError outside of the memory."""
        return self._ask("read_memory", address, size)

    def write_memory(self, address: int, data: bytes) -> None:
        """Write bytes, in no time; SimulatedBoardError outside of the memory."""
        self._ask("write_memory", address, bytes(data))

    def answer(self, address: int, size: int, *, reads: int = 0, writes: int = 0) -> None:
        """Let a buffer answer by AXI4's codes; once there is one, other memory answers DECERR."""
        self._ask("answer", address, size, reads, writes)

    def wait_interrupt(self, timeout_cycles: int) -> bool:
        """Let time pass until the interrupt is high; False when ``timeout_cycles`` are over."""
        return self._ask("wait_interrupt", timeout_cycles)

    def advance(self, cycles: int) -> None:
        """Let cycles pass."""
        self._ask("advance", cycles)

    def reset(self) -> None:
        """Reset the design, as loading its bitstream does; the memory keeps its content."""
        self._ask("reset")

    def close(self) -> None:
        """End the simulation; a second call does nothing."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._process.wait()
        self._folder.cleanup()

    def __enter__(self) -> SimulatedBoard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _ask(self, name: str, *arguments: object) -> Any:
        with self._lock:
            if self._connection is None:
                raise SimulatedBoardError("the simulation was closed")
            try:
                self._connection.send((name, *arguments))
                good, value = self._connection.recv()
            except (EOFError, OSError):
                self._fail("the simulation ended")
        if not good:
            raise SimulatedBoardError(value)
        return value

    def _fail(self, what: str) -> None:
        self._process.kill()
        self._process.wait()
        text = self._log.read_text(errors="replace")[-4000:]
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        self._folder.cleanup()
        raise SimulatedBoardError(f"{what}\n{text}")


def main(folder: Path) -> None:
    """Simulate until the other side closes its connection."""
    from cosim.design import chosen_design
    from simulator import build, simulate

    design = chosen_design()
    build(design)
    simulate(design, "cosim.bench.cocotb_server", folder=folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
