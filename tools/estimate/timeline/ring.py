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


class Ring:
    """Depth words in the order in which the commands append them, with the cycle of each."""

    def __init__(self) -> None:
        self.filled: list[int] = []
        self.released: list[int] = []  # of the oldest words, in order
        self.pending: deque[Fill] = deque()
        self.streamed = 0  # when the ports' last word came
        self.placed = 0

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
                clock = max(clock, self._room(), self.placed) + TILE_DEPTH
                self.filled.append(clock + 2)
        self.streamed = clock

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
                    clock = max(clock + 1, rows.at(depth if fill.transposed else word))
                self.filled.append(clock + PLACED)
        self.placed = clock
