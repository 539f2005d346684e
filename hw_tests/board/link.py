"""A process's connection to the board that runs in another process."""

from __future__ import annotations

import threading
from multiprocessing.connection import Client
from pathlib import Path
from typing import Any

from board.hardware.registers import BusError
from board.hardware.server import SOCKET

_ERRORS = {"BusError": BusError, "MemoryError": MemoryError}


class Link:
    """Calls of board.hardware.server, from any thread."""

    def __init__(self, folder: Path) -> None:
        self._connection = Client(str(folder / SOCKET), "AF_UNIX")
        self._lock = threading.Lock()

    def call(self, name: str, *arguments: Any) -> Any:
        """Return the answer; raises what the board raised."""
        with self._lock:
            self._connection.send((name, arguments))
            error, value = self._connection.recv()
        if error is not None:
            raise _ERRORS.get(error, RuntimeError)(value)
        return value

    def close(self) -> None:
        """Give back what this process has of the board."""
        self._connection.close()
