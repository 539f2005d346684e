"""What units share: banks, scoreboard, streams, reports; and the queue of a unit's commands."""

from collections import Counter, deque
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import numpy as np

from trivit.host.commands import Command
from trivit.host.fixed_point import Int16
from trivit.host.generated.commands import COMMANDS
from trivit.host.generated.spec import PARAM_PORTS, TILE_DEPTH, TILE_OUTPUTS
from trivit.host.oracle.commands.banks import Banks
from trivit.host.oracle.commands.clocks import Clock, Thread
from trivit.host.oracle.commands.scoreboard import Scoreboard
from trivit.host.oracle.commands.streams import Stream, Tokens, Work

PAIR = 2 * TILE_DEPTH  # words of two rows, the even one low
TILE_WORDS = TILE_OUTPUTS // TILE_DEPTH
IDLE = "a command"
#: Blocks that take rows with partners, in the order of the engine's `stream` from 5 on and of
#: `row_writer.backward` from 1 on.
BLOCKS = ("gelu_backward", "softmax_backward", "cross_entropy")

#: Streams by name: values in a word.
_WIDTHS = {
    **{f"weights{port}": TILE_DEPTH for port in range(PARAM_PORTS)},
    **{f"rows{port}": TILE_DEPTH for port in range(PARAM_PORTS)},
    "scores": TILE_OUTPUTS,
    "sums": TILE_OUTPUTS,  # from the engine to GELU
    "direct": TILE_OUTPUTS,
    "gelu": TILE_OUTPUTS,
    "probabilities": PAIR,
    "open": TILE_OUTPUTS,  # 1 for an open key
    "measured": 2 * PAIR,  # probabilities, then 1 for each open key
    "cls": TILE_DEPTH,
    "lists": TILE_DEPTH,
    "kept": TILE_DEPTH,  # 1 for a token that stays
    "vectors": PAIR,
    "rows": PAIR,
    "normalised": PAIR,
    **{f"stored{port}": TILE_DEPTH for port in range(PARAM_PORTS)},
    **{f"matrix{port}": TILE_DEPTH for port in range(PARAM_PORTS)},
    # Of training: rows with their partners, and what becomes of them.
    **{f"{block}_rows": 2 * TILE_OUTPUTS for block in BLOCKS},
    **{f"{block}_results": TILE_OUTPUTS for block in BLOCKS},
    "gradient_rows": PAIR,
    "gradient_vectors": PAIR,
    "gradients": PAIR,
    **{f"planes{port}": TILE_DEPTH for port in range(PARAM_PORTS)},
    **{f"updated{port}": TILE_DEPTH for port in range(PARAM_PORTS)},
}


@dataclass(frozen=True)
class Report:
    """What a unit answers: saturated values, the largest magnitude, a sum of squares of update."""

    unit: str
    tag: int
    saturated: int = 0
    largest: int = 0
    squares: int = 0


@dataclass
class Shared:
    """The state of the kernel. ``reported`` is called with each report of a unit."""

    reported: Callable[[Report], None]
    saturations: Counter[int] = field(default_factory=Counter)
    scoreboard: Scoreboard = field(default_factory=Scoreboard)
    banks: Banks = field(init=False)
    streams: dict[str, Stream] = field(init=False)
    readers: Tokens = field(default_factory=lambda: Tokens("an announcement for row_reader"))
    stores: Tokens = field(default_factory=lambda: Tokens("an announcement for store"))
    loads: Tokens = field(default_factory=lambda: Tokens("an announcement for load"))

    def __post_init__(self) -> None:
        self.banks = Banks(self.scoreboard)
        self.streams = {name: Stream(name, width) for name, width in _WIDTHS.items()}


class Unit:
    """A unit with its thread, its commands and what it shares with the others."""

    def __init__(self, name: str, shared: Shared) -> None:
        self.name, self.shared, self.thread = name, shared, Thread(name)
        self.commands: deque[Command] = deque()

    def next(self) -> Generator[str, None, dict[str, int]]:
        """Return the fields of the next command."""
        while not self.commands:
            yield IDLE
        command = self.commands.popleft()
        self.thread.tag = command.tag
        self.thread.steps += 1
        return command.fields

    def take(self, stream: str, count: int) -> Generator[str, None, Int16]:
        """Return the next words of a stream."""
        return self.shared.streams[stream].take(count, self.thread)

    def send(self, stream: str, words: Int16, known: Clock | None = None) -> None:
        """Send words with all that this unit knows, or with what it knew before."""
        told = self.thread.tell()
        self.shared.streams[stream].send(words, told if known is None else known)

    def see(self, slot: int, group: int) -> Work:
        """Wait until a row group is complete."""
        while not self.shared.scoreboard.sees(slot, group, self.thread):
            yield f"row group {group} of slot {slot}"

    def report(self, saturated: int = 0, largest: int = 0, squares: int = 0) -> None:
        """Answer the command at work."""
        self.shared.saturations[self.thread.tag] += saturated
        self.shared.reported(Report(self.name, self.thread.tag, saturated, largest, squares))


def largest_of(values: Int16) -> int:
    """Return the largest magnitude of values, 0 to 32768; 0 where there are none."""
    return int(np.abs(values.astype(np.int32)).max(initial=0))


def signed(value: int, unit: str, field: str) -> int:
    """Return a field of a command as a two's complement number of its width."""
    _, width = COMMANDS[unit].fields[field]
    return value - (1 << width) if value >> (width - 1) else value


def from_pairs(words: Int16, rows: int) -> Int16:
    """Return rows (rows, n·8) of words (n, pairs, 16)."""
    count, pairs, _ = words.shape
    values = words.reshape(count, pairs, 2, TILE_DEPTH).transpose(1, 2, 0, 3)
    return values.reshape(2 * pairs, -1)[:rows]


def to_pairs(rows: Int16) -> Int16:
    """Undo from_pairs: words (n, pairs, 16), zero where a row does not exist."""
    padded = np.zeros((rows.shape[0] + rows.shape[0] % 2, rows.shape[1]), dtype=np.int16)
    padded[: len(rows)] = rows
    values = padded.reshape(len(padded) // 2, 2, -1, TILE_DEPTH).transpose(2, 0, 1, 3)
    return values.reshape(values.shape[0], values.shape[1], PAIR)


def to_tile_order(words: Int16) -> Int16:
    """Return words (n, pairs, width) in softmax's order: tile, pair, word of the tile."""
    tiles = np.split(words, range(TILE_WORDS, len(words), TILE_WORDS))
    return np.concatenate([t.transpose(1, 0, 2).reshape(-1, words.shape[2]) for t in tiles])


def from_tile_order(block: Int16, words: int, pairs: int) -> Int16:
    """Undo to_tile_order: words (n, pairs, width)."""
    tiles = np.split(block, np.arange(TILE_WORDS, words, TILE_WORDS) * pairs)
    parts = [tile.reshape(pairs, -1, block.shape[1]).transpose(1, 0, 2) for tile in tiles]
    return np.concatenate(parts)


def group_rows(rows: int, group: int, tokens: int) -> int:
    """Return the rows of row group ``group`` of ``rows`` rows, ``tokens`` to a group."""
    return min(tokens, rows - group * tokens)
