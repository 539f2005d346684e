"""When each value lives: who tells outside readers to look, slots of the scoreboard, addresses."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from trivit.host.generated.commands import COMMANDS
from trivit.host.generated.spec import TILE_TOKENS
from trivit.host.tiles import depth_words, row_groups
from trivit.tools.allocation import Interval, allocate, bank_words
from trivit.tools.errors import ToolsError
from trivit.tools.schedule.operations import (
    Attention,
    Network,
    Norm,
    Operation,
    Product,
    Store,
    Value,
)
from trivit.tools.schedule.parts import Part, keys_first, parts
from trivit.tools.schedule.steps import Steps, steps

_BIASES = 2  # heads whose biases are in the banks, twice as many of a few row groups
_SMALL = 16
SLOTS = (1 << COMMANDS["engine"].fields["target_slot"][1]) - 1


@dataclass
class Plan:
    """Decisions about a network.

    ``address`` and ``slot`` of each value (no slot: 0); ``steps`` of each attention;
    ``parts`` of each product; ``norms`` and ``stores`` by the operation that tells their reader to
    look; ``loads``: operations whose last product tells that the next one's loads may begin;
    ``clears``: values whose slot an operation empties for a writer outside the engine, in the order
    of its products.
    """

    address: dict[Value, int] = field(default_factory=dict)
    slot: dict[Value, int] = field(default_factory=dict)
    steps: dict[Attention, Steps] = field(default_factory=dict)
    parts: dict[Product, list[Part]] = field(default_factory=dict)
    norms: dict[int, Product] = field(default_factory=dict)
    stores: dict[int, Store] = field(default_factory=dict)
    loads: set[int] = field(default_factory=set)
    clears: dict[int, list[Value]] = field(default_factory=lambda: defaultdict(list))


@dataclass
class _Life:
    """First and last operation during which a value exists.

    The engine claims its slot, or a product of operation ``emptied`` empties it before.
    """

    first: int
    last: int
    claimed: bool = False
    emptied: int = 0
    counted: bool = True


def plan(network: Network, lag: int, depth: int) -> Plan:
    """Return when and where each value lives, in ``depth`` words of each bank.

    Raises:
        NoRoomError: the banks are too small.
        ToolsError: the scoreboard is too small, or nobody can announce a store.
    """
    decided = Plan()
    for number, operation in enumerate(network.operations):
        if isinstance(operation, Attention):
            decided.steps[operation] = steps(operation, lag)
            operation.probabilities = _probabilities(operation, number, decided.steps[operation])
            if "bias" in operation.flags:
                operation.bias = _bias(operation, number)
                decided.loads.add(number - 1)
        elif operation.loads and number:
            decided.loads.add(number - 1)
    _announce(network, decided)
    for number, operation in enumerate(network.operations):
        if isinstance(operation, Product):
            words = operation.output.words
            following = network.operations[number + 1 :][:1]
            feeds = operation.thirds is not None or _feeds(operation, following)
            split = keys_first(words, operation.thirds) if feeds else None
            if split is not None and operation.rows == operation.output.rows:
                operation.output.first = row_groups(operation.rows)
            elif split is not None:  # rows of one product after the other: counted once
                split = [replace(part, counts=part is split[-1]) for part in split]
            decided.parts[operation] = split or parts(
                operation.source.words,
                words,
                normalised=_normalised(operation, decided.norms.get(number)),
                loaded=_loaded(operation),
            )
    lives = _lives(network, decided)
    _empty(network, decided, lives)
    decided.slot = _slots(lives)
    decided.address = _addresses(network, lives, depth)
    return decided


def _normalised(product: Product, reader: Product | None) -> bool:
    """Return whether the rows that the product writes are normalised meanwhile."""
    return reader is not None and _norm(reader).source is product.output


def _loaded(product: Product) -> int:
    """Return the words of a row that are loaded while the product works on it."""
    back = 0 if product.reload is None else product.source.words
    return back + sum(load.value.words for load in product.loads)


def _feeds(product: Product, following: list[Operation]) -> bool:
    """Return whether the engine writes queries, keys and values of the operation that follows."""
    return any(
        isinstance(other, Attention) and other.source is product.output and not product.streams
        for other in following
    )


def _probabilities(attention: Attention, number: int, steps: Steps) -> Value:
    """Return the ring of row groups between scores and context."""
    rows = steps.row_groups * TILE_TOKENS
    name = f"probabilities of instruction {attention.tag}"
    return Value(name, rows, depth_words(attention.rows), number, attention.tag)


def _bias(attention: Attention, number: int) -> Value:
    """Return the places of the biases of some heads: as many as are loaded ahead, and one."""
    groups = row_groups(attention.rows)
    places = min(attention.heads, _BIASES if groups > _SMALL else 2 * _BIASES)
    name = f"biases of instruction {attention.tag}"
    rows = places * groups * TILE_TOKENS
    return Value(name, rows, depth_words(attention.rows), number - 1, attention.tag)


def _announce(network: Network, decided: Plan) -> None:
    """Choose the operation at whose beginning each reader outside the engine may look.

    Rows are normalised beside the operation before the one that needs them, which writes them or
    comes behind the one that does. What is stored is told of by the operation that writes it; by a
    later one if that one has told of another store. Readers obey in the order in which their
    results are needed, so each finds its own.
    """
    for number, operation in enumerate(network.operations):
        if isinstance(operation, Product) and operation.norm is not None:
            norm, last = operation.norm, number - 1
            norm.result.writer = last
            decided.norms[last] = operation
    last = -1
    released = {
        operation.reload.last: number
        for number, operation in enumerate(network.operations)
        if isinstance(operation, Product) and operation.reload is not None
    }
    for store in sorted(network.stores, key=lambda store: store.value.writer):
        last = max(store.value.writer, last + 1)
        if last >= len(network.operations):
            raise ToolsError(
                f"instruction {store.tag} stores '{store.value.name}' when no product is left to "
                "announce it: store fewer tensors at the end"
            )
        if last >= released.get(store.value, last + 1):
            raise ToolsError(
                f"'{store.value.name}' waits in DDR, and nobody announces its store in time: store "
                "fewer tensors on the way"
            )
        decided.stores[last] = store


def _lives(network: Network, decided: Plan) -> dict[Value, _Life]:
    """Return the lives of all values, in the order of their beginnings.

    Who writes outside the engine may still be at it when the engine goes on. A value that nobody
    reads whole, and one that is stored, therefore keeps its place to the end; one that waits in
    DDR, until a load behind that store has been read. What nobody reads at all is not counted.
    """
    end = len(network.operations) - 1
    lives: dict[Value, _Life] = {}
    read: set[Value] = set()
    whole: set[Value] = set()
    waiting: set[Value] = set()  # or back from DDR
    for number, operation in enumerate(network.operations):
        if isinstance(operation, Product) and operation.reload is not None:
            reload = operation.reload
            lives[reload.value] = _Life(reload.behind + 1, number)
            lives[reload.last].last = number
            waiting |= {reload.value, reload.last}
        if isinstance(operation, Product):
            for load in operation.loads:
                first = _free_for_load(network, decided, number)
                lives[load.value] = _Life(first, number)
                waiting.add(load.value)
        if number in decided.norms:
            lives[_norm(decided.norms[number]).result] = _Life(number, number)
        lives.setdefault(operation.output, _Life(number, number)).last = number
        for value in operation.reads():
            lives[value].last = number
            read.add(value)
            if operation.reads_last(value):
                whole.add(value)
        if isinstance(operation, Attention):
            lives[operation.output].claimed = True
            lives[operation.probabilities] = _Life(number, number)
            whole.add(operation.probabilities)
            read.add(operation.probabilities)
            if operation.bias is not None:
                first = _free_for_load(network, decided, number)
                lives[operation.bias] = _Life(first, number)
                whole.add(operation.bias)
                read.add(operation.bias)
            if operation.select is not None:
                lives.setdefault(operation.select.output, _Life(number, number)).last = number
            continue
        if operation.kept is not None:  # whose rows tell that the list was written
            lives[operation.kept].last = number
            whole.add(operation.kept)
        lives[operation.output].claimed = not operation.streams
        if operation.norm is not None:
            lives[operation.norm.source].last = number
            read.add(operation.norm.source)
            if operation.reads_last(operation.norm.source):
                whole.add(operation.norm.source)
    for value, life in lives.items():
        life.emptied = life.first
        life.counted = value.stored or value in read
        if value not in waiting and (value.stored or value not in whole):
            life.last = end
    return lives


def _free_for_load(network: Network, decided: Plan, number: int) -> int:
    """Return the operation from which on what is loaded for operation ``number`` has its place.

    The last product of the operation before announces that it may be loaded. If products of that
    came before the last one, they have been issued, so their operands were complete, and whoever
    wrote these has read everything, residuals too; patches and positions were loaded, but then the
    engine has moved more rows on than wait in it (tiling.py). Else that holds for one operation
    less.
    """
    if number == 0:
        return 0
    before = network.operations[number - 1]
    alone = isinstance(before, Product) and len(decided.parts[before]) == 1
    return max(number - 1 - alone, 0)


def _norm(product: Product) -> Norm:
    assert product.norm is not None
    return product.norm


def _empty(network: Network, decided: Plan, lives: dict[Value, _Life]) -> None:
    """Choose the product that empties the slot of each value that the engine does not claim.

    A product empties one slot. What is too much for an operation goes to the one before, and the
    slot is taken that much earlier. Before the first one all slots are empty.
    """
    wanted: dict[int, list[Value]] = defaultdict(list)
    for number, operation in enumerate(network.operations):
        if isinstance(operation, Attention) and operation.select is not None and operation.begins:
            lives[operation.select.output].emptied -= 1  # nothing may stand beside the scores
        if isinstance(operation, Attention) and operation.bias is not None:
            lives[operation.bias].emptied = number - 1  # whose last product announces the load
        if isinstance(operation, Product) and operation.reload is not None:
            lives[operation.reload.value].emptied = operation.reload.behind
        if isinstance(operation, Product):
            for load in operation.loads:
                lives[load.value].emptied = max(number - 1, 0)
    for value, life in lives.items():
        if life.counted and not life.claimed:
            wanted[life.emptied].append(value)
    for number in reversed(range(1, len(network.operations))):
        operation, values = network.operations[number], wanted[number]
        # First what this operation's own rows reach, then whose readers it announces.
        mine = operation.probabilities if isinstance(operation, Attention) else operation.output
        values.sort(key=lambda value: (value is not mine, value.writer != number))
        room = (
            2 * decided.steps[operation].products
            if isinstance(operation, Attention)
            else len(decided.parts[operation])
        )
        decided.clears[number] = values[:room]
        for value in values[room:]:
            lives[value].emptied = number - 1
            wanted[number - 1].append(value)


def _slots(lives: dict[Value, _Life]) -> dict[Value, int]:
    """Return the slot of each value; one is used again when its value is read."""
    taken: dict[int, tuple[int, Value]] = {}
    slots: dict[Value, int] = {}
    for value, life in sorted(lives.items(), key=lambda item: item[1].emptied):
        if not life.counted:
            slots[value] = 0
            continue
        free = [s for s in range(1, SLOTS + 1) if s not in taken or taken[s][0] < life.emptied]
        if not free:
            others = ", ".join(f"'{other.name}'" for _, other in taken.values())
            raise ToolsError(
                f"'{value.name}' needs a slot of the scoreboard while {others} have all {SLOTS}: "
                "let fewer instructions read or store the same tensors"
            )
        slots[value] = free[0]
        taken[free[0]] = (life.last, value)
    return slots


def _addresses(network: Network, lives: dict[Value, _Life], depth: int) -> dict[Value, int]:
    """Return the address of each value; a sum may take the place of its residual."""
    place: dict[Value, Value] = {}
    for number, operation in enumerate(network.operations):
        if not isinstance(operation, Product) or operation.streams or operation.residual is None:
            continue
        residual, output = operation.residual, operation.output
        fits = (residual.rows, residual.words) == (output.rows, output.words)
        read_beside = operation.norm is not None and operation.norm.source is residual
        if fits and not read_beside and lives[residual].last == number:
            place[output] = place.get(residual, residual)
    spans: dict[Value, tuple[int, int]] = {}
    for value, life in lives.items():
        home = place.get(value, value)
        first, last = spans.get(home, (life.first, life.last))
        spans[home] = (min(first, life.first), max(last, life.last))
    intervals: dict[Value, Interval] = {}
    for value, (first, last) in spans.items():
        same = sum(other.name == value.name for other in intervals)
        label = f"{value.name} ({same + 1})" if same else value.name
        intervals[value] = Interval(label, bank_words(value.rows, value.words), first, last)
    addresses = allocate(list(intervals.values()), depth)
    return {value: addresses[intervals[place.get(value, value)].name] for value in lives}
