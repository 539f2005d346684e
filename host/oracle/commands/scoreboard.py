"""Counts of complete row groups, and who may look at them when."""

from dataclasses import dataclass, field

import numpy as np

from trivit.host.generated.commands import COMMANDS
from trivit.host.oracle.commands.clocks import THREADS, Clock, Thread

SLOTS = 1 << COMMANDS["engine"].fields["target_slot"][1]
LARGEST = (1 << COMMANDS["engine"].fields["source_first"][1]) - 1


@dataclass
class Slot:
    """A count. ``known[i]``: what whoever sees more than i complete row groups knows.

    ``tenancy`` counts how often it was emptied; ``emptied`` tells when, ``looks`` when others
    looked at it since.
    """

    tenancy: int = 0
    known: list[Clock] = field(default_factory=list)
    emptied: Clock = field(default_factory=lambda: np.zeros(len(THREADS), dtype=np.int32))
    looks: Clock = field(default_factory=lambda: np.zeros(len(THREADS), dtype=np.int32))

    @property
    def count(self) -> int:
        """Complete row groups."""
        return len(self.known)


class Scoreboard:
    """All slots; slot 0 is always complete and counts nothing."""

    def __init__(self) -> None:
        self.slots = [Slot() for _ in range(SLOTS)]

    def clear(self, slot: int, by: Thread) -> None:
        """Empty a slot when a product begins.

        Raises:
            OrderError: somebody may still count in it or look at it.
        """
        old = self.slots[slot]
        if old.known and (old.known[-1] > by.clock).any():
            raise by.error(f"slot {slot} is emptied while its last row groups may be on their way")
        if (old.looks > by.clock).any():
            raise by.error(f"slot {slot} is emptied while {_who(old.looks, by)} may look at it")
        self.slots[slot] = Slot(old.tenancy + 1, emptied=by.clock.copy())

    def complete(self, slot: int, by: Thread) -> None:
        """Count a row group that ``by`` has written.

        Raises:
            OrderError: the slot may not have been emptied yet, or its count overflows.
        """
        if slot == 0:
            return
        place = self.slots[slot]
        self._check_emptied(slot, by)
        if place.count == LARGEST:
            raise by.error(f"slot {slot} counts more than {LARGEST} row groups")
        told = by.tell()
        place.known.append(np.maximum(told, place.known[-1]) if place.known else told)

    def sees(self, slot: int, group: int, by: Thread) -> bool:
        """Whether row group ``group`` is complete; if so, ``by`` learns what that tells.

        Raises:
            OrderError: the count may be that of an older tensor.
        """
        if slot == 0:
            return True
        place = self.slots[slot]
        self._check_emptied(slot, by)
        if place.count <= group:
            return False
        by.learn(place.known[group])
        place.looks[by.number] = max(int(place.looks[by.number]), by.now)
        return True

    def _check_emptied(self, slot: int, by: Thread) -> None:
        if (self.slots[slot].emptied > by.clock).any():
            raise by.error(f"slot {slot} may still have the count of an older tensor")


def _who(times: Clock, by: Thread) -> str:
    return THREADS[int(np.argmax(times - by.clock))]
