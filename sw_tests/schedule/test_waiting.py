"""Context that waits in DDR, patches in pieces: what they compute, and each rule of their order."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from networks import assert_equal, bundle_of, compared, embed, region
from programs import Builder, Shape

from trivit.host.bundle import Bundle
from trivit.host.commands import Command, decode, encode, from_words, to_words
from trivit.host.oracle.commands import OrderError, interpret
from trivit.host.schedule import Schedule
from trivit.models.families import model_config
from trivit.tools.compiler.named import untrained_program
from trivit.tools.estimate.timeline import predict
from trivit.tools.explore.search import activation_words
from trivit.tools.schedule import schedule

SHAPE = Shape(grid=9, heads=3, head_words=4, hidden_words=5)
DEPTH = 450  # tokens, context and a head take 473 words

Edit = Callable[[list[Command]], None]


@cache
def block(heads: int = SHAPE.heads) -> Bundle:
    """A block of 11 row groups with a head of 48 words and a context of 12."""
    shape, b = replace(SHAPE, heads=heads), Builder(np.random.default_rng(3))
    rows, words = shape.tokens, shape.words
    x = embed(b, shape)
    qkv = b.linear("qkv", x, rows, words, 3 * words, normalise=True)
    context = b.attention("context", qkv, shape, rows, None)
    x = b.linear("p", context, rows, words, words, residual=x, statistics=True)
    hidden = b.linear("h", x, rows, words, shape.hidden_words, gelu=True, normalise=True)
    x = b.linear("x", hidden, rows, shape.hidden_words, words, residual=x, statistics=True)
    logits = b.linear("head", x, 1, words, 2, normalise=True)
    b.add("store", src=logits, target=0, rows=1, words=2)
    return bundle_of(b, shape, 2)


@cache
def waiting() -> Schedule:
    return schedule(block(), depth=DEPTH)


def decoded(made: Schedule) -> list[Command]:
    return [decode(word) for word in from_words(made.commands)]


def of(commands: list[Command], unit: str, **fields: int) -> list[int]:
    """Return the places of commands with these fields."""
    return [
        place
        for place, command in enumerate(commands)
        if command.unit == unit and fields.items() <= command.fields.items()
    ]


def test_context_waits_until_it_is_whole() -> None:
    result = compared(block(), depth=DEPTH)
    assert_equal(result)
    made = result.schedule
    assert activation_words(made) <= DEPTH
    commands = decoded(made)
    stores = [commands[place].fields for place in of(commands, "store", spread=1)]
    assert [f["words"] for f in stores] == [4, 4, 4]
    fenced = of(commands, "move_rows", fenced=1)
    back = [commands[place].fields["words"] for place in fenced]
    segment = 21 * 4  # 82 rows over four ports
    assert made.output_words == 2 + 3 * 4 * segment
    assert back[:2] == [1, 1] and sum(back[2:]) == 3 * segment  # two receipts, then all
    assert {w.name for w in made.watched} >= {"context", "p", "x", "head"}
    # A tensor that fits in no other way is refused still.
    with pytest.raises(Exception, match="cannot be cut into smaller pieces"):
        schedule(block(), depth=300)


def test_nothing_waits_where_it_fits() -> None:
    plain = schedule(block(), depth=700)
    assert not of(decoded(plain), "store", spread=1)
    assert plain.output_words == block().output_words


def test_patches_come_in_pieces() -> None:
    """Patches and positions of a piece take the place of those of the last but one."""
    shape = Shape(channels=3, grid=20, patch=8, heads=2, head_words=12, classes=4)
    b = Builder(np.random.default_rng(5))
    x = embed(b, shape)
    logits = b.linear("head", x, 1, shape.words, 1, normalise=True)
    b.add("store", src=logits, target=0, rows=1, words=1)
    bundle = bundle_of(b, shape, 1)
    whole, cut = compared(bundle), compared(bundle, depth=2900)
    assert_equal(cut)
    assert activation_words(whole.schedule) > activation_words(cut.schedule)
    commands = decoded(cut.schedule)
    rows = [commands[p].fields["rows"] for p in of(commands, "row_writer", direct=1)]
    assert sum(rows[::2]) == sum(rows[1::2]) == 400 and len(rows) == 6
    assert len(of(commands, "load", announced=1)) == 2
    assert np.array_equal(whole.outcome.output, cut.outcome.output)


def change(place: Callable[[list[Command]], int], **fields: int) -> Edit:
    def edit(commands: list[Command]) -> None:
        number = place(commands)
        assert not fields.items() <= commands[number].fields.items()
        commands[number] = replace(commands[number], fields={**commands[number].fields, **fields})

    return edit


def _without_receipt(commands: list[Command]) -> None:
    """Let the context of the second head replace that of the first whatever its store does."""
    [first, *_] = of(commands, "load", words=1, rows=1)
    moved = first - 1
    assert commands[moved].fields["fenced"]
    waits = max(p for p in of(commands, "engine", depth_words=1, rows=1) if p < moved)
    assert commands[waits - 1].unit == "move_weights"
    del commands[waits - 1 : first + 1]


def _store_behind_its_load(commands: list[Command]) -> None:
    """Put the last head's store behind the loads of what it stores."""
    last = of(commands, "store", spread=1)[-1]
    moved = commands[last - 1 : last + 1]
    assert moved[0].unit == "move_store"
    load = of(commands, "load", complete=1)[-1]
    commands[load + 1 : load + 1] = moved
    del commands[last - 1 : last + 1]


def _stores_over_what_waits(commands: list[Command]) -> None:
    """Let the second head's context wait where the first one's does."""
    first, second, *_ = (p for p in of(commands, "move_store", ports=15))
    address = commands[first].fields["address"]
    change(lambda _: second, address=address)(commands)


def _without_fences(commands: list[Command]) -> None:
    # One alone may be missing: a fence holds for the moves of the same port behind it, too.
    for place in of(commands, "move_rows", fenced=1):
        change(lambda _, place=place: place, fenced=0)(commands)


BROKEN: dict[str, tuple[Edit, str]] = {
    "a load in front of no fence": (
        lambda commands: _without_fences(commands),
        "mover.*loads words .* of output in front of no fence",
    ),
    "no fence for a receipt": (
        change(lambda commands: of(commands, "move_rows", fenced=1)[0], fenced=0),
        "in front of no fence",
    ),
    "context replaced before its store has read it": (
        _without_receipt,
        "write_back.*writes over words at .* that store may not have read yet"
        "|is emptied while store may look at it",
    ),
    "a store behind its load": (
        _store_behind_its_load,
        "which no store before it wrote|load.*writes over words .* that write_back may write",
    ),
    "a store that waits for a product behind the load": (
        lambda commands: commands.insert(
            of(commands, "move_rows", fenced=1)[0] - 2,  # in front of the product that waits
            commands[of(commands, "move_store", ports=15)[-1]],
        ),
        "waits for stores that wait for others behind it",
    ),
    "a store over what a load reads": (
        _stores_over_what_waits,
        "stores words .* that a load may read before",
    ),
    "rows that are not spread": (
        change(lambda commands: of(commands, "store", spread=1)[0], spread=0),
        "waits for stores that wait for others behind it",
    ),
    "a load of words that nobody stored": (
        change(lambda commands: of(commands, "move_rows", fenced=1)[0], address=0),
        "loads words 0..0 of output, which no store before it wrote",
    ),
    "a store among the images": (
        change(
            lambda commands: of(commands, "move_store", ports=15)[0],
            base=1,
            address=0,
            port_stride=0,
        ),
        "stores rows where no output is",
    ),
    "projection without waiting for its rows": (
        change(lambda commands: _projection(commands), source_slot=0),
        "load.*writes over words at .* that engine may not have read yet",
    ),
    "vectors in front of rows that come back": (
        lambda commands: _vectors_first(commands),
        "waits for row group 0 of slot .*, which comes behind it|normalise to take vectors",
    ),
}


def _projection(commands: list[Command]) -> int:
    """Return the first product of the projection, which stands before its loads."""
    loads = of(commands, "load", complete=1, words=4)
    first = min(p for p in loads if commands[p].fields["rows"] > 1)
    return max(p for p in of(commands, "engine", place=0) if p < first)


def _vectors_first(commands: list[Command]) -> None:
    """Bring gamma and beta of the normalisation behind the projection before it."""
    projection = _projection(commands)
    vectors = min(p for p in of(commands, "load", vectors=1) if p > projection)
    moved = commands[vectors - 1 : vectors + 1]
    del commands[vectors - 1 : vectors + 1]
    place = min(p for p in of(commands, "move_rows", fenced=1) if p > projection)
    commands[place:place] = moved


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_order_is_refused(name: str) -> None:
    edit, message = BROKEN[name]
    made = waiting()
    commands = decoded(made)
    edit(commands)
    words = to_words(encode(c.unit, tag=c.tag, end=c.end, **c.fields) for c in commands)
    with pytest.raises(OrderError, match=message):
        interpret(replace(made, commands=words), block(), region(block()))


def test_deit_base_at_384_pixels_keeps_the_array_busy() -> None:
    config = replace(model_config("deit_base"), image_size=384, depth=1, selector_blocks=())
    made = schedule(untrained_program(config, "one_block"))
    softmax = [c.fields["heads"] for c in decoded(made) if c.unit == "softmax"]
    assert softmax == 6 * [2]
    timeline = predict(made)
    # Patches are loaded and the first rows normalised before the first block: 28,000 cycles.
    assert timeline.cycles < 28_000 + 1.005 * timeline.limit


@pytest.mark.full
def test_every_tensor_of_deit_base_at_384_pixels() -> None:
    config = replace(model_config("deit_base"), image_size=384, depth=1, selector_blocks=())
    assert_equal(compared(untrained_program(config, "one_block", seed=1)))
