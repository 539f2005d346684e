"""Cuts a network that is larger than the activation banks into pieces that fit.

What exists for two operations alone need not exist as a whole: queries, keys and values of some
heads at a time, rows of a hidden layer at a time. README.md says what that costs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from trivit.host.generated.spec import TILE_DEPTH
from trivit.host.oracle.checks import column_tiles
from trivit.host.tiles import ceil_div, depth_words, row_groups
from trivit.tools.allocation import NoRoomError
from trivit.tools.schedule.operations import (
    Attention,
    Network,
    Operation,
    Product,
    Value,
)
from trivit.tools.schedule.parts import LOAD_CLOCKS, NORM_CLOCKS
from trivit.tools.schedule.pieces import Cut, Cuts, cut_up, head_pieces, heads_of_a_tile, shares
from trivit.tools.schedule.plan import Plan, plan

_DRAINED = 200  # cycles until the last probabilities of some heads have become context
_AGAIN = 300  # until another piece of some rows is at work
_WAITED = 100  # for a product that waits for a store of long ago
_BROUGHT_BACK = 700  # from the last row that is stored to the first one that is back
_LOADED_GROUPS = 16  # row groups of patches in a piece: more rows than wait in the engine


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
        pieces, origins = cut_up(network, cuts)
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
            max(0, TILE_DEPTH - (end - begin)) * again for begin, end in shares(groups, cut.rows)
        )
        # Rows for the next heads are normalised while these are at work.
        keys, head = depth_words(second.rows), second.fields["head_words"]
        work = groups * (column_tiles(keys) * head + column_tiles(head) * keys)
        norm = NORM_CLOCKS * first.source.words * groups if first.norm else 0
        heads = shares(second.heads, cut.heads)
        lost += sum(_DRAINED + max(0, norm - (end - begin) * work) for begin, end in heads)
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
    parts = shares(groups, cut.rows)
    return sum(max(0, TILE_DEPTH - (end - begin)) * matrices for begin, end in parts)


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
                heads = head_pieces(second)
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
            for heads in range(1 + waits, head_pieces(second) + 1)
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
    largest = max(end - begin for begin, end in shares(head_pieces(second), cut.heads))
    words = groups * second.fields["head_words"]
    heads = words * largest * heads_of_a_tile(second)
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
