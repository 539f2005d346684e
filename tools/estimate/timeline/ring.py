"""When the weights of a product are in the ring."""

from collections import deque
from dataclasses import dataclass

from trivit.tools.estimate.timeline.latencies import (
    PLACED,
    PORTS,
    RELEASE,
    RING_WORDS,
    TILE_DEPTH,
)
from trivit.tools.estimate.timeline.slots import RowGroups


@dataclass
class Fill:
    """Weights that come into the ring: from the streams, or (``rows``) from the banks."""

    tiles: int
    depth_words: int
    bias: bool
    accepted: int  # the cycle from which it can come
    rows: RowGroups | None = None
    transposed: bool = False
    out_words: int = 0
    first: int = 0  # the placed tensor's first row group is this one of its slot
    behind: int = 0  # so many of the intervals in which streams bring nothing were asked for before
    pace: int = TILE_DEPTH  # cycles of the streams for a depth word
    rest: int = 0  # cycles more behind the matrix's last depth word


class Ring:
    """Depth words in the order in which the commands append them, with the cycle of each."""

    def __init__(self) -> None:
        self.filled: list[int] = []
        self.released: list[int] = []  # of the oldest words, in order
        self.pending: deque[Fill] = deque()
        self.streamed = 0  # when the ports' last word came
        self.placed = 0
        self.intervals: list[tuple[int, int]] = []  # DDR serves somebody else: begin, end

    def home(self) -> int:
        """Return the number of the oldest word that is not released."""
        return len(self.released)

    def release(self, cycle: int, words: int) -> None:
        """Release the oldest ``words``."""
        self.released += [cycle + RELEASE] * words

    def filled_at(self, word: int) -> int:
        """Return the cycle from which depth word number ``word`` can be issued."""
        while word >= len(self.filled):
            self._take(self.pending.popleft())
        return self.filled[word]

    def _room(self) -> int:
        back = len(self.filled) - RING_WORDS
        # Words whose release lies ahead belong to the product that asks: it has them in time.
        return self.released[back] if 0 <= back < len(self.released) else 0

    def _take(self, fill: Fill) -> None:
        if fill.rows is not None:
            self._place(fill, fill.rows)
            return
        clock = max(self.streamed, fill.accepted + 2)
        for _ in range(fill.tiles):
            clock += int(fill.bias)
            for _ in range(fill.depth_words):
                clock = self._served(fill, max(clock, self._room(), self.placed)) + fill.pace
                self.filled.append(clock + 2)
        self.streamed = clock + fill.rest

    def _served(self, fill: Fill, clock: int) -> int:
        """Return the cycle from ``clock`` on in which DDR serves the streams."""
        for begin, end in self.intervals[: fill.behind]:
            if begin <= clock < end:
                clock = end
        return clock

    def _place(self, fill: Fill, rows: RowGroups) -> None:
        clock = max(self.placed, self.streamed, fill.accepted + 2)
        for tile in range(fill.tiles):
            for depth in range(fill.depth_words):
                clock = max(clock, self._room())
                for port in range(PORTS):
                    word = PORTS * tile + port
                    if word >= fill.out_words:
                        clock += 1
                        continue
                    clock = max(
                        clock + 1, rows.at(fill.first + (depth if fill.transposed else word))
                    )
                self.filled.append(clock + PLACED)
        self.placed = clock
