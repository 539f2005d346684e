"""Programs that bring back which tokens they keep, on every backend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trivit.host.bundle import Bundle
from trivit.host.kept_tokens import list_names
from trivit.host.program import Program
from trivit.host.tracing import with_trace
from trivit.tools.errors import ToolsError
from trivit.tools.schedule import with_commands


def with_kept_tokens(bundle: Bundle) -> Bundle:
    """Return the bundle whose programs also store the list of each selector, as outputs.

    Raises:
        ToolsError: a program that the accelerator runs is not one any more, for the lists hold
            slots of its scoreboard to the end.
    """
    programs = tuple(_with_lists(bundle, program) for program in bundle.programs)
    traced = with_commands(replace(bundle, programs=programs))
    for before, after in zip(bundle.programs, traced.programs, strict=True):
        if before.schedule is not None and after.schedule is None:
            raise ToolsError(
                f"the program '{before.name}' cannot bring its kept tokens back: "
                f"{after.unscheduled}; compile without --kept-tokens"
            )
    return traced


def _with_lists(bundle: Bundle, program: Program) -> Program:
    """Return the program with the stores, and with their entries among its figures."""
    names = list_names(program)
    traced = with_trace(bundle, names, program.name).first
    work = iter(program.info["instructions"])
    stores = iter({"tensor": name, "macs": 0, "open_macs": 0} for name in names)
    before = iter(program.instructions)
    following = next(before)
    entries = []
    for words in traced.instructions:
        if np.array_equal(words, following):
            entries.append(next(work))
            following = next(before, None)
        else:
            entries.append(next(stores))
    return replace(traced, info={**program.info, "instructions": entries})
