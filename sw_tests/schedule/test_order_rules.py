"""Each rule of the order refuses a schedule that breaks it and nothing else."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest
from networks import bundle_of, embed, np, region
from programs import Builder, Shape

from trivit.host.bundle import Bundle
from trivit.host.commands import Command, decode, encode, from_words, to_words
from trivit.host.oracle.commands import OrderError, interpret
from trivit.host.schedule import Schedule
from trivit.tools.schedule import schedule

SHAPE = Shape(grid=4, heads=2, head_words=2, hidden_words=5, keep=9)


@cache
def case() -> tuple[Bundle, Schedule]:
    """Two blocks of three row groups, the first one with a selector."""
    b = Builder(np.random.default_rng(0))
    rows, words = SHAPE.tokens, SHAPE.words
    x = embed(b, SHAPE)
    for block in range(2):
        qkv = b.linear(f"qkv{block}", x, rows, words, 3 * words, normalise=True)
        flags = ("score_cls",) if block == 0 else ()
        context = b.attention(f"context{block}", qkv, SHAPE, rows, None, *flags)
        kept = b.kept("kept", rows, SHAPE.keep) if block == 0 else None
        x = b.linear(
            f"p{block}", context, rows, words, words, residual=x, statistics=True, kept=kept
        )
        rows = SHAPE.keep + 1
        hidden = b.linear(
            f"h{block}", x, rows, words, SHAPE.hidden_words, gelu=True, normalise=True
        )
        x = b.linear(
            f"x{block}", hidden, rows, SHAPE.hidden_words, words, residual=x, statistics=True
        )
    logits = b.linear("head", x, 1, words, 2, normalise=True)
    b.add("store", src=logits, target=0, rows=1, words=2)
    bundle = bundle_of(b, SHAPE, 2)
    return bundle, schedule(bundle, lag=2)


Edit = Callable[[list[Command]], None]


def run(edit: Edit) -> None:
    bundle, scheduled = case()
    commands = [decode(word) for word in from_words(scheduled.commands)]
    edit(commands)
    words = to_words(encode(c.unit, tag=c.tag, end=c.end, **c.fields) for c in commands)
    interpret(replace(scheduled, commands=words), bundle, region(bundle))


def test_the_schedule_itself_is_in_order() -> None:
    run(lambda commands: None)


def find(commands: list[Command], unit: str, number: int = 0, **fields: int) -> int:
    """Return the place of a command with these fields."""
    places = [
        place
        for place, command in enumerate(commands)
        if command.unit == unit and fields.items() <= command.fields.items()
    ]
    return places[number]


def change(unit: str, number: int = 0, where: dict[str, int] | None = None, **fields: int) -> Edit:
    """Return an edit of fields of one command."""

    def edit(commands: list[Command]) -> None:
        place = find(commands, unit, number, **(where or {}))
        assert not fields.items() <= commands[place].fields.items()
        commands[place] = replace(commands[place], fields={**commands[place].fields, **fields})

    return edit


def drop(unit: str, number: int = 0, **where: int) -> Edit:
    """Return an edit that leaves a command out."""
    return lambda commands: commands.pop(find(commands, unit, number, **where)) and None


def behind(unit: str, other: str, number: int = 0, skip: int = 0) -> Edit:
    """Return an edit that puts a command behind a later one of another unit."""

    def edit(commands: list[Command]) -> None:
        place = find(commands, unit, number)
        moved = commands.pop(place)
        later = [i for i in range(place, len(commands)) if commands[i].unit == other]
        commands.insert(later[skip] + 1, moved)

    return edit


SCORES, CONTEXT, PLACE = {"stream": 1}, {"to_banks": 1, "fill": 0}, {"place": 1}
QKV = {"fill": 1, "to_banks": 1, "claim": 1}

BROKEN: dict[str, tuple[Edit, str]] = {
    # Counts
    "operand without its slot": (
        change("engine", where=QKV, source_slot=0),
        "reads words at .* that norm_writer may not have written yet|nobody wrote",
    ),
    "context counted from its first head": (
        change("engine", where={"fill": 0, "stream": 3}, source_first=0),
        "may not have written yet",
    ),
    "keys placed without looking": (
        change("engine", where=PLACE, source_slot=0),
        "placer.*may not have written yet|nobody wrote",
    ),
    "a row group too many": (
        change("engine", where=CONTEXT, number=0, source_first=400),
        "waits for row group 400 of slot",
    ),
    # Stale counts
    "slot of probabilities not emptied": (
        change("engine", where=SCORES, number=6, clear_slot=0),
        "engine.*reads words at .* that softmax_writer may not have written yet",
    ),
    "slot of a product not claimed": (
        change("engine", where=QKV, number=-3, claim=0),
        "reads row group|slot|may not have",
    ),
    "slot emptied under its readers": (
        lambda commands: _empty_tokens(commands),
        r"slot \d is emptied while (row_reader may look at it|its last row groups may be)",
    ),
    # Readers outside
    "no announcement": (
        change("engine", where={"announce_reader": 1}, number=1, announce_reader=0),
        "waits for row group .* comes behind it|waits for an announcement",
    ),
    "announcement that nobody takes": (
        change("engine", where=SCORES, announce_reader=1),
        "may still have the count of an older tensor|left over|reads",
    ),
    "store without announcement": (
        change("engine", where={"announce_store": 1}, announce_store=0),
        "store waits for an announcement",
    ),
    # Write after read
    "ring of probabilities too short": (
        lambda commands: _shorten(commands),
        "engine.*reads words at .* that softmax_writer may not have written yet",
    ),
    "normalised rows over what their product reads": (
        lambda commands: _over_hidden(commands),
        "norm_writer.*writes over words at .* that row_writer may write afterwards",
    ),
    "target over the operand": (
        lambda commands: _over_operand(commands),
        "a target that overlaps the operand",
    ),
    # Ring
    "product without weights": (
        change("engine", where=QKV, fill=0),
        "depth words at 0 of the ring, which holds 0",
    ),
    "release before older matrices": (
        change("engine", where={"stream": 1, "keep": 1}, number=3, keep=0),
        "releases depth words at|finds no matrix",
    ),
    "values read as keys": (
        change("engine", where=CONTEXT, ring_offset=1),
        "finds no matrix of",
    ),
    "keys kept for ever": (
        change("engine", where={"stream": 1, "keep": 0}, number=0, keep=1),
        "finds no matrix|releases depth words|left",
    ),
    # Streams and prefixes
    "writer behind its product": (
        behind("row_writer", "engine", number=3),
        "waits for somebody to take words of gelu, which comes behind it",
    ),
    "softmax behind the first scores": (
        behind("softmax", "engine", number=1, skip=2),  # two placements
        "waits for somebody to take words of scores, which comes behind it",
    ),
    "patches behind something that is no load": (
        behind("row_writer", "load"),
        "engine, instruction 2: waits for row group 0 of slot 2, which comes behind it",
    ),
    "weights behind their product": (
        behind("move_weights", "engine", number=2),
        "waits for .* words of weights0, which comes behind it",
    ),
    "rows that nobody takes": (
        change("row_writer", where={"direct": 0, "list": 0}, rows=8),
        "left over|comes behind it",
    ),
    "too few words moved": (
        change("move_rows", number=-1, words=1),
        "comes behind it|waits for",
    ),
    "no list": (drop("select"), "waits for|comes behind it"),
    "another list": (
        change("row_writer", where={"compact": 1}, kept=4),
        "keeps 4 of 17 rows by a list of 10",
    ),
    "words outside a region": (
        change("move_weights", address=(1 << 32) - 1),
        "are not in params",
    ),
    # The end
    "wrong number of reports": (change("sequencer", reports=3), r"\d+ reports, the end counts 3"),
    "no end": (drop("sequencer"), "the program has no end"),
    "command behind the end": (
        lambda commands: commands.append(commands[0]),
        "a command behind the end",
    ),
}


def _over_hidden(commands: list[Command]) -> None:
    """Put the first rows that fc2 announces where its second row group lies."""
    fc2 = find(commands, "engine", announce_reader=1, depth_words=SHAPE.hidden_words)
    writer = max(p for p in range(fc2) if commands[p].unit == "norm_writer")
    target = commands[fc2].fields["source"] + SHAPE.hidden_words
    commands[writer] = replace(
        commands[writer], fields={**commands[writer].fields, "target": target}
    )


def _empty_tokens(commands: list[Command]) -> None:
    """Let the first QKV empty the slot of the tokens that are being normalised for it."""
    slot = commands[find(commands, "row_reader")].fields["slot"]
    change("engine", where=QKV, clear_slot=slot)(commands)


def _shorten(commands: list[Command]) -> None:
    """Give the first attention one row group of probabilities less than its lag needs."""
    change("softmax_writer", wrap=2)(commands)
    base = commands[find(commands, "softmax_writer")].fields["target"]
    for step in range(6):
        place = find(commands, "engine", step, **CONTEXT)
        fields = {**commands[place].fields, "source": base + step % 2 * 3}
        commands[place] = replace(commands[place], fields=fields)


def _over_operand(commands: list[Command]) -> None:
    place = find(commands, "engine", **QKV)
    f = commands[place].fields
    commands[place] = replace(commands[place], fields={**f, "target": f["source"] + 1})


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_schedule_is_refused(name: str) -> None:
    edit, message = BROKEN[name]
    with pytest.raises(OrderError, match=message):
        run(edit)
