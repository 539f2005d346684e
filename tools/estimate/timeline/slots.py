"""Row groups of a tensor and the cycles in which they become complete."""

from collections.abc import Callable


class RowGroups:
    """The times of one tensor's row groups, in order; whoever listens is told of each."""

    def __init__(self) -> None:
        self.times: list[int] = []
        self.listeners: list[Callable[[int], None]] = []

    def at(self, group: int) -> int:
        """Return when row group ``group`` can be read."""
        return self.times[group]

    def listen(self, listener: Callable[[int], None], first: int, now: int) -> None:
        """Tell ``listener`` of each row group from ``first`` on; of old ones in cycle ``now``."""
        for time in self.times[first:]:
            listener(max(time, now))
        waiting = max(0, first - len(self.times))

        def told(cycle: int) -> None:
            nonlocal waiting
            if waiting:
                waiting -= 1
            else:
                listener(cycle)

        self.listeners.append(told)

    def complete(self, cycle: int) -> None:
        """The next row group is complete."""
        self.times.append(cycle)
        for listener in self.listeners:
            listener(cycle)


class Always(RowGroups):
    """Slot 0: complete from the start."""

    def at(self, group: int) -> int:
        """Return 0, for every row group."""
        return 0


class Scoreboard:
    """The tensor behind each slot."""

    def __init__(self, slots: int = 8) -> None:
        self.slots: list[RowGroups] = [Always(), *(RowGroups() for _ in range(slots - 1))]

    def __getitem__(self, slot: int) -> RowGroups:
        return self.slots[slot]

    def clear(self, slot: int) -> None:
        """Begin a new tensor behind ``slot``."""
        if slot:
            self.slots[slot] = RowGroups()
