"""Streams between units: rows of int16 or tokens, each with what its sender knew."""

from bisect import bisect_left
from collections import deque
from collections.abc import Generator
from typing import TypeAlias

import numpy as np

from trivit.host.fixed_point import Int16
from trivit.host.oracle.commands.clocks import Clock, Thread

#: A unit at work: it gives what it waits for whenever it cannot go on.
Work: TypeAlias = Generator[str, None, None]


class Stream:
    """Words of ``width`` int16 in the order in which they were sent."""

    def __init__(self, name: str, width: int) -> None:
        self.name, self.width = name, width
        self._items: deque[tuple[Int16, Clock]] = deque()
        self.waiting = self.sent = 0
        self._taken: list[tuple[int, int, int]] = []

    def send(self, words: Int16, known: Clock) -> None:
        """Append words (n, width)."""
        if words.size:
            self._items.append((words.reshape(-1, self.width), known))
            self.waiting += words.size // self.width
            self.sent += words.size // self.width

    def take(self, count: int, by: Thread) -> Generator[str, None, Int16]:
        """Return the next ``count`` words (count, width) when they are there."""
        while self.waiting < count:
            yield f"{count} words of {self.name}"
        return self.take_now(count, by)

    def taken(self, count: int, by: Thread) -> bool:
        """Whether ``by`` knows that somebody has taken the first ``count`` words."""
        place = bisect_left(self._taken, (count, 0, 0))
        if place == len(self._taken):
            return False
        _, who, when = self._taken[place]
        return bool(by.clock[who] >= when)

    def take_now(self, count: int, by: Thread) -> Int16:
        """Return the next ``count`` words, which are there."""
        parts: list[Int16] = []
        missing = count
        while missing:
            words, known = self._items.popleft()
            by.learn(known)
            if len(words) > missing:
                self._items.appendleft((words[missing:], known))
            parts.append(words[:missing])
            missing -= len(parts[-1])
        self.waiting -= count
        self._taken.append((self.sent - self.waiting, by.number, by.now))
        return np.concatenate(parts) if parts else np.zeros((0, self.width), dtype=np.int16)


class Tokens:
    """Announcements: each lets one command of a reader look at the scoreboard."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._items: deque[Clock] = deque()

    @property
    def waiting(self) -> int:
        """Announcements that nobody took."""
        return len(self._items)

    def send(self, known: Clock) -> None:
        """Append one."""
        self._items.append(known)

    def take(self, by: Thread) -> Work:
        """Take the next one when it is there."""
        while not self._items:
            yield self.name
        by.learn(self._items.popleft())
