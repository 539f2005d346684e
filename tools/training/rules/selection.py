"""Selection of tokens and connections, and the dropping of rows; a choice has no gradient."""

from trivit.host.training.program import Operand
from trivit.tools.compiler.ir import (
    AllTokens,
    Gather,
    Operation,
    SelectConnections,
    SelectTokens,
    Tensor,
)
from trivit.tools.errors import ToolsError
from trivit.tools.training.builder import Builder
from trivit.tools.training.registry import rule


def select_forward(operation: SelectTokens, builder: Builder) -> None:
    """State the choice of the tokens that [CLS] attends to most."""
    name = builder.activation(operation.output, "index")
    builder.emit(
        "select_tokens",
        dst=name,
        probs=operation.probs.name,
        heads=_heads(operation.probs, operation.tokens),
        keep=operation.keep,
    )


def connections_forward(operation: SelectConnections, builder: Builder) -> None:
    """State the choice of the keys that each kept token attends to most, of those it saw."""
    attention = next(
        o
        for o in builder.operations
        if o.opcode == "attention" and o.operands["probs"].tensor == operation.probs.name
    )
    optional = {n: o for n, o in attention.operands.items() if n == "mask"}
    if operation.index.name in builder.tensors:
        optional["index"] = Operand(operation.index.name)
    builder.emit(
        "select_connections",
        dst=builder.activation(operation.output, "mask"),
        probs=operation.probs.name,
        heads=_heads(operation.probs, operation.tokens),
        keep=operation.keep,
        **optional,
    )


def _heads(probs: Tensor, tokens: int) -> int:
    heads, rest = divmod(probs.rows, tokens)
    if rest:
        raise ToolsError(f"'{probs.name}' has {probs.rows} rows, no multiple of its tokens")
    return heads


def nothing(operation: Operation, builder: Builder) -> None:
    """State nothing: a choice has no gradient, and an index of every row is none."""


def gather_forward(operation: Gather, builder: Builder) -> None:
    """State the copy of the kept rows."""
    name = builder.activation(operation.output, follows=operation.x.name)
    builder.emit("gather", dst=name, x=operation.x.name, index=operation.index.name)


def gather_backward(operation: Gather, builder: Builder) -> None:
    """State the scatter to the kept rows, zero elsewhere."""
    x = operation.x.name
    dy = builder.gradient(operation.output.name)
    destination = builder.new_gradient(x, follows=dy)
    builder.emit("scatter", "backward", dst=destination, dy=dy, index=operation.index.name)
    builder.pass_on(x, destination)


rule(SelectTokens, select_forward, nothing)
rule(SelectConnections, connections_forward, nothing)
rule(AllTokens, nothing, nothing)
rule(Gather, gather_forward, gather_backward)
