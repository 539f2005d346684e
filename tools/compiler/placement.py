"""Puts selections next to what gives their scores and what can hide them.

A selection of tokens stands directly behind its attention, one of connections before a long
product. On the accelerator both run beside the array, wherever they stand.
"""

from __future__ import annotations

from collections.abc import Sequence

from trivit.tools.compiler.ir import (
    AllTokens,
    Attention,
    Linear,
    Model,
    Operation,
    PatchEmbed,
    SelectConnections,
    SelectTokens,
    Tensor,
    inputs,
)
from trivit.tools.errors import ToolsError


def placed(model: Model) -> Model:
    """Return the model with its selections moved to where they cost least.

    Raises:
        ToolsError: connections chosen by scores that the kernel no longer remembers.
    """
    chosen = [o for o in model.operations if isinstance(o, SelectTokens)]
    constant = [o for o in model.operations if isinstance(o, AllTokens)]
    result: list[Operation] = []
    for operation in model.operations:
        if isinstance(operation, SelectTokens | AllTokens | SelectConnections):
            continue
        result.append(operation)
        if isinstance(operation, Attention):
            result += [o for o in chosen if o.probs.name == operation.probs.name]
        elif isinstance(operation, PatchEmbed):
            # The parameter stream is interrupted here anyway, by the loads of the embedding.
            result += constant
    for operation in model.operations:
        if isinstance(operation, SelectConnections):
            result.insert(_place(result, operation), operation)
    return Model(tuple(result), model.logits)


def _place(operations: Sequence[Operation], select: SelectConnections) -> int:
    """Return where ``select`` goes: before the longest product that it can run beside."""
    names = [o.output.name for o in operations]
    scored = next(
        i
        for i, o in enumerate(operations)
        if isinstance(o, Attention) and o.probs.name == select.probs.name
    )
    first = 1 + max(scored, names.index(select.index.name))
    last = next(i for i, o in enumerate(operations) if _reads(o, select.output))
    for place in range(scored + 1, last):
        operation = operations[place]
        if isinstance(operation, Attention) and operation.selectors:
            last = place
            break
    if first > last:
        raise ToolsError(
            f"'{select.output.name}' selects by '{select.probs.name}' after another scored "
            "attention; the kernel remembers the scores of the last one only"
        )
    products = {
        place: operation.rows * operation.weight.integers.size
        for place in range(first, last)
        if isinstance(operation := operations[place], Linear)
    }
    return max(products, key=products.__getitem__, default=last)


def _reads(operation: Operation, tensor: Tensor) -> bool:
    return any(read.name == tensor.name for read in inputs(operation))
