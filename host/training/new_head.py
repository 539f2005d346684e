"""A classifier for other classes on a model that has learned some."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trivit.host.errors import HostError
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.program import Operation, TensorSpec, TrainingProgram, writes
from trivit.host.training.shifts import MASTER_BITS

#: Standard deviation of a classifier's first weights, cut at twice that, as timm draws them.
_SPREAD = 0.02


def classifier(program: TrainingProgram) -> Operation:
    """Return the product that writes the logits.

    Raises:
        HostError: another op writes them.
    """
    for operation in program.operations:
        if operation.opcode == "product" and operation.operands["dst"].tensor == program.logits:
            return operation
    raise HostError(f"no linear layer writes the logits of the program {program.name}")


def new_head(bundle: TrainingBundle, class_names: Sequence[str], seed: int = 0) -> TrainingBundle:
    """Return the bundle with an untrained classifier of these classes; all else is as it was.

    Weights are normal with deviation 0.02, the bias is zero; formats are those of the old one.

    Args:
        bundle: with the program of all updates.
        class_names: of the new classes.
        seed: of the weights.

    Raises:
        HostError: fewer than two classes, or no linear layer writes the logits.
    """
    if len(class_names) < 2:
        raise HostError(f"{len(class_names)} classes: a classifier needs 2 or more")
    head = classifier(bundle.program).operands
    weight, bias = head["b"].tensor, head["bias"].tensor if "bias" in head else ""
    programs = tuple(_resized(p, weight, bias, len(class_names)) for p in bundle.programs)
    by_name, count = programs[0].by_name, len(class_names)
    draws = np.random.default_rng(seed).normal(0, _SPREAD, (count, by_name[weight].columns))
    wide = any(t.role == "low" and t.of == weight for t in programs[0].tensors)
    frac = by_name[weight].frac + (MASTER_BITS if wide else 0)
    first = np.clip(draws, -2 * _SPREAD, 2 * _SPREAD) * 2.0**frac
    masters = {**bundle.masters, weight: np.rint(first).astype(np.int64)}
    if bias:
        masters[bias] = np.zeros((1, count), np.int64)
    return replace(
        bundle,
        programs=programs,
        masters=masters,
        class_names=tuple(class_names),
    )


def _resized(program: TrainingProgram, weight: str, bias: str, count: int) -> TrainingProgram:
    rows, columns = _of(program, weight), _of(program, bias)
    columns |= {program.logits} | {t.name for t in program.tensors if t.role == "target"}
    columns |= {
        operation.operands[name].tensor
        for operation in program.operations
        if operation.opcode == "cross_entropy"
        for name in writes(operation)
    }

    def resized(tensor: TensorSpec) -> TensorSpec:
        if tensor.name in rows:
            return replace(tensor, rows=count)
        return replace(tensor, columns=count) if tensor.name in columns else tensor

    return replace(program, tensors=tuple(map(resized, program.tensors)))


def _of(program: TrainingProgram, parameter: str) -> set[str]:
    """Return the parameter, its planes, moments and gradient."""
    found = {parameter}
    while more := {t.name for t in program.tensors if t.of in found and t.of} - found:
        found |= more
    return found
