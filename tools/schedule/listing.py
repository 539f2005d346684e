"""The list of commands while it grows, with what they need in DDR and what can be watched."""

from __future__ import annotations

from collections import Counter

from trivit.host.commands import decode, encode
from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import PARAM_PORTS, TILE_DEPTH
from trivit.host.schedule import Watched
from trivit.host.tiles import ceil_div
from trivit.tools.errors import ToolsError
from trivit.tools.schedule.operations import Value
from trivit.tools.schedule.plan import Plan
from trivit.tools.schedule.ring import Ring

ALL_PORTS = (1 << PARAM_PORTS) - 1
PARAMS, IMAGES, OUTPUT = 0, 1, 2  # regions in DDR
SOFTMAX, GELU, ROW_WRITER = 1, 2, 3  # who takes the engine's rows


class Listing:
    """Commands in program order.

    ``params`` is the bundle's parameter region, ``output_words`` the size of its output region.
    """

    def __init__(self, plan: Plan, params: Int16, output_words: int) -> None:
        self.plan, self.params, self.output_words = plan, params, output_words
        self.waiting: dict[Value, int] = {}  # words of the output region where values wait
        self.commands: list[int] = []
        self.extra: list[Int16] = []
        self.watched: list[Watched] = []
        self.reports: Counter[str] = Counter()
        self.ring = Ring()
        self._words = params.size // TILE_DEPTH
        self._places: dict[bytes, int] = {}

    def add(self, unit: str, tag: int, *, end: int = 0, **fields: int) -> None:
        """Append a command.

        Raises:
            ToolsError: a value that its field does not hold.
        """
        try:
            command = encode(unit, tag=tag, end=bool(end), **fields)
        except HostError as error:
            raise ToolsError(
                f"instruction {tag} does not fit the accelerator ({error}): use the present one, "
                "or choose smaller sizes or closer fraction lengths"
            ) from error
        self.commands.append(command)
        self.reports[unit] += decode(command).reports

    def rows(self, address: int, words: int) -> Int16:
        """Return ``words`` words of the bundle's parameters, (words·8,)."""
        return self.params[address * TILE_DEPTH : (address + words) * TILE_DEPTH]

    def store_params(self, block: Int16) -> int:
        """Put whole words behind the bundle's parameters, equal ones once; return their address."""
        key = block.tobytes()
        if key not in self._places:
            self._places[key] = self._words
            self.extra.append(block)
            self._words += block.size // TILE_DEPTH
        return self._places[key]

    def wait(self, value: Value) -> int:
        """Find a place behind the output where a value waits; return its first word."""
        self.waiting[value] = self.output_words
        self.output_words += PARAM_PORTS * self.segment(value)
        return self.waiting[value]

    @staticmethod
    def segment(value: Value) -> int:
        """Return the words that each port has of a value that waits."""
        return ceil_div(value.rows, PARAM_PORTS) * value.words

    def watch(self, value: Value, unit: str, first_row: int = 0) -> None:
        """Note that ``value`` is complete with the last report of ``unit`` so far."""
        if value.named:
            self.watched.append(
                Watched(
                    name=value.name,
                    instruction=value.instruction,
                    address=self.plan.address[value],
                    stride=value.words,
                    rows=value.rows,
                    words=value.words,
                    columns=value.columns,
                    unit=unit,
                    report=self.reports[unit] - 1,
                    first_row=first_row,
                )
            )
