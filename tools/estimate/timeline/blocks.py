"""What the blocks beside the engine make of its rows, and when their results are in the banks."""

from collections import deque
from dataclasses import dataclass, field
from functools import partial

from trivit.host.commands import Command
from trivit.host.tiles import ceil_div
from trivit.tools.estimate.timeline.latencies import (
    GELU_REST,
    NORM_REST,
    NORM_SUMS,
    PORTS,
    READER,
    SCORE_ROWS,
    SOFTMAX_PEAKS,
    SOFTMAX_REST,
    SOFTMAX_ROWS,
    STORE_FIRST,
    STREAMED,
    TILE_TOKENS,
    WRITER_REST,
)
from trivit.tools.estimate.timeline.slots import RowGroups


@dataclass
class Softmax:
    """One attention: scores go in row group by row group, probabilities come out."""

    command: Command
    writer: Command
    stream_rows: int  # that wait before its queues
    free: int = 0  # exponentials
    out: int = 0  # probabilities
    issued: int = 0  # rows of tiles
    taken: list[tuple[int, int, int]] = field(default_factory=list)  # rows before, begin, end
    cls_out: int = 0  # probabilities of the last head's row 0

    @property
    def complete(self) -> bool:
        """Whether the rows of all heads have come."""
        return len(self.taken) == self._groups() * self.command.fields["heads"]

    def room(self, rows: int) -> int:
        """Return when there is room for ``rows`` more rows of a tile."""
        over = self.issued + rows - self.stream_rows - SCORE_ROWS
        if over <= 0:
            return 0
        for before, begin, end in reversed(self.taken):
            if over > before:
                share = (over - before) * (end - begin) // max(1, rows * self._tiles())
                return min(end, begin + share)
        return 0

    def scores(self, tile: int, rows: int, last: int, slot: RowGroups) -> None:
        """Take the rows of a tile, whose last depth word was issued in cycle ``last``."""
        if tile + 1 == self._tiles():
            words = ceil_div(self.command.fields["keys"], TILE_TOKENS)
            pairs = ceil_div(rows, SOFTMAX_ROWS)
            begin = max(self.free, last + STREAMED + SOFTMAX_PEAKS)
            self.free = begin + words * pairs
            before = self.taken[-1][0] + self._rows_before(rows) if self.taken else 0
            self.taken.append((before, begin, self.free))
            self.out = max(self.out, self.free + SOFTMAX_REST) + words * pairs
            if len(self.taken) - 1 == self._groups() * (self.command.fields["heads"] - 1):
                self.cls_out = self.out
            slot.complete(self.out + WRITER_REST)
        self.issued += rows

    def _tiles(self) -> int:
        return ceil_div(self.command.fields["keys"], TILE_TOKENS * PORTS)

    def _groups(self) -> int:
        return ceil_div(self.command.fields["rows"], TILE_TOKENS)

    def _rows_before(self, rows: int) -> int:
        return TILE_TOKENS * self._tiles()


@dataclass
class RowWriter:
    """Rows of tiles to the banks, through GELU or as they are."""

    command: Command
    stream_rows: int  # that wait for it
    begin: int = 0  # the cycle from which it takes rows: a list may not be there before
    taken: int = 0  # rows of tiles
    rows: int = 0  # that came in the last tile
    done: int = 0  # row groups

    @property
    def complete(self) -> bool:
        """Whether all rows have come."""
        fields = self.command.fields
        return self.taken == fields["rows"] * ceil_div(fields["words"], PORTS)

    def room(self, rows: int) -> int:
        """Return when the row stream has room for ``rows`` more rows of a tile."""
        over = self.taken + rows - self.stream_rows
        return self.begin + over if over > 0 else 0

    def tile(self, last_tile: bool, rows: int, last: int, slot: RowGroups) -> int:
        """Take the rows of a tile; return the cycle of the last one in the banks."""
        fields = self.command.fields
        rest = WRITER_REST if fields["direct"] else GELU_REST
        self.taken += rows
        cycle = max(last + STREAMED + rows, self.begin + self.taken) + rest
        if not last_tile:
            return cycle
        self.rows += rows
        written = self.rows
        total = fields["rows"]
        if fields["compact"]:
            # Which rows are kept is not known: they are taken as evenly spread.
            written = fields["kept"] * self.rows // total
            total = fields["kept"]
        at = fields["first_row"] + written
        end = fields["first_row"] + total
        groups = ceil_div(at, TILE_TOKENS) if at == end else at // TILE_TOKENS
        while self.done < groups:
            self.done += 1
            slot.complete(cycle)
        return cycle


@dataclass
class Normalisation:
    """One tensor's rows, from banks to banks, as its row groups become complete."""

    reader: Command
    source: RowGroups
    result: RowGroups
    announced: int  # the cycle in which the product that writes the source begins
    group: int = 0

    @property
    def finished(self) -> bool:
        """Whether all row groups have been read."""
        return self.group * TILE_TOKENS >= self.reader.fields["rows"]


class Normalise:
    """Reader, block and writer: one normalisation after the other."""

    def __init__(self) -> None:
        self.queue: deque[Normalisation] = deque()
        self.read = 0
        self.out = 0

    def announce(self, normalisation: Normalisation) -> None:
        """Obey another command, behind those before."""
        self.queue.append(normalisation)
        if len(self.queue) == 1:
            self._begin()

    def _begin(self) -> None:
        now = self.queue[0]
        listener = partial(self._row_group, now)
        now.source.listen(listener, now.reader.fields["first"], now.announced)

    def _row_group(self, now: Normalisation, cycle: int) -> None:
        if now.finished:  # the source has more rows than are read
            return
        fields = now.reader.fields
        words = fields["words"] * TILE_TOKENS // SOFTMAX_ROWS  # as many for a group of fewer rows
        now.group += 1
        self.read = max(self.read, cycle + READER) + words
        self.out = max(self.out, self.read + NORM_SUMS) + words
        now.result.complete(self.out + NORM_REST)
        if now.finished:
            self.queue.popleft()
            if self.queue:
                self._begin()


@dataclass
class Store:
    """Rows from the banks to memory, as they become complete."""

    command: Command
    group: int = 0
    sent: int = 0

    def __call__(self, cycle: int) -> None:
        """A row group of the source is complete in ``cycle``."""
        fields = self.command.fields
        rows = min(fields["rows"] - self.group * TILE_TOKENS, TILE_TOKENS)
        if rows <= 0:
            return
        self.group += 1
        self.sent = max(self.sent, cycle + STORE_FIRST) + rows * fields["words"]
