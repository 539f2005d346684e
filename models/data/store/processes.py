"""Processes that decode the images of a store, where threads would wait for Python's lock.

Each batch is cut into as many runs of rows as there are processes, always the same way, and every
process works through its runs in their order. The host sends one message and reads one answer for
each run; images never pass through a socket.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from trivit.models.data.store.shared_slots import SharedSlots
from trivit.models.decoding.stored_pixels import StoredPixels
from trivit.models.errors import ModelsError

_PATIENCE = 5.0  # seconds for a process to end by itself

# The path of this process first: what is imported there must be what is imported here.
_PROGRAM = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[2]); "
    "from trivit.models.decoding.worker import serve; serve(int(sys.argv[1]))"
)


@dataclass
class _Worker:
    process: subprocess.Popen[bytes]
    connection: Connection
    known: set[int] = field(default_factory=set)


@dataclass
class _Open:
    """A batch that was asked for: the processes that have not answered, and the first error."""

    waiting_for: set[int]
    error: str | None = None


class DecodingProcesses:
    """A number of processes, started when they are first needed; they end with this object."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._workers: list[_Worker] = []
        self._open: dict[int, _Open] = {}
        self._tickets = 0
        self._free: list[SharedSlots] = []
        self._memories = 0
        self._lock = threading.RLock()

    def take(self, slots: int, slot_bytes: int, *, pinned: bool) -> SharedSlots:
        """Return shared memory for a stream of batches, until it is given back.

        Raises:
            ModelsError: no memory, or the processes cannot be started.
        """
        with self._lock:
            if not self._workers:
                self._start()
            fitting = [m for m in self._free if m.slot_bytes >= slot_bytes and m.slots >= slots]
            if fitting:
                memory = min(fitting, key=lambda m: m.slot_bytes)
                self._free.remove(memory)
                return memory
            self._memories += 1
            return SharedSlots(self._memories, slots, slot_bytes, pinned=pinned)

    def give_back(self, memory: SharedSlots) -> None:
        """Let other streams have ``memory``: its mapping and its pages serve again."""
        with self._lock:
            self._free.append(memory)

    def submit(
        self, part: StoredPixels, rows_B: NDArray[np.int64], memory: SharedSlots, slot: int
    ) -> int:
        """Begin to read rows into a slot; return the ticket to wait with."""
        with self._lock:
            self._tickets += 1
            ticket = self._tickets
            memory.set_turn(slot, ticket)
            bounds = np.linspace(0, len(rows_B), self.count + 1).astype(int)
            state = self._open[ticket] = _Open(set())
            size = int(np.prod(part.shape))
            for number, worker in enumerate(self._workers):
                start, end = bounds[number], bounds[number + 1]
                if start == end:
                    continue
                task = (memory.number, slot, memory.offset(slot) + int(start) * size)
                what = (part.folder, part.jpeg, part.shape, rows_B[start:end])
                state.waiting_for.add(number)
                try:
                    self._share(worker, memory)
                    worker.connection.send(("read", ticket, *task, *what))
                except OSError:
                    state.waiting_for.remove(number)
                    state.error = state.error or _ended(worker)
            return ticket

    def wait(self, ticket: int) -> None:
        """Wait until all rows of ``ticket`` are there.

        Raises:
            ModelsError: an image cannot be decoded, or a process has ended.
        """
        error = self._drain(ticket)
        if error is not None:
            raise ModelsError(error)

    def cancel(self, ticket: int, memory: SharedSlots, slot: int) -> None:
        """Wait until no process writes to the slot any more; each ends the image it is at."""
        memory.set_turn(slot, 0)
        self._drain(ticket)

    def _drain(self, ticket: int) -> str | None:
        with self._lock:
            state = self._open.get(ticket)
            if state is None:  # answered already
                return None
            while state.waiting_for:
                self._receive(next(iter(state.waiting_for)))
            del self._open[ticket]
            return state.error

    def _receive(self, number: int) -> None:
        """Take in one answer of a process; it may be that of another batch."""
        worker = self._workers[number]
        worker.connection.poll(None)  # an interruption here leaves all answers whole
        try:
            ticket, error = worker.connection.recv()
            answered = {ticket: error}
        except Exception:  # the end, or what an interrupted reading has left
            lost = _ended(worker)
            answered = {t: lost for t, state in self._open.items() if number in state.waiting_for}
        except BaseException:
            worker.process.kill()
            raise
        for ticket, error in answered.items():
            state = self._open[ticket]
            state.waiting_for.discard(number)
            state.error = state.error or error

    def _share(self, worker: _Worker, memory: SharedSlots) -> None:
        if memory.number in worker.known:
            return
        worker.connection.send(("memory", memory.number, memory.bytes))
        with socket.socket(fileno=os.dup(worker.connection.fileno())) as channel:
            socket.send_fds(channel, [b"m"], [memory.descriptor])
        worker.known.add(memory.number)

    def _start(self) -> None:
        path = json.dumps(sys.path)
        # A library of numpy's would start a thread for each core in every process.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        weakref.finalize(self, _end, self._workers)
        for _ in range(self.count):
            ours, theirs = socket.socketpair()
            with theirs:
                try:
                    process = subprocess.Popen(
                        [sys.executable, "-c", _PROGRAM, str(theirs.fileno()), path],
                        env=environment,
                        pass_fds=[theirs.fileno()],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL,
                        # Ctrl-C in a terminal is for the process that trains: it ends the others.
                        start_new_session=True,
                    )
                except OSError as error:
                    ours.close()
                    raise ModelsError(
                        f"cannot start process {len(self._workers) + 1} of {self.count} that "
                        f"decode images ({error.strerror}): lower data.processes"
                    ) from None
            self._workers.append(_Worker(process, Connection(ours.detach())))


def _ended(worker: _Worker) -> str:
    """Return the line for a process that has ended and was not told to."""
    try:
        status = worker.process.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        worker.process.kill()
        status = worker.process.wait()
    how = f"exit status {status}"
    if status < 0:
        how = f"killed by {signal.Signals(-status).name}"
    return (
        f"a process that decodes images has ended ({how}): look for a lack of memory, and lower "
        "data.processes, or set it to 0 to decode with threads"
    )


def _end(workers: list[_Worker]) -> None:
    """End all processes: each ends when its socket is closed."""
    for worker in workers:
        worker.connection.close()
    for worker in workers:
        try:
            worker.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            worker.process.kill()
            worker.process.wait()
    workers.clear()
