"""Where a session stands, as a bundle that another session starts from."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from trivit.host.fixed_point import Int64
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.session import TrainingSession
from trivit.host.training.update_sets import updating


def snapshot(bundle: TrainingBundle, session: TrainingSession) -> TrainingBundle:
    """Return ``bundle`` with the masters and fraction lengths that its session has now.

    Momenta are not in it: a session of the result is a new run from these weights.
    """
    state = session.state
    masters = {tensor.name: state.master(tensor.name) for tensor in bundle.program.parameters}
    return _at(bundle, state.formats, {**bundle.masters, **masters})


def transplanted(
    bundle: TrainingBundle, session: TrainingSession, but: Collection[str] = ()
) -> TrainingBundle:
    """Return ``bundle``'s forward pass with the weights that the session's forward reads now.

    Args:
        bundle: a program of the same model.
        session: of any set of updates, perhaps with another classifier.
        but: tensors that stay those of ``bundle``: its classifier's.
    """
    frozen = updating(bundle, ())
    state = session.state
    names = {tensor.name for tensor in session.program.tensors} - set(but)
    masters = {
        tensor.name: state.arena.view(state.memory, tensor.name).astype("int64")
        for tensor in frozen.program.parameters
        if tensor.name in names
    }
    formats = {name: frac for name, frac in state.formats.items() if name in names}
    return _at(frozen, formats, {**frozen.masters, **masters})


def _at(
    bundle: TrainingBundle, formats: Mapping[str, int], masters: Mapping[str, Int64]
) -> TrainingBundle:
    programs = tuple(
        replace(
            program,
            tensors=tuple(
                replace(tensor, frac=formats.get(tensor.name, tensor.frac))
                for tensor in program.tensors
            ),
        )
        for program in bundle.programs
    )
    return replace(bundle, programs=programs, masters=masters)
