"""From a compiled model to a training program: forward, backward by the rules, update."""

from __future__ import annotations

from dataclasses import dataclass

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int64
from trivit.host.oracle.training.loss import TARGET_FRAC
from trivit.host.training.program import TensorSpec, TrainingProgram
from trivit.tools.compiler.ir import Attention, Model
from trivit.tools.errors import ToolsError
from trivit.tools.training import rules
from trivit.tools.training.builder import Builder, MasterBits, Optimizer
from trivit.tools.training.registry import RULES

TARGET = "target"
_VECTOR_FRAC = 15
assert rules


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A training program and the masters of its parameters, (rows, columns) int64 by name.

    Masters have the fraction length of the parameter in the program, plus 16 with 32 bits.
    Constants stand among them, as they are.
    """

    program: TrainingProgram
    masters: dict[str, Int64]


def derive(
    model: Model,
    *,
    name: str = "train",
    masters: MasterBits = 32,
    token_keep_ratio: float = 1.0,
    attention_keep_ratio: float = 1.0,
    vector_frac: int = _VECTOR_FRAC,
    optimizer: Optimizer = "sgd",
    variance_block: int | None = None,
) -> Derived:
    """Return the training program of a recognised model (before fusion).

    Args:
        model: operations as the recogniser found them.
        name: of the program.
        masters: bits of a parameter's master.
        token_keep_ratio: what the model was exported with; schedules choose programs by it.
        attention_keep_ratio: the same of connections.
        vector_frac: fraction bits of parameters that are no matrices, at most.
        optimizer: whose updates.
        variance_block: whose [CLS] attention a step tells of (-1: the last block's).

    Raises:
        ToolsError: an operation without a rule, one whose rule refuses it, or no such block.
    """
    watched = _attention_of(model, variance_block)
    builder = Builder(masters, vector_frac, optimizer)
    for operation in model.operations:
        found = RULES.get(type(operation))
        if found is None:
            raise ToolsError(
                f"'{operation.output.name}' is a {type(operation).__name__}, which training on "
                "the device does not have yet: export a model without"
            )
        found.forward(operation, builder)
        if operation is watched:
            builder.emit("cls_moments", probs=watched.probs.name, heads=watched.heads)
    logits = builder.tensors[model.logits.name]
    builder.declare(
        TensorSpec(name=TARGET, rows=1, columns=logits.columns, frac=TARGET_FRAC, role="target")
    )
    gradient = builder.new_gradient(logits.name)
    builder.emit("cross_entropy", "backward", dst=gradient, logits=logits.name, target=TARGET)
    builder.gradients[logits.name] = gradient
    for operation in reversed(model.operations):
        RULES[type(operation)].backward(operation, builder)
    try:
        program = TrainingProgram(
            name=name,
            tensors=tuple(builder.tensors.values()),
            operations=tuple(builder.operations),
            logits=logits.name,
            token_keep_ratio=token_keep_ratio,
            attention_keep_ratio=attention_keep_ratio,
        )
    except HostError as error:
        raise ToolsError(f"the derived program is wrong: {error}") from error
    return Derived(program=program, masters=builder.values | builder.constants)


def _attention_of(model: Model, block: int | None) -> Attention | None:
    """Return the attention of a block, as ``sparsity.variance_block`` counts them."""
    if block is None:
        return None
    attentions = [o for o in model.operations if isinstance(o, Attention)]
    if not -len(attentions) <= block < len(attentions):
        raise ToolsError(
            f"variance block {block}: the model has blocks 0 to {len(attentions) - 1}, -1 is the "
            "last one"
        )
    return attentions[block]
