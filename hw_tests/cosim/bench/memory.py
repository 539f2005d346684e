"""The simulated DDR memory as Python sees it: buffers with a purpose, and nothing between them.

The memory is C++ (hls/simulation/ddr.cpp) in the program that runs this Python.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

WORD_BYTES = 16
PAGE_BYTES = 4096
OKAY, SLVERR, DECERR = 0, 2, 3
#: Bits of an address that the accelerator has.
MOST_BYTES = 1 << 40


def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(None)
    u64, text = ctypes.c_uint64, ctypes.c_char_p
    numbers = [ctypes.c_int, ctypes.c_double, *[ctypes.c_int] * 4, u64]
    for name, result, arguments in (
        ("memory_create", None, [u64, u64]),
        ("memory_timing", None, numbers),
        ("memory_buffer", None, [u64, u64, ctypes.c_int, ctypes.c_int]),
        ("memory_read", ctypes.c_int, [u64, u64, text]),
        ("memory_write", ctypes.c_int, [u64, u64, text]),
        ("memory_counts", None, [ctypes.POINTER(u64)]),
        ("blocks_configure", None, [ctypes.c_int, u64]),
    ):
        function = getattr(library, f"trivit_{name}")
        function.restype, function.argtypes = result, arguments
    return library


@dataclass(frozen=True, kw_only=True)
class Timing:
    """The memory's time (hls/simulation/README.md), in cycles; its defaults are those there.

    ``pauses`` of 256 cycles each channel of each port, and each stream of the HLS blocks, does
    nothing; ``seed`` draws them.
    """

    latency: int = 60
    words_per_cycle: float = 12.8e9 / 150e6 / WORD_BYTES
    turn: int = 20
    refresh: int = 53
    refresh_every: int = 1170
    pauses: int = 0
    seed: int = 0


class Memory:
    """``size`` bytes from ``base`` on; what is outside answers DECERR.

    It begins beyond 4 GiB, so that a high address word that got lost is an error.
    """

    def __init__(
        self, timing: Timing | None = None, base: int = 0x7_F000_0000, size: int = 64 << 20
    ) -> None:
        self.base, self.size = base, size
        self._library = _library()
        self._library.trivit_memory_create(base, size)
        self.timing = timing or Timing()
        t = self.timing
        self._library.trivit_memory_timing(
            *(t.latency, t.words_per_cycle, t.turn, t.refresh, t.refresh_every),
            *(t.pauses, t.seed + 1),
        )
        self._library.trivit_blocks_configure(t.pauses, t.seed)

    def read(self, address: int, size: int) -> bytes:
        """Return what the memory holds; IndexError where it ends before."""
        content = ctypes.create_string_buffer(max(size, 1))
        if not self._library.trivit_memory_read(address, size, content):
            raise IndexError(f"{size} bytes at {address:#x}: not in the memory")
        return content.raw[:size]

    def write(self, address: int, content: bytes) -> None:
        """Change what the memory holds; IndexError where it ends before."""
        if not self._library.trivit_memory_write(address, len(content), content):
            raise IndexError(f"{len(content)} bytes at {address:#x}: not in the memory")

    def answer(self, address: int, size: int, to_reads: int, to_writes: int) -> None:
        """Make a piece of memory a buffer; once there is one, the rest answers DECERR."""
        self._library.trivit_memory_buffer(address, size, to_reads, to_writes)

    @property
    def refusals(self) -> int:
        """Words and write bursts that were answered by SLVERR or DECERR."""
        counts = (ctypes.c_uint64 * 3)()
        self._library.trivit_memory_counts(counts)
        return int(counts[2])


@dataclass
class Buffer:
    """A piece of memory that a program may read (r) or write (w)."""

    memory: Memory
    name: str
    address: int
    size: int
    access: str
    refusal: int = field(default=SLVERR)

    def allow(self, access: str) -> None:
        """Let the memory answer what is not in ``access`` (r, w, rw or nothing) by the refusal."""
        self.access = access
        reads, writes = (OKAY if kind in access else self.refusal for kind in "rw")
        self.memory.answer(self.address, self.size, reads, writes)

    def array(self, dtype: type | str) -> NDArray:
        """Return a copy of the content, 1-D."""
        return np.frombuffer(self.memory.read(self.address, self.size), dtype=dtype)


class Buffers:
    """Allocates buffers in a memory, where nothing may be touched but these.

    They have a free page around them and begin with a page, or, to ``straddle`` one, three words
    before its end. ``refusal`` is the answer to what a buffer does not allow.
    """

    def __init__(self, memory: Memory, refusal: int = SLVERR, straddle: bool = True) -> None:
        self.memory = memory
        self._next = self.memory.base + PAGE_BYTES - 3 * WORD_BYTES * straddle
        self._refusal = refusal

    def allocate(self, name: str, content: bytes | NDArray | int, access: str) -> Buffer:
        """Place whole words of content, or that many bytes of 0xA5."""
        data = b"\xa5" * content if isinstance(content, int) else bytes(content)
        assert len(data) % WORD_BYTES == 0, name
        buffer = Buffer(self.memory, name, self._next, len(data), access, self._refusal)
        self.memory.write(buffer.address, data)
        buffer.allow(access)
        self._next += (-(-len(data) // PAGE_BYTES) + 2) * PAGE_BYTES
        return buffer
