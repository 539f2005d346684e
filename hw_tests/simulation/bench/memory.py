"""The DDR memory of a simulation: buffers with a purpose, and nothing between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PAGE_BYTES = 4096


@dataclass
class Buffer:
    """A piece of memory at byte address `address`.

    `access` says what the kernel's bus may do with it: r, w or rw.
    """

    name: str
    address: int
    data: bytearray
    access: str

    def holds(self, address: int, length: int) -> bool:
        """Whether `length` bytes at `address` lie inside."""
        return self.address <= address and address + length <= self.address + len(self.data)

    def array(self, dtype: np.dtype | type) -> NDArray:
        """A copy of the contents, 1-D."""
        return np.frombuffer(bytes(self.data), dtype=dtype)


class Memory:
    """Memory behind all ports.

    An access outside the buffers, or against a buffer's access, is recorded and raises. Buffers lie
    beyond 4 GiB, so that a lost high address word is an access outside, and begin `offset` bytes
    past a page boundary, so that most of them straddle one.
    """

    def __init__(self, base: int = 0x7_F000_0000, offset: int = PAGE_BYTES - 3 * 16) -> None:
        self.buffers: list[Buffer] = []
        self.violations: list[str] = []
        self._next = base
        self._offset = offset

    def allocate(self, name: str, contents: bytes | NDArray | int, access: str) -> Buffer:
        """Place `contents` (or that many 0xA5 bytes); at least a page is left free around it."""
        filled = b"\xa5" * contents if isinstance(contents, int) else bytes(contents)
        data = bytearray(filled)
        address = self._next + self._offset
        pages = -(-(self._offset + len(data)) // PAGE_BYTES) + 1
        self._next += pages * PAGE_BYTES
        buffer = Buffer(name, address, data, access)
        self.buffers.append(buffer)
        return buffer

    def _find(self, kind: str, address: int, length: int) -> Buffer:
        for buffer in self.buffers:
            if buffer.holds(address, length):
                if kind not in buffer.access:
                    self._violation(f"{kind} access to {buffer.name} at {address:#x}")
                return buffer
        self._violation(f"{kind} access outside all buffers at {address:#x}")
        raise AssertionError  # _violation always raises

    def _violation(self, text: str) -> None:
        self.violations.append(text)
        raise PermissionError(text)

    async def read(self, address: int, length: int) -> bytes:
        """Serve a beat; PermissionError (a slave error on the bus) when it is not allowed."""
        buffer = self._find("r", address, length)
        start = address - buffer.address
        return bytes(buffer.data[start : start + length])

    async def write(self, address: int, data: bytes) -> None:
        """Take a beat; PermissionError (a slave error on the bus) when it is not allowed."""
        buffer = self._find("w", address, len(data))
        start = address - buffer.address
        buffer.data[start : start + len(data)] = data
