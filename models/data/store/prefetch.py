"""Batches fetched ahead by threads or processes and copied to the device beside its work.

Shape suffixes: B images, C channels, H height, W width.
"""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from trivit.models.data.store.processes import DecodingProcesses
from trivit.models.data.store.shared_slots import SharedSlots
from trivit.models.decoding.stored_pixels import StoredPixels

Rows = NDArray[np.int64]
Read = Callable[[Rows, NDArray[np.uint8]], None]

AHEAD = 3
"""Batches that are fetched while one is used."""

_SLOTS = AHEAD + 2  # one is being copied from, one is being waited for


class Pending(Protocol):
    """A batch under way to the host's memory."""

    def sent_to(self, device: torch.device) -> Tensor:
        """Wait for the images; return them, uint8 (B, *shape), on ``device``: nobody else's."""

    def cancel(self) -> None:
        """Do not want the batch any more; return when nothing writes to its memory."""


class Fetcher(Protocol):
    """Fetches batches, in the order in which they are asked for."""

    def begin(self, rows_B: Rows) -> Pending:
        """Begin to fetch these rows."""


def prefetched(
    fetcher: Fetcher,
    batches: Iterable[Rows],
    device: torch.device,
    *,
    channels_last: bool,
) -> Iterator[Tensor]:
    """Yield uint8 (B, C, H, W) on ``device`` for each batch of rows, in order.

    ``batches`` is read on the caller's thread, three batches ahead.

    Args:
        fetcher: brings the images into the host's memory.
        batches: int64 (B,).
        device: where the batches go; to CUDA on a stream of their own.
        channels_last: whether they come as (B, H, W, C) rather than (B, C, H, W).
    """
    send = _to_cuda(device) if device.type == "cuda" else _to_host
    pending: deque[Pending] = deque()
    remaining = iter(batches)
    try:
        while True:
            while len(pending) <= AHEAD and (rows_B := next(remaining, None)) is not None:
                pending.append(fetcher.begin(rows_B))
            if not pending:
                return
            pixels = send(pending[0])
            pending.popleft()
            yield pixels.permute(0, 3, 1, 2).contiguous() if channels_last else pixels
    finally:
        # A consumer that stops early waits for what runs already, and for nothing else.
        for batch in pending:
            batch.cancel()


class ThreadFetcher:
    """Threads that read into memory of PyTorch's own, a new tensor for each batch."""

    def __init__(
        self, pool: Executor, read: Read, slices: int, shape: tuple[int, int, int], pinned: bool
    ) -> None:
        """Use ``pool`` to ``read`` batches of images of ``shape``, cut into ``slices``.

        With ``pinned``, copies to CUDA need not wait for the host.
        """
        self._pool = pool
        self._read = read
        self._slices = slices
        self._shape = shape
        self._pinned = pinned

    def begin(self, rows_B: Rows) -> Pending:
        """Begin to fetch these rows."""
        # PyTorch reuses pinned blocks, once the copies out of them are through.
        shape = (len(rows_B), *self._shape)
        host = torch.empty(shape, dtype=torch.uint8, pin_memory=self._pinned)
        array = host.numpy()
        slices = min(self._slices, max(len(rows_B), 1))
        bounds = np.linspace(0, len(rows_B), slices + 1).astype(int)
        tasks = [
            self._pool.submit(self._read, rows_B[start:end], array[start:end])
            for start, end in itertools.pairwise(bounds)
        ]
        return _OfThreads(host, tasks)


class _OfThreads:
    def __init__(self, host: Tensor, tasks: list[Future[None]]) -> None:
        self._host = host
        self._tasks = tasks

    def sent_to(self, device: torch.device) -> Tensor:
        for task in self._tasks:
            task.result()
        return self._host.to(device, non_blocking=True)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


class ProcessFetcher:
    """Processes that read into shared memory, slot after slot of a ring."""

    def __init__(self, processes: DecodingProcesses, part: StoredPixels, pinned: bool) -> None:
        """Let ``processes`` read batches of ``part``.

        With ``pinned``, copies to CUDA need not wait for the host.
        """
        self._processes = processes
        self._part = part
        self._pinned = pinned
        self._rings: list[_Ring] = []  # the last one is used; batches may grow

    def begin(self, rows_B: Rows) -> Pending:
        """Begin to fetch these rows.

        Raises:
            ModelsError: no memory, or the processes cannot be started.
        """
        needed = len(rows_B) * int(np.prod(self._part.shape))
        if not self._rings or self._rings[-1].memory.slot_bytes < needed:
            taken = self._processes.take(_SLOTS, needed, pinned=self._pinned)
            self._rings.append(_Ring(taken))
        ring = self._rings[-1]
        slot = ring.free_slot()
        ticket = self._processes.submit(self._part, rows_B, ring.memory, slot)
        return _OfProcesses(
            self._processes, ring, slot, ticket, shape=(len(rows_B), *self._part.shape)
        )

    def close(self) -> None:
        """Give the memory back, once nothing is copied out of it any more."""
        while self._rings:
            ring = self._rings.pop()
            for slot in range(_SLOTS):
                ring.wait_for_copy(slot)
            self._processes.give_back(ring.memory)


class _Ring:
    """Shared memory, and the copies to CUDA that read from its slots."""

    def __init__(self, memory: SharedSlots) -> None:
        self.memory = memory
        self.copied: list[torch.cuda.Event | None] = [None] * _SLOTS
        self._next = 0

    def free_slot(self) -> int:
        """Return the slot whose turn it is: the copy out of it is through long since."""
        slot = self._next
        self._next = (slot + 1) % _SLOTS
        self.wait_for_copy(slot)
        return slot

    def wait_for_copy(self, slot: int) -> None:
        """Return when nothing is copied out of ``slot``."""
        event = self.copied[slot]
        if event is not None:
            event.synchronize()
            self.copied[slot] = None


class _OfProcesses:
    def __init__(
        self,
        processes: DecodingProcesses,
        ring: _Ring,
        slot: int,
        ticket: int,
        shape: tuple[int, ...],
    ) -> None:
        self._processes = processes
        self._ring = ring
        self._slot = slot
        self._ticket = ticket
        self._shape = shape

    def sent_to(self, device: torch.device) -> Tensor:
        self._processes.wait(self._ticket)
        memory = self._ring.memory
        host = memory.tensor(self._slot, self._shape)
        if device.type != "cuda":
            return host.clone()
        there = host.to(device, non_blocking=memory.pinned)
        if memory.pinned:
            event = self._ring.copied[self._slot] = torch.cuda.Event()
            event.record(torch.cuda.current_stream(device))
        return there

    def cancel(self) -> None:
        self._processes.cancel(self._ticket, self._ring.memory, self._slot)


def _to_host(batch: Pending) -> Tensor:
    return batch.sent_to(torch.device("cpu"))


def _to_cuda(device: torch.device) -> Callable[[Pending], Tensor]:
    copies = torch.cuda.Stream(device)

    def send(batch: Pending) -> Tensor:
        with torch.cuda.stream(copies):
            pixels = batch.sent_to(device)
        current = torch.cuda.current_stream(device)
        current.wait_stream(copies)
        pixels.record_stream(current)  # its memory must not be reused before this stream is done
        return pixels

    return send
