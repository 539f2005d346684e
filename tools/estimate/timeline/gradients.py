"""What the blocks of training make of the engine's rows, and when that is in the banks or DDR."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from trivit.host.commands import Command
from trivit.host.tiles import ceil_div
from trivit.tools.estimate.timeline.blocks import Normalise
from trivit.tools.estimate.timeline.latencies import (
    GELU_GRADIENT_CLOCKS,
    GELU_GRADIENT_REST,
    LOSS_REST,
    NORM_GRADIENT_FIRST,
    NORM_GRADIENT_REST,
    NORM_GRADIENT_STAGES,
    NORM_REST,
    NORM_SUMS,
    PIECE_REST,
    PORTS,
    READER,
    SOFTMAX_GRADIENT_REST,
    SOFTMAX_ROWS,
    STREAM_ROWS,
    TILE_DEPTH,
    TILE_TOKENS,
    WRITER_REST,
)
from trivit.tools.estimate.timeline.slots import RowGroups


@dataclass
class RowStream:
    """Rows of results that wait for their taker, those of all products in one queue."""

    taken: list[int] = field(default_factory=list)  # the cycle in which each one left

    def room(self, rows: int) -> int:
        """Return when there is room for ``rows`` more rows."""
        over = len(self.taken) + rows - STREAM_ROWS
        return self.taken[over - 1] + 1 if over > 0 else 0

    def take(self, arrivals: range, clocks: int, free: int) -> int:
        """Let a taker have rows from ``free`` on, ``clocks`` for each; return when it is free."""
        for arrival in arrivals:
            self.taken.append(max(arrival, free))
            free = self.taken[-1] + clocks
        return free


class Gradients:
    """gelu_backward, softmax_backward, cross_entropy: rows of tiles in, row groups out."""

    def __init__(self, stream: RowStream) -> None:
        self.stream = stream
        self.free = 0  # the block's input
        self.second = 0  # the second process of softmax_backward

    def gelu(self, arrivals: range) -> int:
        """Take rows of a tile; return when the last one is in the banks."""
        self.free = self.stream.take(arrivals, GELU_GRADIENT_CLOCKS, self.free)
        return self.free + GELU_GRADIENT_REST + WRITER_REST

    def softmax(self, arrivals: range, words: int, group: int | None) -> int:
        """Take rows of a tile that has so many words of eight keys; return as above.

        ``group``: words of a whole row group, with its last tile.
        """
        self.free = self.stream.take(arrivals, words, self.free)
        if group is None:
            return 0
        self.second = max(self.second, self.free) + group
        return self.second + SOFTMAX_GRADIENT_REST + WRITER_REST

    def loss(self, arrivals: range, values: int, row: int | None) -> int:
        """Take a tile of the row of logits; ``row``: all values, with the last tile."""
        self.free = self.stream.take(arrivals, values, self.free)
        return 0 if row is None else self.free + 2 * row + LOSS_REST + WRITER_REST


@dataclass
class MatrixWriter:
    """Rows to DDR as parameters lie there: two pieces wait for each port."""

    stream: RowStream
    ports: list[list[int]] = field(default_factory=lambda: [[] for _ in range(PORTS)])

    def piece(self, arrivals: range, group: int, words: int, bias: int) -> int:
        """Take rows of a row group's tile; return when the port has written the piece."""
        done = self.ports[group % PORTS]
        room = done[-2] if len(done) > 1 else 0
        self.stream.take(arrivals, 1, room)
        begin = max(done[-1] if done else 0, self.stream.taken[-1] + PIECE_REST)
        done.append(begin + words * TILE_DEPTH + bias)
        return done[-1]


@dataclass
class StoredMatrix:
    """A `move_store` of a matrix or of planes: when its last word was sent."""

    command: Command
    sent: int = 0
    seen: int = 0

    @property
    def complete(self) -> bool:
        """Whether the product has brought all pieces."""
        groups = self.command.fields["groups"]
        return self.seen == groups * ceil_div(self.command.fields["words"], PORTS)

    def piece(self, cycle: int) -> None:
        """A port has written one more piece."""
        self.seen += 1
        self.sent = max(self.sent, cycle)


@dataclass
class NormalisedRows:
    """A command of row_reader with those of who takes its rows and where results go."""

    reader: Command
    source: RowGroups
    result: RowGroups
    announced: int
    vectors: int  # the cycle in which the block has gamma
    group: int = 0

    @property
    def finished(self) -> bool:
        """Whether all row groups have been read."""
        return self.group * TILE_TOKENS >= self.reader.fields["rows"]


class NormaliseAndBack(Normalise):
    """The reader, and behind it `normalise` or `normalise_backward`, one tensor after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[NormalisedRows] = deque()
        self.back = 0  # when normalise_backward's results leave

    def add(self, rows: NormalisedRows) -> None:
        """Obey another command, behind those before."""
        self.lines.append(rows)
        if len(self.lines) == 1:
            self._start()

    def _start(self) -> None:
        now = self.lines[0]
        listener: Callable[[int], None] = partial(self._group, now)
        now.source.listen(listener, now.reader.fields["first"], now.announced)

    def _group(self, now: NormalisedRows, cycle: int) -> None:
        if now.finished:
            return
        fields = now.reader.fields
        rows = min(TILE_TOKENS, fields["rows"] - now.group * TILE_TOKENS)
        pairs = ceil_div(rows, SOFTMAX_ROWS)
        now.group += 1
        if fields["tensors"]:
            self._backward(now, cycle, fields["words"] * pairs * TILE_DEPTH // PORTS * 2)
        else:
            words = fields["words"] * TILE_TOKENS // SOFTMAX_ROWS
            self.read = max(self.read, cycle + READER) + words
            self.out = max(self.out, self.read + NORM_SUMS, now.vectors) + words
            now.result.complete(self.out + NORM_REST)
        if now.finished:
            self.lines.popleft()
            if self.lines:
                self._start()

    def _backward(self, now: NormalisedRows, cycle: int, clocks: int) -> None:
        """Three processes one behind the other, ``clocks`` each for a row group."""
        self.read = max(self.read, cycle + READER) + clocks
        first = max(self.read, now.vectors) + NORM_GRADIENT_FIRST
        behind = int((NORM_GRADIENT_STAGES - 1) * clocks)
        self.back = max(self.back + clocks, first + behind)
        now.result.complete(self.back + NORM_REST)
        if now.finished:  # dgamma, a row more
            self.back += now.reader.fields["words"] + NORM_GRADIENT_REST
            now.result.complete(self.back + NORM_REST)
