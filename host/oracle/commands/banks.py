"""Activation banks that know who wrote and read each word, and when."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import ACTIVATION_DEPTH, TILE_DEPTH, TILE_TOKENS
from trivit.host.oracle.commands.clocks import THREADS, Thread
from trivit.host.oracle.commands.scoreboard import Scoreboard

#: What the interpreter finds in words of which nothing is known.
_UNKNOWN = np.int16(0x5A5A)


@dataclass(frozen=True)
class Rows:
    """A row group: ``rows`` rows of ``words`` words at ``address`` of the banks.

    It is row group ``group`` of ``slot`` (0: of none).
    """

    address: int
    rows: int
    words: int
    slot: int = 0
    group: int = 0


class Banks:
    """The contents, (8, depth, 8) int16, and of every word its last writer and readers.

    A read must come after the write in every order that the units can have, and find the row group
    that it counted on; a write must come after what it replaces was written and read.
    """

    def __init__(self, scoreboard: Scoreboard) -> None:
        self.scoreboard = scoreboard
        shape = (TILE_TOKENS, ACTIVATION_DEPTH)
        self.contents: Int16 = np.zeros((*shape, TILE_DEPTH), dtype=np.int16)
        self._writer: NDArray[np.int8] = np.full(shape, -1, dtype=np.int8)
        self._written: NDArray[np.int32] = np.zeros(shape, dtype=np.int32)
        self._read: NDArray[np.int32] = np.zeros((len(THREADS), *shape), dtype=np.int32)
        # Slot, its tenancy and the row group that each word was written for.
        self._purpose: NDArray[np.int32] = np.zeros((3, *shape), dtype=np.int32)

    def read(self, rows: Rows, by: Thread) -> Int16:
        """Return a row group, (rows, words·8).

        Raises:
            OrderError: the words may not be written yet, or are no longer those of the slot.
        """
        where = self._where(rows, by)
        writer = self._writer[where]
        if (writer < 0).any():
            raise by.error(f"reads words at {rows.address} that nobody wrote")
        late = by.clock[writer] < self._written[where]
        if late.any():
            who = THREADS[int(writer[late][0])]
            raise by.error(f"reads words at {rows.address} that {who} may not have written yet")
        if rows.slot:
            slot, tenancy, group = self._purpose[:, where[0], where[1]]
            tenant = self.scoreboard.slots[rows.slot].tenancy
            other = (slot == rows.slot) & (tenancy == tenant) & (group > rows.group)
            if other.any():
                raise by.error(
                    f"reads row group {rows.group} of slot {rows.slot} at {rows.address}, where "
                    f"row group {group[other][0]} of slot {slot[other][0]} was written"
                )
        self._read[by.number][where] = by.now
        return self.contents[where].reshape(rows.rows, -1).copy()

    def peek(self, address: int, words: int, by: Thread) -> Int16:
        """Return what lies in all banks, (8, words·8), whoever wrote it.

        A word that nobody wrote, or somebody of whom ``by`` does not know, is of no value that
        anybody meant.
        """
        where = slice(None), slice(address, address + words)
        writer = self._writer[where]
        known = (writer >= 0) & (by.clock[writer] >= self._written[where])
        return np.where(known[..., None], self.contents[where], _UNKNOWN).reshape(TILE_TOKENS, -1)

    def write(self, rows: Rows, values: Int16, by: Thread, first: int = 0) -> None:
        """Write a row group (rows, words·8) from bank ``first`` on.

        Raises:
            OrderError: somebody may not have read or written these words yet.
        """
        where = self._where(rows, by, first)
        writer = self._writer[where]
        late = (writer >= 0) & (by.clock[writer] < self._written[where])
        if late.any():
            who = THREADS[int(writer[late][0])]
            raise by.error(f"writes over words at {rows.address} that {who} may write afterwards")
        readers = (self._read[:, where[0], where[1]] > by.clock[:, None, None]).any(axis=(1, 2))
        if readers.any():
            who = THREADS[int(np.argmax(readers))]
            raise by.error(f"writes over words at {rows.address} that {who} may not have read yet")
        self.contents[where] = values.reshape(rows.rows, rows.words, TILE_DEPTH)
        self._writer[where] = by.number
        self._written[where] = by.now
        tenancy = self.scoreboard.slots[rows.slot].tenancy
        self._purpose[:, where[0], where[1]] = np.reshape(
            (rows.slot, tenancy, rows.group), (3, 1, 1)
        )

    def _where(self, rows: Rows, by: Thread, first: int = 0) -> tuple[slice, slice]:
        if rows.words < 1 or rows.address + rows.words > ACTIVATION_DEPTH:
            raise by.error(f"{rows.words} words at {rows.address} are not in the banks")
        return slice(first, first + rows.rows), slice(rows.address, rows.address + rows.words)
