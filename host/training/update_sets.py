"""Which parameters a step updates, and the program of a step that updates no others.

A set is a question to the graph, and its program is what is left of the whole one: without the
updates of other parameters, and without every op whose results nobody reads any more. So gradients
go as far down as something needs them, and the ones that are left are the integers of the whole
program.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Literal, get_args

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int64
from trivit.host.oracle.training import split_planes
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.program import Operation, TrainingProgram, writes

#: ``all``; ``last-block``: the last transformer block and what follows it (last normalisation,
#: classifier); ``biases``: biases of linear layers and of normalisations, and the classifier.
UpdateSet = Literal["all", "last-block", "biases"]
UPDATE_SETS: tuple[UpdateSet, ...] = get_args(UpdateSet)


def update_set(bundle: TrainingBundle, which: UpdateSet) -> TrainingBundle:
    """Return the bundle whose steps update the parameters of ``which`` alone.

    A parameter that is not updated keeps the 16 bits that forward reads: it has neither low plane
    nor momentum.

    Raises:
        HostError: no such set, or a model without its parts.
    """
    return updating(bundle, trained_parameters(bundle.program, which))


def updating(bundle: TrainingBundle, names: Iterable[str]) -> TrainingBundle:
    """Return the bundle whose steps update the parameters ``names`` alone; none: only forward."""
    programs = tuple(restricted(program, names) for program in bundle.programs)
    planes = {tensor.of for tensor in bundle.program.tensors if tensor.role == "low"}
    left = {tensor.of for tensor in programs[0].tensors if tensor.role == "low"}

    def master(name: str, integers: Int64) -> Int64:
        if name in planes - left:
            return split_planes(integers)[0].astype("int64")
        return integers

    masters = {name: master(name, integers) for name, integers in bundle.masters.items()}
    return replace(bundle, programs=programs, masters=masters)


def trained_parameters(program: TrainingProgram, which: UpdateSet) -> frozenset[str]:
    """Return the names of the parameters of a set.

    Raises:
        HostError: no such set, or a model without attention, which has no last block.
    """
    forward = [operation for operation in program.operations if operation.phase == "forward"]
    everything = frozenset(tensor.name for tensor in program.parameters)
    if which == "all":
        return everything
    if which == "last-block":
        return everything & _read(forward[_last_block(program, forward) :])
    if which == "biases":
        classifier = [forward[_writer(forward, program.logits)]]
        return everything & (_biases(forward) | _read(classifier))
    raise HostError(f"no set of parameters '{which}': use one of {', '.join(UPDATE_SETS)}")


def restricted(program: TrainingProgram, names: Iterable[str]) -> TrainingProgram:
    """Return the program that updates the parameters ``names`` alone, without what nobody needs."""
    trained, needed = set(names), {program.logits}
    kept: list[Operation] = []
    for operation in reversed(program.operations):
        results = {operation.operands[name].tensor for name in writes(operation)}
        if operation.phase == "update":
            wanted = operation.operands["high"].tensor in trained
        else:  # what writes nothing tells the host something
            wanted = bool(results & needed) or not results
        if wanted:
            kept.append(operation)
            needed |= {operand.tensor for operand in operation.operands.values()}
    tensors = tuple(
        tensor
        for tensor in program.tensors
        if tensor.name in needed or tensor.role in ("image", "target", "parameter")
    )
    return replace(program, tensors=tensors, operations=tuple(reversed(kept)))


def _last_block(program: TrainingProgram, forward: list[Operation]) -> int:
    """Return where the last block begins: what the product of its queries reads is made there."""
    attention = [o for o in forward if o.opcode == "attention"]
    if not attention:
        raise HostError(f"the program {program.name} has no attention, so no last block")
    product = forward[_writer(forward, attention[-1].operands["qkv"].tensor)]
    return _writer(forward, product.operands["a"].tensor)


def _writer(forward: list[Operation], tensor: str) -> int:
    return next(
        index
        for index, operation in enumerate(forward)
        if any(operation.operands[name].tensor == tensor for name in writes(operation))
    )


def _read(operations: list[Operation]) -> frozenset[str]:
    return frozenset(p.tensor for o in operations for p in o.operands.values())


def _biases(operations: list[Operation]) -> frozenset[str]:
    named = {"product": "bias", "normalise": "beta"}
    return frozenset(
        o.operands[named[o.opcode]].tensor
        for o in operations
        if named.get(o.opcode, "") in o.operands
    )
