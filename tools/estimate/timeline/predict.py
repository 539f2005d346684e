"""The engine's products in order, with what each waits for."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from trivit.host.commands import Command, decode, from_words
from trivit.host.schedule import Schedule
from trivit.host.tiles import ceil_div
from trivit.tools.estimate.timeline.blocks import (
    Normalisation,
    Normalise,
    RowWriter,
    Softmax,
    Store,
)
from trivit.tools.estimate.timeline.latencies import (
    APART,
    END,
    FENCED,
    FIRST_WORD,
    GUARD,
    LOAD_ANNOUNCED,
    LOAD_CYCLES,
    LOAD_REST,
    LOAD_WORDS,
    LOADED,
    MEMORY_LATENCY,
    PORTS,
    QUEUE,
    QUEUED,
    REFRESHED,
    REPORTED,
    SEEN,
    SELECT_REST,
    SELECT_WORDS,
    START,
    STREAM_ROWS,
    TILE_TOKENS,
)
from trivit.tools.estimate.timeline.ring import Fill, Ring
from trivit.tools.estimate.timeline.slots import RowGroups, Scoreboard

_SOFTMAX = 1  # `stream` of a product
#: Units whose commands wait for the product that feeds them.
_WAITING = (
    *("softmax", "softmax_writer", "select", "row_writer"),
    *("row_reader", "norm_writer", "store"),
)


@dataclass(frozen=True, kw_only=True)
class ProductTime:
    """A product of the engine: its instruction, its cycles, and those it needs at least.

    ``begin`` and ``end`` are the cycles in which its first and last depth word are issued, counted
    from the job's start; ``limit`` is the array's; ``waits`` the cycles lost before and between its
    depth words, by cause (STALL_* in hls/rtl/engine_types.sv). Of all products together, limits and
    waits are the cycles up to the last one's end.
    """

    tag: int
    begin: int
    end: int
    limit: int
    waits: dict[str, int]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """All products, and the cycle in which the program is complete. Modelled."""

    products: tuple[ProductTime, ...]
    cycles: int

    @property
    def limit(self) -> int:
        """Cycles of the array alone: the sum over products of row groups, tiles, depth words."""
        return sum(product.limit for product in self.products)

    def limits(self, tags: int) -> list[int]:
        """Return the cycles of each instruction in which the array works."""
        limits = [0] * tags
        for product in self.products:
            limits[product.tag] += product.limit
        return limits

    def waits(self, tags: int) -> list[dict[str, int]]:
        """Return the other cycles of each instruction by cause; ``end``: behind all products."""
        waits: list[Counter[str]] = [Counter() for _ in range(tags)]
        for product in self.products:
            waits[product.tag].update(product.waits)
        waits[-1]["end"] += self.cycles - self.products[-1].end - 1
        return [dict(counted) for counted in waits]


class Prediction:
    """The state of a prediction of inference, command by command."""

    def __init__(self, later: int, commands: int, stream_rows: int) -> None:
        self.start = START + later
        self.queue = commands
        self.stream_rows = stream_rows
        self.board = Scoreboard()
        self.ring = Ring()
        self.normalise = Normalise()
        self.stores: list[Store] = []
        self.softmax: Softmax | None = None
        self.writer: RowWriter | None = None
        self.waiting: dict[str, deque[Command]] = {unit: deque() for unit in _WAITING}
        self.products: list[ProductTime] = []
        self.free = 0  # the cycle in which the next depth word can be issued
        self.first_before = -APART
        self.last_before = -APART
        self.accepted = self.start
        self.asked = 0  # words of a port, of the commands so far
        self.rows_in = self.start + FIRST_WORD
        self.load_free = 0
        self.announced: deque[int] = deque()  # cycles in which loads may begin that wait for it
        self.list_in = 0  # the cycle in which the row writer has the latest list
        self.finish = 0
        self.held: Command | None = None  # a product whose operand may still be loaded

    def command(self, command: Command) -> None:
        """Take the next command."""
        unit = command.unit
        if unit == "engine":
            self.flush()
            self._engine(command)
        elif unit == "move_weights":
            self.asked += command.fields["words"]
        elif unit == "move_rows" and command.fields["ports"] != 1:
            # A port serves its oldest command first.
            before = self.start + FIRST_WORD + self.asked + self.asked // REFRESHED
            if command.fields["fenced"]:
                before = max(store.sent for store in self.stores) + FENCED
            self.rows_in = max(self.rows_in, before) + command.fields["words"]
            self.asked += command.fields["words"]
        elif unit == "load" and not command.fields["vectors"]:
            self._load(command)
        elif unit in _WAITING and not command.fields.get("list"):
            self.waiting[unit].append(command)

    def flush(self) -> None:
        """Run the product that was held."""
        if self.held is not None:
            held, self.held = self.held, None
            self._product(held)

    def _load(self, command: Command) -> None:
        """Row groups come at the pace of the four ports, one load after the other."""
        fields = command.fields
        if fields["announced"]:
            if not self.announced:
                self.flush()
            self.load_free = max(self.load_free, self.announced.popleft() + LOAD_ANNOUNCED)
        groups = ceil_div(fields["rows"], TILE_TOKENS)
        words = ceil_div(fields["rows"], PORTS) * fields["words"]
        cycles = words * LOAD_CYCLES // LOAD_WORDS
        begin = max(self.rows_in - words, self.load_free)
        self.load_free = begin + cycles + LOAD_REST
        if fields["complete"]:
            for group in range(groups):
                come = begin + cycles * (group + 1) // groups
                self.board[fields["slot"]].complete(come + LOADED)

    def _engine(self, command: Command) -> None:
        fields = command.fields
        products = self.products
        # Room in the queue: the product so many before has been taken by the array.
        taken = products[-self.queue].begin if len(products) >= self.queue else 0
        self.accepted = max(self.accepted + GUARD, taken)
        tiles = ceil_div(fields["out_words"], PORTS)
        if fields["place"] or fields["fill"]:
            placed = fields["place"] and not fields["fill"]
            rows = self.board[fields["source_slot"]] if placed else None
            fill = Fill(
                tiles=tiles,
                depth_words=fields["depth_words"],
                bias=bool(fields["has_bias"]),
                accepted=max(self.accepted, self.rows_in),
                rows=rows,
                transposed=bool(fields["transposed"]),
                out_words=fields["out_words"],
                first=fields["source_first"] if placed else 0,
            )
            self.ring.pending.append(self._fill(fill))
        if not fields["place"]:
            self.held = command

    def _fill(self, fill: Fill) -> Fill:
        """Return what the ring gets, which a step may change."""
        return fill

    def _begin(self, command: Command, cycle: int) -> None:
        fields = command.fields
        if fields["claim"]:
            self.board.clear(fields["target_slot"])
        self.board.clear(fields["clear_slot"])
        self._announce(command, cycle)

    def _announce(self, command: Command, cycle: int) -> None:
        fields = command.fields
        if fields["announce_reader"]:
            reader = self.waiting["row_reader"].popleft()
            result = self.waiting["norm_writer"].popleft()
            source = self.board[reader.fields["slot"]]
            target = self.board[result.fields["slot"]]
            self.normalise.announce(Normalisation(reader, source, target, cycle))
        if fields["announce_load"]:
            self.announced.append(cycle)
        if fields["announce_store"]:
            store = Store(self.waiting["store"].popleft())
            source = self.board[store.command.fields["slot"]]
            source.listen(store, store.command.fields["first"], cycle)
            self.stores.append(store)

    def _product(self, command: Command) -> None:
        fields = command.fields
        tiles = ceil_div(fields["out_words"], PORTS)
        depth = fields["depth_words"]
        groups = ceil_div(fields["rows"], TILE_TOKENS)
        home = self.ring.home() + fields["ring_offset"]
        source = self.board[fields["source_slot"]]
        residual = self.board[fields["residual_slot"]]
        waits: dict[str, int] = {}
        if self.accepted + QUEUED > self.free:
            waits["command"] = self.accepted + QUEUED - self.free
            self.free = self.accepted + QUEUED
        begin = 0
        for number, (tile, group) in enumerate(_order(tiles, groups, bool(fields["rows_outer"]))):
            rows = min(TILE_TOKENS, fields["rows"] - group * TILE_TOKENS)
            word = home + tile * depth
            ready = {
                "short": self.first_before + APART,
                "source": self._source(source, command, group),
                "weights": self.ring.filled_at(word),
                "stream": self._room(command, rows),
            }
            if fields["has_residual"]:
                ready["residual"] = residual.at(fields["residual_first"] + group)
            cause = max(ready, key=lambda name: ready[name])
            first = max(self.free, ready[cause])
            if first > self.free:
                waits[cause] = waits.get(cause, 0) + first - self.free
            last = first + depth - 1
            late = {
                "short": self.last_before + APART,
                "weights": self.ring.filled_at(word + depth - 1),
            }
            cause = max(late, key=lambda name: late[name])
            if late[cause] > last:
                waits[cause] = waits.get(cause, 0) + late[cause] - last
                last = late[cause]
            self.first_before, self.last_before = first, last
            self.free = last + 1
            if number == 0:
                begin = first
                self._begin(command, first)
            if group + 1 == groups and not fields["rows_outer"] and not fields["keep"]:
                self.ring.release(last, depth)
            self._result(command, tile, tiles, group, rows, last)
        if fields["rows_outer"] and not fields["keep"]:
            self.ring.release(self.last_before, depth * tiles)
        self.finish = max(self.finish, self.last_before + REPORTED)
        self.products.append(
            ProductTime(
                tag=command.tag,
                begin=begin,
                end=self.last_before,
                limit=tiles * groups * depth,
                waits=waits,
            )
        )

    def _source(self, source: RowGroups, command: Command, group: int) -> int:
        fields = command.fields
        if fields["transposed"]:
            return source.at(fields["source_first"] + fields["depth_words"] - 1)
        return source.at(fields["source_first"] + group)

    def _room(self, command: Command, rows: int) -> int:
        if command.fields["stream"] == 0:
            return 0
        if command.fields["stream"] != _SOFTMAX:
            return self._writer().room(rows)
        if self.softmax is None or self.softmax.complete:
            self.softmax = Softmax(
                self.waiting["softmax"].popleft(),
                self.waiting["softmax_writer"].popleft(),
                self.stream_rows,
            )
        return self.softmax.room(rows)

    def _writer(self) -> RowWriter:
        if self.writer is None or self.writer.complete:
            command = self.waiting["row_writer"].popleft()
            if command.fields["compact"]:
                self._select()
            begin = self.list_in if command.fields["compact"] else 0
            self.writer = RowWriter(command, self.stream_rows, begin)
        return self.writer

    def _select(self) -> None:
        """Find when the row writer has the list of the latest attention."""
        if self.softmax is not None and self.waiting["select"]:
            words = ceil_div(self.waiting["select"].popleft().fields["tokens"], TILE_TOKENS)
            self.list_in = self.softmax.cls_out + SELECT_WORDS * words + SELECT_REST

    def _result(
        self, command: Command, tile: int, tiles: int, group: int, rows: int, last: int
    ) -> None:
        fields = command.fields
        last_tile = tile + 1 == tiles
        if fields["to_banks"] and last_tile:
            self.board[fields["target_slot"]].complete(last + SEEN)
        if fields["stream"] == _SOFTMAX and self.softmax is not None:
            slot = self.board[self.softmax.writer.fields["slot"]]
            self.softmax.scores(tile, rows, last, slot)
        elif fields["stream"]:
            writer = self._writer()
            slot = self.board[writer.command.fields["slot"]]
            self.finish = max(self.finish, writer.tile(last_tile, rows, last, slot))


def _order(tiles: int, groups: int, rows_outer: bool) -> Iterator[tuple[int, int]]:
    if rows_outer:
        return ((tile, group) for group in range(groups) for tile in range(tiles))
    return ((tile, group) for tile in range(tiles) for group in range(groups))


def predict(
    schedule: Schedule,
    memory_latency: int = MEMORY_LATENCY,
    *,
    commands: int = QUEUE,
    stream_rows: int = STREAM_ROWS,
) -> Timeline:
    """Return the modelled timeline of one image.

    ``memory_latency`` is that of DDR in cycles; it shows before the first product and behind the
    last one alone, because everything else is asked for in time. ``commands`` are the products that
    wait in the engine, ``stream_rows`` the rows that wait behind it (hls/kernel.yaml).
    """
    later = memory_latency - MEMORY_LATENCY
    prediction = Prediction(later, commands, stream_rows)
    for word in from_words(schedule.commands):
        prediction.command(decode(word))
    prediction.flush()
    finish = max(prediction.finish, *(store.sent for store in prediction.stores), 0)
    return Timeline(products=tuple(prediction.products), cycles=finish + END + later)
