"""Buffers that the accelerator reaches, allocated once for a session."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError

#: Addresses that a job takes: whole words, 40 bits.
WORD_BYTES = 16
ADDRESS_BITS = 40
MEMINFO = Path("/proc/meminfo")


class Buffer(Protocol):
    """What PYNQ's buffers are, as far as they are used here: an array with an address."""

    physical_address: int

    def flush(self) -> None:
        """Bring what was written here to DDR."""

    def invalidate(self) -> None:
        """Read from DDR again what the device wrote."""


class Region:
    """A contiguous region of DDR of ``size`` bytes, seen as bytes from here."""

    def __init__(self, buffer: Any, size: int) -> None:
        self._buffer = buffer
        self.address = int(buffer.physical_address)
        self.bytes: NDArray[np.uint8] = np.asarray(buffer)[:size]

    def write(self, content: NDArray[Any], offset: int = 0) -> None:
        """Copy an array to ``offset`` and bring the region to DDR."""
        raw = np.frombuffer(np.ascontiguousarray(content).tobytes(), dtype=np.uint8)
        self.bytes[offset : offset + len(raw)] = raw
        self._buffer.flush()

    def read(self) -> bytes:
        """Return what the device wrote."""
        self._buffer.invalidate()
        return self.bytes.tobytes()

    def free(self) -> None:
        """Give the memory back; nothing of it is mapped any more."""
        self.bytes = np.zeros(0, dtype=np.uint8)
        self._buffer.freebuffer()


def allocate_regions(allocate: Callable[..., Any], sizes: dict[str, int]) -> dict[str, Region]:
    """Allocate all regions, ``sizes`` in bytes, with ``allocate`` (pynq.allocate).

    Raises:
        HostError: they do not fit; nothing stays allocated. The message says what was asked for and
            what there is. Or the device cannot reach an address.
    """
    regions: dict[str, Region] = {}
    try:
        for name, size in sizes.items():
            try:
                buffer = allocate(shape=(max(size, WORD_BYTES),), dtype=np.uint8)
            except (RuntimeError, MemoryError, OSError) as error:
                raise HostError(_too_little(name, size, sizes)) from error
            regions[name] = Region(buffer, size)
            address = regions[name].address
            if address % WORD_BYTES or address + size > 1 << ADDRESS_BITS:
                raise HostError(
                    f"the buffer of the {name} begins at {address:#x}: the accelerator takes "
                    f"multiples of {WORD_BYTES} below 2^{ADDRESS_BITS}"
                )
    except HostError:
        for region in regions.values():
            region.free()
        raise
    return regions


def _too_little(name: str, size: int, sizes: dict[str, int]) -> str:
    free, total = (_meminfo(field) for field in ("CmaFree", "CmaTotal"))
    there = "" if free is None else f"; CMA has {_mb(free)} free of {_mb(total or 0)}"
    return (
        f"no contiguous memory for the {name} ({_mb(size)}, the program needs "
        f"{_mb(sum(sizes.values()))} in all){there}: end other users of the memory, or give the "
        "kernel more (cma=512M in bootargs)"
    )


def _mb(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _meminfo(field: str) -> int | None:
    """Return a figure of /proc/meminfo in bytes."""
    try:
        lines = MEMINFO.read_text("ascii").splitlines()
    except OSError:
        return None
    for line in lines:
        if line.startswith(f"{field}:"):
            return int(line.split()[1]) * 1024
    return None
