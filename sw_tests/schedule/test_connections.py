"""Programs that choose connections: masked attention computes what the instructions compute."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from networks import assert_equal, compared, region
from programs import Shape, random_bundle

from trivit.host.bundle import Bundle
from trivit.host.commands import Command, decode, encode, from_words, to_words
from trivit.host.oracle.commands import OrderError, interpret
from trivit.models.families import model_config
from trivit.tools.compiler.named import named_program, untrained_program
from trivit.tools.schedule import schedule


def random_program(seed: int) -> Bundle:
    """Return a program over every opcode: two choices, the second by a masked attention."""
    rng = np.random.default_rng(seed)
    grid = int(rng.integers(2, 8))
    keep = int(rng.integers(2, grid**2))
    shape = Shape(
        grid=grid,
        heads=int(rng.integers(1, 4)),
        head_words=int(rng.integers(1, 3)),
        keep=keep,
        connections=int(rng.integers(1, keep + 1)),
    )
    return random_bundle(seed, shape)[0]


@pytest.mark.parametrize("seed", range(10))
def test_every_tensor_of_programs_over_every_opcode(seed: int) -> None:
    bundle = random_program(seed)
    result = compared(bundle, lag=1 + seed % 7)
    assert_equal(result)
    outside = {t.name for t in bundle.tensors if t.kind == "mask"} | {"embedded"}
    assert {w.name for w in result.schedule.watched} == {t.name for t in bundle.tensors} - outside
    commands = [decode(word) for word in from_words(result.schedule.commands)]
    replays = [c.fields["replay"] for c in commands if c.unit == "connections"]
    assert replays == [0, 1, 0, 1]


def test_blocks_as_wide_as_deit_tiny() -> None:
    """197 tokens, of which 139 stay and see a fifth of each other in the second block."""
    config = model_config("deit_tiny", token_keep_ratio=0.7, attention_keep_ratio=0.2)
    config = replace(config, depth=2, selector_blocks=(0,))
    result = compared(untrained_program(config, "two_blocks", seed=1))
    assert_equal(result)


def test_a_whole_deit_chooses_connections_three_times() -> None:
    scheduled = schedule(named_program("deit_tiny", token_keep=0.7, attention_keep=0.2))
    commands = [decode(word) for word in from_words(scheduled.commands)]
    chosen = [c.fields["kept"] for c in commands if c.unit == "connections"]
    assert [kept for kept in chosen if kept] == [139, 98, 69]
    assert chosen.count(0) == 9 - 1  # blocks behind the first choice that see keys by a mask


Edit = Callable[[list[Command]], None]


def change(unit: str, number: int, **fields: int) -> Edit:
    """Return an edit of the command ``number`` of a unit."""

    def edit(commands: list[Command]) -> None:
        place = [i for i, c in enumerate(commands) if c.unit == unit][number]
        found = commands[place]
        commands[place] = replace(found, fields={**found.fields, **fields})

    return edit


def drop(number: int) -> Edit:
    """Return an edit without the command ``number`` of connections."""

    def edit(commands: list[Command]) -> None:
        del commands[[i for i, c in enumerate(commands) if c.unit == "connections"][number]]

    return edit


def late(commands: list[Command]) -> None:
    """Put the first replay behind the first scores that need it."""
    place = [i for i, c in enumerate(commands) if c.unit == "connections"][1]
    replay = commands.pop(place)
    scores = [
        i
        for i, c in enumerate(commands)
        if i > place and c.unit == "engine" and c.fields["stream"] == 1
    ]
    commands.insert(scores[0] + 1, replay)


NEEDED = "engine, instruction .*: waits for .*, which comes behind it"

BROKEN: dict[str, tuple[Edit, str]] = {
    "no choice": (drop(0), "sends keys of 6 rows, when the last choice has 0"),
    "no keys": (drop(1), NEEDED),
    "keys behind the scores": (late, NEEDED),
    "a choice for nobody": (change("softmax", 1, send_all=0), NEEDED),
    "sums that nobody takes": (drop(2), "sends keys of|words of measured|words of kept"),
    "keys that nobody needs": (change("softmax", -1, masked=0), "left over: .* words of open"),
    "other rows": (change("connections", 0, kept=5), "chooses for 5 of 10 rows by a list of 6"),
    "no list": (change("select", 0, send_kept=0), NEEDED),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_schedule_is_refused(name: str) -> None:
    edit, message = BROKEN[name]
    bundle = random_bundle(0)[0]
    scheduled = schedule(bundle)
    commands = [decode(word) for word in from_words(scheduled.commands)]
    edit(commands)
    reports = sum(c.reports for c in commands)
    commands[-1] = replace(commands[-1], fields={"reports": reports})
    words = to_words(encode(c.unit, tag=c.tag, end=c.end, **c.fields) for c in commands)
    with pytest.raises(OrderError, match=message):
        interpret(replace(scheduled, commands=words), bundle, region(bundle))
