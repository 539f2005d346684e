"""Operations in pieces: some heads, some rows, context that waits in DDR."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from trivit.host.generated.spec import TILE_DEPTH, TILE_OUTPUTS, TILE_TOKENS
from trivit.host.tiles import row_groups
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

_TILE_WORDS = TILE_OUTPUTS // TILE_DEPTH
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


def head_pieces(attention: Attention) -> int:
    """Return how many groups of heads there can be: each begins and ends with a tile."""
    return attention.heads // heads_of_a_tile(attention)


def heads_of_a_tile(attention: Attention) -> int:
    """Return the least heads whose words are whole tiles; all, if these are none."""
    words = attention.fields["head_words"]
    if attention.heads * words % _TILE_WORDS:
        return attention.heads
    return next(n for n in range(1, _TILE_WORDS + 1) if n * words % _TILE_WORDS == 0)


def cut_up(network: Network, cuts: Cuts) -> tuple[Network, list[int]]:
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
    words, size = attention.fields["head_words"], heads_of_a_tile(attention)
    for first, end in shares(attention.heads // size, cut.heads):
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
    for begin, end in shares(row_groups(rows), count):
        yield begin, min(end * TILE_TOKENS, rows) - begin * TILE_TOKENS


def shares(total: int, count: int) -> Iterator[tuple[int, int]]:
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
