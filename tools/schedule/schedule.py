"""The entry point: a program of a bundle to the commands of the accelerator's units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trivit.host.bundle import Bundle
from trivit.host.commands import to_words
from trivit.host.generated.spec import ACTIVATION_DEPTH
from trivit.host.program import Program
from trivit.host.schedule import ImageLayout, Schedule
from trivit.tools.errors import ToolsError
from trivit.tools.schedule.attention import attention
from trivit.tools.schedule.embedding import embedding
from trivit.tools.schedule.listing import Listing
from trivit.tools.schedule.operations import Attention, Product
from trivit.tools.schedule.products import norm, product, store, vectors
from trivit.tools.schedule.reader import read
from trivit.tools.schedule.tiling import fitted

LAG = 6  # row groups between the scores and the context of a step


def schedule(
    bundle: Bundle,
    program: str | float | None = None,
    *,
    lag: int = LAG,
    depth: int = ACTIVATION_DEPTH,
) -> Schedule:
    """Return the commands that compute a program of ``bundle`` (None: the first).

    Args:
        bundle: compiled for the emulator.
        program: its name or token keep ratio.
        lag: row groups that the scores of attention run ahead of its context.
        depth: words of each activation bank that may be used.

    Raises:
        ToolsError: the units cannot compute it; one line that names the instruction.
        HostError: there is no such program.
    """
    if lag < 1:
        raise ToolsError(f"a lag of {lag} row groups leaves softmax no time: use 1 or more")
    chosen = bundle.choose(program)
    network, decided = fitted(read(chosen), lag, depth)
    listing = Listing(decided, chosen.params, chosen.output_words)
    for number, operation in enumerate(network.operations):
        if number in decided.norms:
            norm(listing, decided.norms[number])
        if number in decided.stores:
            store(listing, decided.stores[number])
        if isinstance(operation, Product) and operation.loads:
            embedding(listing, network, number, operation)
            continue
        # Which hold up the loads behind them, until their rows come.
        back = isinstance(operation, Product) and operation.reload is not None
        biased = isinstance(operation, Attention) and operation.bias is not None
        if number in decided.norms and not (back or biased):
            vectors(listing, decided.norms[number])
        if isinstance(operation, Attention):
            following = network.operations[number + 1]
            attention(
                listing, number, operation, following if isinstance(following, Product) else None
            )
        else:
            product(listing, number, operation)
    reports = listing.reports.total()
    listing.add("sequencer", 0, end=True, reports=reports)
    image = network.image
    return Schedule(
        commands=to_words(listing.commands),
        extra_params=np.concatenate(listing.extra),
        image=ImageLayout(
            **{name: image[name] for name in ("channels", "height", "width", "patch")},
            rows=network.patches.value.rows,
            words=network.patches.value.words,
        ),
        output_words=listing.output_words,
        reports=reports,
        tags=len(chosen.program),
        watched=tuple(listing.watched),
    )


def with_commands(bundle: Bundle) -> Bundle:
    """Return the bundle with the commands of each program, or the reason why one has none."""
    return replace(bundle, programs=tuple(_scheduled(bundle, p) for p in bundle.programs))


def _scheduled(bundle: Bundle, program: Program) -> Program:
    try:
        return replace(program, schedule=schedule(bundle, program.name), unscheduled="")
    except ToolsError as error:
        return replace(program, schedule=None, unscheduled=str(error))
