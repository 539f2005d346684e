"""A board whose accelerator and DDR are the real design in Verilator (cosim.server).

Nothing is stood in for behind the registers: trivit_top and the HLS blocks read and write DDR
through AXI4. Simulated time passes while a job runs, and by what an access takes.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from board.hardware.ddr import BASE, Memory
from board.hardware.machine import Machine, Registers
from board.hardware.registers import BusError, Made
from cosim.server import SimulatedBoard, SimulatedBoardError

from trivit.host.generated.registers import REGISTERS

_SLVERR, _DECERR = 2, 3
_WORD_BYTES = 16
#: Cycles between two looks at the interrupt while a job runs.
_SLICE = 500
_BUSY = 1 << REGISTERS["control"].fields["start"]


class RtlMemory(Memory):
    """Buffers of the simulated DDR: what is outside of them answers DECERR."""

    def __init__(self, folder: Path, size: int, board: SimulatedBoard) -> None:
        super().__init__(folder, size)
        self._board = board
        self._sizes: dict[int, int] = {}

    def allocate(self, size: int, owner: int) -> tuple[int, str]:
        """Allocate, and fill DDR with the random bytes."""
        address, path = super().allocate(size, owner)
        words = -(-size // _WORD_BYTES) * _WORD_BYTES
        self._board.write_memory(address, super().read_on(address))
        self._board.answer(address, words)
        self._sizes[address] = words
        return address, path

    def release(self, address: int) -> None:
        """Give a buffer back; an access to it is an error from now on."""
        self._board.answer(address, self._sizes.pop(address), reads=_DECERR, writes=_DECERR)
        super().release(address)

    def refuse(self, address: int, refused: bool) -> None:
        """Let a buffer answer SLVERR, or no more."""
        code = _SLVERR if refused else 0
        self._board.answer(address, self._sizes[address], reads=code, writes=code)

    def flush(self, address: int, size: int) -> None:
        """Bring what the processor wrote to DDR."""
        super().flush(address, size)
        self._board.write_memory(address, super().read(address, size))

    def invalidate(self, address: int, size: int) -> None:
        """Let the processor see what is in DDR."""
        super().write(address, self._board.read_memory(address, size))
        super().invalidate(address, size)


class RtlRegisters:
    """The registers of the design; ``level`` is told the interrupt."""

    def __init__(self, board: SimulatedBoard, level: Callable[[bool], None]) -> None:
        self._board, self._level = board, level
        self._lock = threading.RLock()
        self._running = threading.Event()
        board.reset()
        threading.Thread(target=self._pass_time, daemon=True).start()

    def read(self, offset: int) -> int:
        """Return a word; BusError as the design answers."""
        with self._lock:
            try:
                word = self._board.read_register(offset)
            except SimulatedBoardError as error:
                raise BusError(str(error)) from error
            return word

    def write(self, offset: int, word: int) -> None:
        """Write a word; BusError as the design answers."""
        with self._lock:
            try:
                self._board.write_register(offset, word)
            except SimulatedBoardError as error:
                raise BusError(str(error)) from error
            self._board.advance(4)  # the interrupt follows its registers
            self._level(self._board.wait_interrupt(1))
            if offset == REGISTERS["control"].offset:
                self._running.set()

    def _pass_time(self) -> None:
        """Let time pass while a job runs."""
        while True:
            self._running.wait()
            with self._lock:
                self._running.clear()
                self._level(self._board.wait_interrupt(_SLICE))
                if self.read(REGISTERS["control"].offset) & _BUSY:
                    self._running.set()
            time.sleep(0.0002)  # others want the registers as well


class RtlMachine(Machine):
    """A board that loads the design into a simulation."""

    def __init__(self, folder: Path, size: int, board: SimulatedBoard) -> None:
        super().__init__(folder, RtlMemory(folder, size, board))
        self._board = board

    def configure(self, made: Made) -> Registers:
        """Reset the design; its registers say themselves what it was made from."""
        return RtlRegisters(self._board, self.controller.drive)


@contextmanager
def rtl_machine(folder: Path, size: int) -> Iterator[RtlMachine]:
    """Yield a board with ``size`` bytes of DDR; its simulation ends with the context."""
    # Pages that stay free between buffers have addresses, too.
    with SimulatedBoard(memory_base=BASE, memory_bytes=2 * size, refresh_cycles=0) as board:
        yield RtlMachine(folder, size, board)
