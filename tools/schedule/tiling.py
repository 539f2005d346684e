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
from trivit.host.tiles import ceil_div, depth_words, row_groups
from trivit.tools.allocation import NoRoomError
from trivit.tools.schedule.operations import (
    Attention,
    Network,
    Norm,
    Operation,
    Product,
    Reload,
    Store,
    Thirds,
    Value,
)
from trivit.tools.schedule.parts import LOAD_CLOCKS, NORM_CLOCKS
from trivit.tools.schedule.plan import Plan, plan

_TILE_WORDS = TILE_OUTPUTS // TILE_DEPTH
_DRAINED = 200  # cycles until the last probabilities of some heads have become context
_AGAIN = 300  # until another piece of some rows is at work
_WAITED = 100  # for a product that waits for a store of long ago
_BROUGHT_BACK = 700  # from the last row that is stored to the first one that is back
_LOADED_GROUPS = 16  # row groups of patches in a piece: more rows than wait in the engine
_NOTHING_LOST = 31  # a shift behind which no sum saturates


@dataclass(frozen=True)
class Cut:
    """How a pair of operations is cut: into groups of heads, and rows of the first for each.

    ``waits``: the context of each group waits in DDR until it is whole.
    """

    heads: int = 1
    rows: int = 1
    waits: bool = False


@dataclass
class Cuts:
    """By the number of an operation of the whole network.

    ``ladders``: the ways to cut it and the next one, each smaller than the one before, the first
    one no cut; ``steps``: the place in that; ``pauses``: operations whose source is normalised
    behind the operation before instead of beside it.
    """

    ladders: dict[int, list[Cut]]
    steps: dict[int, int] = field(default_factory=dict)
    pauses: set[int] = field(default_factory=set)

    def of(self, number: int) -> Cut:
        """Return how operation ``number`` and the next one are cut."""
        return self.ladders[number][self.steps.get(number, 0)] if number in self.ladders else Cut()


def fitted(network: Network, lag: int, depth: int) -> tuple[Network, Plan]:
    """Return a network that fits ``depth`` words of each bank, cut little further than it must be.

    Where nothing else fits, context waits in DDR and patches are embedded in pieces.

    Raises:
        ToolsError: none does, or as ``plan``.
    """
    ladders = _ladders(network)
    try:
        return _fitted(network, Cuts(ladders), lag, depth)
    except NoRoomError as refused:
        more = {**_waiting(network, ladders, depth), **_embedding(network)}
        if not more:
            raise
        try:
            return _fitted(network, Cuts({**ladders, **more}), lag, depth)
        except NoRoomError:
            raise refused from None


def _fitted(network: Network, cuts: Cuts, lag: int, depth: int) -> tuple[Network, Plan]:
    while True:
        pieces, origins = _cut(network, cuts)
        try:
            return pieces, plan(pieces, lag, depth)
        except NoRoomError as error:
            ways = set()
            for step, problem in error.problems.items():
                way = _way(network.operations, cuts, origins[step])
                if way is None:
                    tag = pieces.operations[step].tag
                    message = f"{problem}; instruction {tag} cannot be cut into smaller pieces"
                    raise NoRoomError({step: message}, step) from None
                ways.add(way)
            for number, step in ways:
                if step:
                    cuts.steps[number] = step
                else:
                    cuts.pauses.add(number)


def _way(whole: list[Operation], cuts: Cuts, number: int) -> tuple[int, int] | None:
    """Return the cheapest way to make operation ``number`` smaller, if there is any.

    It is the first operation of a pair and its next step, or an operation and 0: a pause.
    """
    following = number + 1
    pairs = [number, number - 1]
    if following + 1 < len(whole) and isinstance(whole[following + 1], Product):
        pairs.append(following)  # whose rows may be normalised meanwhile: fewer are
    ways: list[tuple[int, int, int]] = []  # cost in cycles, first operation of the pair, step
    for first in pairs:
        step = cuts.steps.get(first, 0) + 1
        ladder = cuts.ladders.get(first, [])
        if step < len(ladder):
            more = _lost(whole, first, ladder[step]) - _lost(whole, first, cuts.of(first))
            ways.append((more, first, step))
    after = whole[following] if following < len(whole) else None
    if isinstance(after, Product) and after.norm is not None and following not in cuts.pauses:
        ways.append((_paused(after), following, 0))
    return min(ways)[1:] if ways else None


def _paused(product: Product) -> int:
    return NORM_CLOCKS * product.source.words * row_groups(product.rows)


def _lost(whole: list[Operation], number: int, cut: Cut) -> int:
    """Return about how many cycles it costs to cut a pair of operations."""
    if cut == Cut():
        return 0
    first, second = whole[number], whole[number + 1]
    groups = row_groups(first.output.rows)
    if isinstance(first, Product) and first.loads:
        return _AGAIN * cut.rows
    if isinstance(second, Attention) and isinstance(first, Product):
        again = column_tiles(first.output.words) * first.source.words
        lost = sum(
            max(0, TILE_DEPTH - (end - begin)) * again for begin, end in _shares(groups, cut.rows)
        )
        # Rows for the next heads are normalised while these are at work.
        keys, head = depth_words(second.rows), second.fields["head_words"]
        work = groups * (column_tiles(keys) * head + column_tiles(head) * keys)
        norm = NORM_CLOCKS * first.source.words * groups if first.norm else 0
        shares = _shares(second.heads, cut.heads)
        lost += sum(_DRAINED + max(0, norm - (end - begin) * work) for begin, end in shares)
        lost += cut.heads * _AGAIN * (cut.rows - 1)
        if cut.waits:
            # A word a cycle is stored, beside the last head of a group; a word of each port comes.
            largest = head * ceil_div(second.heads, cut.heads)
            lost += cut.heads * (_WAITED + max(0, second.rows * largest - work))
            back = LOAD_CLOCKS - column_tiles(whole[number + 2].output.words)
            lost += _BROUGHT_BACK + max(0, back) * groups * second.output.words
        return lost
    # The ports bring a depth word of weights in 8 cycles; a piece works at it for one a row group.
    matrices = sum(
        column_tiles(o.output.words) * o.source.words
        for o in (first, second)
        if isinstance(o, Product)
    )
    shares = _shares(groups, cut.rows)
    return sum(max(0, TILE_DEPTH - (end - begin)) * matrices for begin, end in shares)


def _ladders(network: Network) -> dict[int, list[Cut]]:
    """Return how each pair of operations can be cut, by its first one; nothing waits in DDR."""
    readers = Counter(value for o in network.operations for value in _inputs(o))
    found: dict[int, list[Cut]] = {}
    for number, (first, second) in enumerate(
        zip(network.operations, network.operations[1:], strict=False)
    ):
        if number == 0 or not isinstance(first, Product) or first.kept or first.residual:
            continue
        between = first.output
        if between.stored or readers[between] > 1 or between not in _inputs(second):
            continue
        groups = row_groups(first.rows)
        if isinstance(second, Attention):
            if not first.streams:
                heads = _head_pieces(second)
                found[number] = [
                    Cut(min(count, heads), max(1, count - heads + 1))
                    for count in _counts(heads + groups - 1)
                ]
        elif not second.streams and second.norm is None and second.source is between:
            most = groups if second.rows == first.rows else 1
            found[number] = [Cut(rows=count) for count in _counts(most)]
    return found


def _counts(most: int) -> Iterator[int]:
    """Yield numbers of pieces, an eighth more of many."""
    count = 1
    while count < most:
        yield count
        count = min(count + max(1, count // 8), most)
    yield most


def _embedding(network: Network) -> dict[int, list[Cut]]:
    """Return into how many pieces the patch embedding can be cut."""
    most = row_groups(network.patches.rows) // _LOADED_GROUPS
    return {0: [Cut(rows=count) for count in range(1, most + 1)]} if most > 1 else {}


def _waiting(network: Network, ladders: dict[int, list[Cut]], depth: int) -> dict[int, list[Cut]]:
    """Return how attentions can be cut whose context may wait in DDR, the cheapest way first."""
    whole = network.operations
    readers = Counter(value for o in whole for value in _inputs(o))
    found: dict[int, list[Cut]] = {}
    for number in ladders:
        if number + 2 >= len(whole):
            continue
        first, second, third = whole[number : number + 3]
        if not isinstance(second, Attention) or not isinstance(third, Product):
            continue
        context = second.output
        if (
            number + 2 in ladders
            or third.norm is not None
            or third.source is not context
            or readers[context] > 1
            or context.stored
        ):
            continue
        ways = [
            Cut(heads, rows, waits)
            for waits in (False, True)
            for heads in range(1 + waits, _head_pieces(second) + 1)
            for rows in range(1, row_groups(first.rows) + 1)
        ]
        fitting = [cut for cut in ways if _words(first, second, third, cut) <= depth]
        ladder = sorted(fitting, key=lambda cut: _lost(whole, number, cut))
        if ladder:
            found[number] = [Cut(), *ladder]
    return found


def _words(first: Operation, second: Attention, third: Product, cut: Cut) -> int:
    """Return the words of a bank that operations around an attention need at least."""
    groups = row_groups(second.rows)
    largest = max(end - begin for begin, end in _shares(_head_pieces(second), cut.heads))
    words = groups * second.fields["head_words"]
    heads = words * largest * _heads_of_a_tile(second)
    context = heads if cut.waits else words * second.heads
    tokens = 0 if third.residual is None else groups * third.residual.words
    normed = 0
    if isinstance(first, Product) and first.norm is not None:
        share = ceil_div(groups, cut.rows) * first.source.words
        normed = share * (2 if cut.rows > 1 else 1)
    return tokens + context + 3 * heads + normed


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
    stores = list(network.stores)

    def add(number: int, made: Iterable[Operation]) -> None:
        for operation in made:
            operations.append(operation)
            origins.append(number)

    whole = list(network.operations)
    nothing = Value("the results of pauses", 1, _TILE_WORDS, 0, 0)
    number = 0
    while number < len(whole):
        operation, cut = whole[number], cuts.of(number)
        if number in cuts.pauses and isinstance(operation, Product):
            add(number, [_pause(operation, nothing)])
        if cut == Cut():
            add(number, [operation])
            number += 1
            continue
        if isinstance(operation, Product) and operation.loads:
            add(number, _embedded(operation, cut.rows))
            number += 1
            continue
        second = whole[number + 1]
        assert isinstance(operation, Product)
        groups: Iterable[tuple[Operation, ...]]
        if isinstance(second, Attention):
            groups = _by_heads(operation, second, cut)
            if cut.waits:
                third = whole[number + 2]
                assert isinstance(third, Product)
                groups, whole[number + 2], waiting = _spilled(list(groups), third, nothing)
                stores += waiting
        else:
            groups = _by_rows(operation, second, cut.rows)
        for group in groups:
            add(number, group[:-1])
            add(number + 1, group[-1:])
        number += 2
    writers = {operation.output: place for place, operation in enumerate(operations)}
    for place, operation in enumerate(operations):
        operation.output.writer = place
        if isinstance(operation, Attention) and operation.select and operation.begins:
            operation.select.output.writer = place
        if isinstance(operation, Product) and operation.reload is not None:
            operation.reload.behind = writers[operation.reload.last]
    return replace(network, operations=operations, stores=stores), origins


def _embedded(product: Product, count: int) -> Iterator[Product]:
    """Yield some rows of the patch embedding.

    A row group of the tokens in which two pieces meet is counted by both.
    """
    product.output.first = count - 1
    positions, patches = product.loads
    for begin, rows in _rows(product.rows, count):
        first = begin * TILE_TOKENS
        name = f"{first} to {first + rows - 1}"
        residual, source = (
            Value(f"rows {name} of '{load.value.name}'", rows, load.value.words, 0, load.tag)
            for load in (positions, patches)
        )
        yield replace(
            product,
            source=source,
            residual=residual,
            rows=rows,
            first_row=product.first_row + first,
            completes=first + rows == product.rows,
            loads=(
                replace(positions, value=residual, begin=first),
                replace(patches, value=source, begin=first),
            ),
        )


def _by_heads(product: Product, attention: Attention, cut: Cut) -> Iterator[tuple[Operation, ...]]:
    """Yield queries, keys and values of some heads, and the attention of these heads."""
    words, size = attention.fields["head_words"], _heads_of_a_tile(attention)
    for first, end in _shares(attention.heads // size, cut.heads):
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
                for begin, rows in _rows(product.rows, cut.rows)
            ),
            replace(
                attention,
                fields={**attention.fields, "heads": heads},
                source=source,
                first_head=first,
                all_heads=attention.heads,
            ),
        )


def _spilled(
    groups: list[tuple[Operation, ...]], following: Product, nothing: Value
) -> tuple[list[tuple[Operation, ...]], Product, list[Store]]:
    """Let the context of each group of heads wait in DDR until it is whole.

    Before the next group's is written, a product waits for a word that comes back: then the store
    has read the one before. Returns the groups, the product that reads the context, the stores.
    """
    made: list[tuple[Operation, ...]] = []
    stores: list[Store] = []
    pieces: list[tuple[Value, int]] = []
    for *products, attention in groups:
        assert isinstance(attention, Attention)
        words = attention.fields["head_words"]
        context = Value(
            f"heads {attention.first_head} to {attention.first_head + attention.heads - 1} of "
            f"'{following.source.name}'",
            attention.rows,
            attention.heads * words,
            0,
            attention.tag,
            first=(attention.heads - 1) * row_groups(attention.rows),
            stored=True,
        )
        if pieces:
            before, _ = pieces[-1]
            receipt = Value(f"a word of {before.name}", 1, 1, 0, attention.tag)
            waits = _idle(products[-1], receipt, nothing)
            products.append(replace(waits, reload=Reload(receipt, [(before, 0)])))
        pieces.append((context, attention.first_head * words))
        stores.append(Store(attention.tag, context, None))
        made.append((*products, replace(attention, output=context, apart=True)))
    back = replace(following.source, first=0)
    return made, replace(following, source=back, reload=Reload(back, pieces)), stores


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
    """Return a product for whose sake the engine tells a reader to look."""
    assert following.norm is not None
    return _idle(following, following.norm.source, nothing)


def _idle(like: Operation, source: Value, nothing: Value) -> Product:
    """Return a product of one tile and row group, with some weights of a product ``like`` it.

    Nobody reads its result, a row that all of them write.
    """
    assert isinstance(like, Product)
    shifts = {"bias_shift": 0, "residual_shift": 0, "out_shift": _NOTHING_LOST}
    return Product(like.tag, {**like.fields, **shifts}, frozenset(), source, nothing, nothing.rows)
