"""Cuts a network that is larger than the activation banks into pieces that fit.

What exists for two operations alone need not exist as a whole: queries, keys and values of some
heads at a time, rows of a hidden layer at a time. README.md says what that costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS
from trivit.host.oracle.checks import column_tiles
from trivit.host.tiles import depth_words, row_groups
from trivit.tools.allocation import NoRoomError
from trivit.tools.errors import ToolsError
from trivit.tools.schedule.operations import (
    Attention,
    Network,
    Norm,
    Operation,
    Product,
    Thirds,
    Value,
)
from trivit.tools.schedule.parts import NORM_CLOCKS
from trivit.tools.schedule.plan import Plan, plan

_TILE_WORDS = TILE_OUTPUTS // TILE_DEPTH
_DRAINED = 200  # cycles until the last probabilities of some heads have become context
_NOTHING_LOST = 31  # a shift behind which no sum saturates


@dataclass
class Cuts:
    """By the number of an operation of the whole network.

    ``pieces``: into how many it and the next one are cut, heads first and then, for each group of
    heads, rows of the product; ``pauses``: operations whose source is
    normalised behind the operation before instead of beside it.
    """

    pieces: dict[int, int] = field(default_factory=dict)
    pauses: set[int] = field(default_factory=set)


def fitted(network: Network, lag: int, depth: int) -> tuple[Network, Plan]:
    """Return a network that fits ``depth`` words of each bank, cut little further than it must be.

    Raises:
        ToolsError: none does, or as ``plan``.
    """
    cuts, possible = Cuts(), _possible(network)
    while True:
        pieces, origins = _cut(network, cuts)
        try:
            return pieces, plan(pieces, lag, depth)
        except NoRoomError as error:
            ways = set()
            for step, problem in error.problems.items():
                way = _way(network, cuts, possible, origins[step])
                if way is None:
                    tag = pieces.operations[step].tag
                    raise ToolsError(
                        f"{problem}; instruction {tag} cannot be cut into smaller pieces"
                    ) from None
                ways.add(way)
            for number, count in ways:
                if count:
                    cuts.pieces[number] = count
                else:
                    cuts.pauses.add(number)


def _way(
    network: Network, cuts: Cuts, possible: dict[int, int], number: int
) -> tuple[int, int] | None:
    """Return the cheapest way to make operation ``number`` smaller, if there is any.

    It is the first operation of a pair and into how many pieces, or an operation and 0: a pause.
    """
    whole, following = network.operations, number + 1
    pairs = [number, number - 1]
    if following + 1 < len(whole) and isinstance(whole[following + 1], Product):
        pairs.append(following)  # whose rows may be normalised meanwhile: fewer are
    ways: list[tuple[int, int, int]] = []  # cost in cycles, first operation of the pair, pieces
    for first in pairs:
        count = cuts.pieces.get(first, 1)
        if count < possible.get(first, 1):
            more = min(count + max(1, count // 8), possible[first])
            ways.append((_lost(whole, first, more) - _lost(whole, first, count), first, more))
    after = whole[following] if following < len(whole) else None
    if isinstance(after, Product) and after.norm is not None and following not in cuts.pauses:
        pause = NORM_CLOCKS * after.source.words * row_groups(after.rows)
        ways.append((pause, following, 0))
    return min(ways)[1:] if ways else None


def _lost(whole: list[Operation], number: int, count: int) -> int:
    """Return about how many cycles it costs to cut a pair of operations into ``count`` pieces."""
    first, second = whole[number], whole[number + 1]
    groups = row_groups(first.output.rows)
    if isinstance(second, Attention) and isinstance(first, Product):
        count, pieces = _heads_and_rows(second, count)
        again = column_tiles(first.output.words) * first.source.words
        lost = sum(
            max(0, TILE_DEPTH - (end - begin)) * again for begin, end in _shares(groups, pieces)
        )
        # Rows for the next heads are normalised while these are at work.
        keys, head = depth_words(second.rows), second.fields["head_words"]
        work = groups * (column_tiles(keys) * head + column_tiles(head) * keys)
        norm = NORM_CLOCKS * first.source.words * groups if first.norm else 0
        shares = _shares(second.heads, count)
        return lost + sum(_DRAINED + max(0, norm - (end - begin) * work) for begin, end in shares)
    # The ports bring a depth word of weights in 8 cycles; a piece works at it for one a row group.
    matrices = sum(
        column_tiles(o.output.words) * o.source.words
        for o in (first, second)
        if isinstance(o, Product)
    )
    shares = _shares(groups, count)
    return sum(max(0, TILE_DEPTH - (end - begin)) * matrices for begin, end in shares)


def _possible(network: Network) -> dict[int, int]:
    """Return into how many pieces each pair of operations can be cut, by its first one."""
    readers = Counter(value for o in network.operations for value in _inputs(o))
    found: dict[int, int] = {}
    for number, (first, second) in enumerate(
        zip(network.operations, network.operations[1:], strict=False)
    ):
        if number == 0 or not isinstance(first, Product) or first.kept or first.residual:
            continue
        between = first.output
        if between.stored or readers[between] > 1 or between not in _inputs(second):
            continue
        if isinstance(second, Attention):
            if not first.streams:
                found[number] = _head_pieces(second) + row_groups(first.rows) - 1
        elif not second.streams and second.norm is None and second.source is between:
            found[number] = row_groups(first.rows) if second.rows == first.rows else 1
    return found


def _inputs(operation: Operation) -> Iterator[Value]:
    """Yield the values that an operation reads, its normalised source as it is stored."""
    norm = operation.norm if isinstance(operation, Product) else None
    for value in operation.reads():
        yield norm.source if norm is not None and value is norm.result else value


def _head_pieces(attention: Attention) -> int:
    """Return how many groups of heads there can be: each begins and ends with a tile."""
    return attention.heads // _heads_of_a_tile(attention)


def _heads_of_a_tile(attention: Attention) -> int:
    words = attention.fields["head_words"]
    if attention.heads * words % _TILE_WORDS:
        return attention.heads
    return next(n for n in range(1, _TILE_WORDS + 1) if n * words % _TILE_WORDS == 0)


def _cut(network: Network, cuts: Cuts) -> tuple[Network, list[int]]:
    """Return the network in pieces, and which operation each of its own comes from."""
    operations: list[Operation] = []
    origins: list[int] = []

    def add(number: int, made: Iterable[Operation]) -> None:
        for operation in made:
            operations.append(operation)
            origins.append(number)

    whole = network.operations
    nothing = Value("the results of pauses", 1, _TILE_WORDS, 0, 0)
    number = 0
    while number < len(whole):
        operation = whole[number]
        if number in cuts.pauses and isinstance(operation, Product):
            add(number, [_pause(operation, nothing)])
        count = cuts.pieces.get(number, 1)
        if count == 1:
            add(number, [operation])
            number += 1
            continue
        second = whole[number + 1]
        assert isinstance(operation, Product)
        groups: Iterator[tuple[Operation, ...]]
        if isinstance(second, Attention):
            groups = _by_heads(operation, second, count)
        else:
            groups = _by_rows(operation, second, count)
        for group in groups:
            add(number, group[:-1])
            add(number + 1, group[-1:])
        number += 2
    for place, operation in enumerate(operations):
        operation.output.writer = place
        if isinstance(operation, Attention) and operation.select and operation.begins:
            operation.select.output.writer = place
    return replace(network, operations=operations), origins


def _heads_and_rows(attention: Attention, count: int) -> tuple[int, int]:
    """Return into how many groups of heads an attention is cut, and the rows before each."""
    heads = min(count, _head_pieces(attention))
    return heads, count - heads + 1


def _by_heads(
    product: Product, attention: Attention, count: int
) -> Iterator[tuple[Operation, ...]]:
    """Yield queries, keys and values of some heads, and the attention of these heads."""
    words, size = attention.fields["head_words"], _heads_of_a_tile(attention)
    count, pieces = _heads_and_rows(attention, count)
    for first, end in _shares(attention.heads // size, count):
        heads = (end - first) * size
        first *= size
        source = Value(
            f"heads {first} to {first + heads - 1} of '{product.output.name}'",
            product.rows,
            3 * heads * words,
            0,
            product.tag,
        )
        yield (
            *(
                replace(
                    _normalising(product, rows),
                    output=source,
                    rows=rows,
                    reads_from=begin,
                    writes_from=begin,
                    thirds=Thirds(first * words, product.output.words),
                )
                for begin, rows in _rows(product.rows, pieces)
            ),
            replace(
                attention,
                fields={**attention.fields, "heads": heads},
                source=source,
                first_head=first,
                all_heads=attention.heads,
            ),
        )


def _by_rows(first: Product, second: Product, count: int) -> Iterator[tuple[Product, Product]]:
    """Yield some rows of a product, and those of the product that reads them."""
    for begin, rows in _rows(first.rows, count):
        between = Value(
            f"rows {begin * TILE_TOKENS} to {begin * TILE_TOKENS + rows - 1} of "
            f"'{first.output.name}'",
            rows,
            first.output.words,
            0,
            first.tag,
        )
        yield (
            replace(_normalising(first, rows), output=between, rows=rows, reads_from=begin),
            replace(
                second,
                source=between,
                rows=rows,
                writes_from=begin,
                completes=begin * TILE_TOKENS + rows == second.rows,
            ),
        )


def _rows(rows: int, count: int) -> Iterator[tuple[int, int]]:
    """Yield the first row group and the rows of ``count`` parts of ``rows``."""
    for begin, end in _shares(row_groups(rows), count):
        yield begin, min(end * TILE_TOKENS, rows) - begin * TILE_TOKENS


def _shares(total: int, count: int) -> Iterator[tuple[int, int]]:
    """Yield begin and end of ``count`` parts of ``total``, as equal as they can be."""
    for number in range(count):
        yield total * number // count, total * (number + 1) // count


def _normalising(product: Product, rows: int) -> Product:
    """Return the product with normalised rows of its own, ``rows`` of them, if it has any."""
    if product.norm is None:
        return product
    result = replace(product.norm.result, rows=rows)
    return replace(product, source=result, norm=Norm(product.norm.source, result))


def _pause(following: Product, nothing: Value) -> Product:
    """Return a product of one tile and row group, for whose sake the engine tells a reader to look.

    Nobody reads its result, a row that all pauses write.
    """
    assert following.norm is not None
    shifts = {"bias_shift": 0, "residual_shift": 0, "out_shift": _NOTHING_LOST}
    return Product(
        following.tag,
        {**following.fields, **shifts},
        frozenset(),
        following.norm.source,
        nothing,
        nothing.rows,
    )
