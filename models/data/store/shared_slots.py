"""Memory that processes share: a ring of equal slots for the batches that they fill."""

import contextlib
import mmap
import os
import tempfile
import weakref

import numpy as np
import torch
from torch import Tensor

from trivit.models.decoding.worker import TURN_BYTES
from trivit.models.errors import ModelsError

_ALIGNMENT = 4096


class SharedSlots:
    """Slots in memory that has no name in any file system: nothing stays, however processes end.

    Attributes:
        number: that other processes know this memory by.
        slots: how many.
        slot_bytes: of each.
        descriptor: of the file behind the memory, to be handed to other processes.
        bytes: of the whole memory.
        pinned: whether copies to CUDA devices need not wait for the host.
    """

    def __init__(self, number: int, slots: int, slot_bytes: int, *, pinned: bool) -> None:
        """Allocate the memory; with ``pinned``, register it with CUDA.

        Raises:
            ModelsError: there is not so much of it.
        """
        assert slots * 8 <= TURN_BYTES
        self.number = number
        self.slots = slots
        self.slot_bytes = -(-slot_bytes // _ALIGNMENT) * _ALIGNMENT
        self.bytes = _ALIGNMENT + slots * self.slot_bytes
        try:
            self.descriptor = _anonymous_file(self.bytes)
            weakref.finalize(self, os.close, self.descriptor)
            self._array = np.frombuffer(mmap.mmap(self.descriptor, self.bytes), dtype=np.uint8)
        except (OSError, ValueError) as error:
            raise ModelsError(
                f"no {self.bytes >> 20} MiB of shared memory for batches ({error}): set "
                "data.processes=0, or choose a smaller batch size"
            ) from None
        self._turns = self._array[:TURN_BYTES].view(np.int64)
        self.pinned = pinned and _registered(self._array)
        if self.pinned:
            weakref.finalize(self, _unregister, self._array)

    def offset(self, slot: int) -> int:
        """Return where ``slot`` begins."""
        return _ALIGNMENT + slot * self.slot_bytes

    def set_turn(self, slot: int, ticket: int) -> None:
        """Say what ``slot`` is filled for from now on; who fills it for anything else stops."""
        self._turns[slot] = ticket

    def tensor(self, slot: int, shape: tuple[int, ...]) -> Tensor:
        """Return the beginning of a slot, uint8 of ``shape``, without copying it."""
        start = self.offset(slot)
        array = self._array[start : start + int(np.prod(shape))]
        return torch.from_numpy(array).view(shape)


def _anonymous_file(size: int) -> int:
    """Return the descriptor of a file of so many bytes in memory, or else of one without a name."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("trivit-batches", os.MFD_CLOEXEC)
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    try:
        os.ftruncate(descriptor, size)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _registered(array: np.ndarray) -> bool:
    """Register memory with CUDA; copies out of memory that it refuses wait, and are right too."""
    if int(torch.cuda.cudart().cudaHostRegister(array.ctypes.data, array.nbytes, 0)) == 0:
        return True
    with contextlib.suppress(RuntimeError):  # the error must not be taken for the next kernel's
        torch.zeros(1, device="cuda")
    return False


def _unregister(array: np.ndarray) -> None:
    torch.cuda.cudart().cudaHostUnregister(array.ctypes.data)
