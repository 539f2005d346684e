"""Token selection and the dropping of rows; which rows stay has no gradient."""

from trivit.tools.compiler.ir import Gather, SelectTokens
from trivit.tools.errors import ToolsError
from trivit.tools.training.builder import Builder
from trivit.tools.training.registry import rule


def select_forward(operation: SelectTokens, builder: Builder) -> None:
    """State the choice of the tokens that [CLS] attends to most."""
    probs = builder.tensors[operation.probs.name]
    heads, rest = divmod(probs.rows, operation.tokens)
    if rest:
        raise ToolsError(f"'{probs.name}' has {probs.rows} rows, no multiple of its tokens")
    name = builder.activation(operation.output, "index")
    builder.emit("select_tokens", dst=name, probs=probs.name, heads=heads, keep=operation.keep)


def select_backward(operation: SelectTokens, builder: Builder) -> None:
    """State nothing: a choice has no gradient."""


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


rule(SelectTokens, select_forward, select_backward)
rule(Gather, gather_forward, gather_backward)
