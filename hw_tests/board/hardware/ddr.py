"""DDR as a board has it: contiguous buffers at physical addresses, seen by processor and device.

The processor's view of a buffer is a file that it maps; what it writes reaches DDR when it flushes,
and what the device writes is seen when it invalidates. A driver that forgets either fails here.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

PAGE = 4096
#: Above 4 GiB, so that both words of an address register matter.
BASE = 0x8_0000_0000


class DecodeError(Exception):
    """An access outside of every buffer (DECERR), or to one that refuses (SLVERR)."""


@dataclass
class _Buffer:
    address: int
    owner: int
    ddr: NDArray[np.uint8]
    view: NDArray[np.uint8]
    path: Path
    refused: bool = False


class Memory:
    """``size`` bytes of contiguous memory; ``folder`` holds the processor's views."""

    def __init__(self, folder: Path, size: int) -> None:
        self._folder, self._size = folder, size
        self._lock = threading.RLock()
        self._buffers: dict[int, _Buffer] = {}
        self._next = 0

    @property
    def free(self) -> int:
        """Bytes that are left."""
        with self._lock:
            return self._size - sum(_pages(len(b.ddr)) for b in self._buffers.values())

    def allocate(self, size: int, owner: int) -> tuple[int, str]:
        """Return the address of a new buffer and the file to map; MemoryError when it is full.

        A buffer's bytes are random, as those of a board are anything.
        """
        with self._lock:
            if _pages(size) > self.free:
                raise MemoryError("BO allocation failed: Cannot allocate memory")
            address = BASE + self._next
            self._next += _pages(size) + PAGE
            path = self._folder / f"{address:x}"
            rng = np.random.default_rng(address)
            rng.integers(0, 256, _pages(size), dtype=np.uint8).tofile(path)
            view = np.memmap(path, dtype=np.uint8, mode="r+")
            ddr = rng.integers(0, 256, _pages(size), dtype=np.uint8)
            self._buffers[address] = _Buffer(address, owner, ddr, view, path)
            return address, str(path)

    def release(self, address: int) -> None:
        """Give a buffer back."""
        with self._lock:
            self._buffers.pop(address).path.unlink()

    def release_owner(self, owner: int) -> None:
        """Give back all buffers of a process that has ended."""
        with self._lock:
            for address in [a for a, b in self._buffers.items() if b.owner == owner]:
                self.release(address)

    def flush(self, address: int, size: int) -> None:
        """Bring what the processor wrote to DDR."""
        buffer, start = self._find(address, size)
        buffer.ddr[start : start + size] = buffer.view[start : start + size]

    def invalidate(self, address: int, size: int) -> None:
        """Let the processor see what is in DDR."""
        buffer, start = self._find(address, size)
        buffer.view[start : start + size] = buffer.ddr[start : start + size]

    def refuse(self, address: int, refused: bool) -> None:
        """Let the buffer that begins at an address refuse the device, or no more."""
        with self._lock:
            self._buffers[address].refused = refused

    def read(self, address: int, size: int) -> bytes:
        """Return what the device reads; DecodeError outside of the buffers."""
        buffer, start = self._reached(address, size)
        return buffer.ddr[start : start + size].tobytes()

    def read_on(self, address: int) -> bytes:
        """Return what lies from an address to the end of its buffer."""
        buffer, start = self._reached(address, 1)
        return buffer.ddr[start:].tobytes()

    def write(self, address: int, content: bytes) -> None:
        """Write what the device writes; DecodeError outside of the buffers."""
        buffer, start = self._reached(address, len(content))
        buffer.ddr[start : start + len(content)] = np.frombuffer(content, dtype=np.uint8)

    def _reached(self, address: int, size: int) -> tuple[_Buffer, int]:
        buffer, start = self._find(address, size)
        if buffer.refused:
            raise DecodeError(f"{size} bytes at {address:#x}: refused")
        return buffer, start

    def _find(self, address: int, size: int) -> tuple[_Buffer, int]:
        with self._lock:
            for buffer in self._buffers.values():
                start = address - buffer.address
                if start >= 0 and start + size <= len(buffer.ddr):
                    return buffer, start
        raise DecodeError(f"{size} bytes at {address:#x}")


def _pages(size: int) -> int:
    return -(-size // PAGE) * PAGE
