"""The order of a training step holds, and each thing that makes it is needed."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
from training_models import DENSE, training_model

from trivit.host.commands import Command, decode, encode, from_words, to_words
from trivit.host.fixed_point import Int16
from trivit.host.oracle.commands import OrderError, Outcome, interpret_memory
from trivit.host.schedule import Schedule
from trivit.host.training.descriptors import StepConstants, resolve
from trivit.host.training.shifts import UpdateSettings
from trivit.host.training.state import TrainingState
from trivit.tools.training.schedule import lower

MODEL = {**DENSE, "patch_size": 4, "depth": 1}
STEP = StepConstants(rate=1 << 23, rate_exponent=30, key=7)


@cache
def case(updates: bool = True) -> tuple[Schedule, tuple[Command, ...], Int16, Int16]:
    """A step with its commands patched, zero parameters and random pixels: order alone counts."""
    derived = training_model(**MODEL).derived
    program = derived.program if updates else derived.program.without_updates()
    state = TrainingState(program, derived.masters, UpdateSettings())
    made = lower(program)
    operations = resolve(program, state.arena, state.formats, UpdateSettings())
    commands = tuple(decode(word) for word in from_words(made.patched(operations, STEP)))
    inputs = np.random.default_rng(0).integers(
        -999, 999, (made.image.region_words + made.target_words) * 8
    )
    schedule = made.for_interpreter(made.commands)
    return schedule, commands, made.planes.region(), inputs.astype(np.int16)


def run(commands: list[Command], updates: bool = True) -> Outcome:
    schedule, _, params, inputs = case(updates)
    words = to_words(encode(c.unit, tag=c.tag, end=c.end, **c.fields) for c in commands)
    return interpret_memory(replace(schedule, commands=words), params, inputs)


def change(unit: str, number: int = 0, to: dict[str, int] | None = None, **where: int) -> Any:
    """Return an edit: the command of a unit with these fields gets others; none: it is left out."""

    def edit(commands: list[Command]) -> None:
        places = [
            place
            for place, command in enumerate(commands)
            if command.unit == unit and where.items() <= command.fields.items()
        ]
        place = places[number]
        if to is None:
            del commands[place]
            return
        assert not to.items() <= commands[place].fields.items()
        commands[place] = replace(commands[place], fields={**commands[place].fields, **to})

    return edit


def queries() -> int:
    places = lower(training_model(**MODEL).derived.program).planes.places
    return places["blocks.0.attn.qkv.weight"].address


def test_the_schedule_itself_is_in_order() -> None:
    outcome = run(list(case()[1]))
    assert len(outcome.reports) == case()[0].reports


BROKEN: dict[str, tuple[Callable[[list[Command]], None], str]] = {
    "an update without its fence": (
        change("move_rows", to={"fenced": 0}, update=1, fenced=1),
        "in front of no fence",
    ),
    "weights that are read again after their update": (
        lambda commands: change("move_store", to={"address": queries()}, update=1)(commands),
        "in front of no fence",
    ),
    "an update that nobody takes": (change("move_store", update=1), "that a load may read before"),
    "a placement that waits for nobody": (
        change("engine", to={"source_slot": 0}, place=1, fill=0),
        "may not have written yet",
    ),
    "gradients of which nobody tells": (
        change("engine", -1, to={"announce_reader": 0}, announce_reader=1),
        "waits for a placement, which comes behind it",
    ),
    "a vector that is stored with the rows before it": (
        change("store", 1, to={"first": 0}),
        "store may|store.* may not have written yet",
    ),
    "a partner for nobody": (
        change("engine", to={"stream": 3}, stream=5),
        "has a partner without its block",
    ),
    "sums without a matrix": (
        change("engine", to={"sums": 1}, stream=1),
        "has sums that nobody takes",
    ),
    "a gradient that is stored twice": (
        change("move_store", 1, to={"address": 0, "port_stride": 0}, ports=1),
        "stores words",
    ),
}


@pytest.mark.parametrize(("edit", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_order_is_refused(edit: Callable[[list[Command]], None], message: str) -> None:
    commands = list(case()[1])
    edit(commands)
    with pytest.raises(OrderError, match=message):
        run(commands)


def test_vectors_bring_the_engine_news_of_what_was_stored() -> None:
    commands = list(case(updates=False)[1])
    run(commands, updates=False)
    for place, command in enumerate(commands):
        if command.unit == "move_rows":
            commands[place] = replace(command, fields={**command.fields, "fenced": 0})
    with pytest.raises(OrderError, match="emptied while store may look at it"):
        run(commands, updates=False)
