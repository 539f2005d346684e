"""A process that reads images of a store into memory that it shares with the process that trains.

It is told what to do over a socket, and ends when the other end is closed: also when the process
that trains is killed. It imports neither torch nor what the user's program imports.
"""

import mmap
import os
import socket
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

from trivit.models.decoding.stored_pixels import StoredPixels
from trivit.models.errors import ModelsError

TURN_BYTES = 64
"""At the start of shared memory, what each slot is filled for: int64, 8 bytes a slot."""


def serve(descriptor: int) -> None:
    """Carry out what comes over the socket ``descriptor``, until it is closed.

    Messages are tuples, the first entry says which:

    - ``("memory", number, bytes)``: shared memory; its file descriptor follows on the socket.
    - ``("read", ticket, memory, slot, offset, folder, jpeg, shape, rows)``: read these rows to this
      offset, unless the slot's turn in the memory is no longer ``ticket``. The answer is
      ``(ticket, None)``, or the ticket and the line of an error.
    """
    connection = Connection(descriptor)
    memories: dict[int, np.ndarray] = {}
    parts: dict[Path, StoredPixels] = {}
    while True:
        try:
            message = connection.recv()
            if message[0] == "memory":
                memories[message[1]] = _attached(descriptor, message[2])
            else:
                connection.send(_read(memories, parts, *message[1:]))
        except (EOFError, OSError):
            return


def _attached(descriptor: int, size: int) -> np.ndarray:
    """Return the shared memory whose file descriptor comes next over the socket."""
    with socket.socket(fileno=os.dup(descriptor)) as channel:
        _, (file, *_), _, _ = socket.recv_fds(channel, 1, 1)
    try:
        return np.frombuffer(mmap.mmap(file, size), dtype=np.uint8)
    finally:
        os.close(file)


def _read(
    memories: dict[int, np.ndarray],
    parts: dict[Path, StoredPixels],
    ticket: int,
    memory: int,
    slot: int,
    offset: int,
    folder: Path,
    jpeg: bool,
    shape: tuple[int, int, int],
    rows_B: np.ndarray,
) -> tuple[int, str | None]:
    shared = memories[memory]
    turns = shared[:TURN_BYTES].view(np.int64)
    count = len(rows_B) * int(np.prod(shape))
    out = shared[offset : offset + count].reshape(len(rows_B), *shape)
    part = parts.setdefault(folder, StoredPixels(folder, jpeg, shape))
    try:
        part.read(rows_B, out, lambda: bool(turns[slot] != ticket))
    except ModelsError as error:
        return ticket, str(error)
    except Exception as error:  # whatever it is, the process that trains has to say it
        return ticket, f"{folder}: {type(error).__name__}: {' '.join(str(error).split())}"
    return ticket, None
