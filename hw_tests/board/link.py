"""A process's connection to the board that runs in another process."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from multiprocessing.connection import Client
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from board.hardware.registers import BusError
from board.hardware.server import SOCKET

_ERRORS = {"BusError": BusError, "MemoryError": MemoryError, "OSError": OSError}


class Link:
    """Calls of board.hardware.server, from any thread.

    A thread of its own talks, so that a signal that ends a call leaves no answer behind.
    """

    def __init__(self, folder: Path) -> None:
        self._connection = Client(str(folder / SOCKET), "AF_UNIX")
        self._asked: SimpleQueue[tuple[str, tuple[Any, ...], Future[Any]]] = SimpleQueue()
        threading.Thread(target=self._talk, daemon=True).start()

    def call(self, name: str, *arguments: Any) -> Any:
        """Return the answer; raises what the board raised."""
        answer: Future[Any] = Future()
        self._asked.put((name, arguments, answer))
        error, value = answer.result()
        if error is not None:
            raise _ERRORS.get(error, RuntimeError)(value)
        return value

    def _talk(self) -> None:
        while True:
            name, arguments, answer = self._asked.get()
            try:
                self._connection.send((name, arguments))
                answer.set_result(self._connection.recv())
            except (EOFError, OSError) as error:  # the board's process is gone
                answer.set_result(("OSError", str(error)))
