"""Multi-head attention; which connections are closed is the choice of forward."""

from trivit.tools.compiler.ir import Attention
from trivit.tools.errors import ToolsError
from trivit.tools.training.builder import Builder
from trivit.tools.training.registry import rule


def forward(operation: Attention, builder: Builder) -> None:
    """State the attention; scores and probabilities are cheap to compute again."""
    name = operation.output.name
    if operation.bias is not None:
        raise ToolsError(
            f"'{name}' has a bias of its scores, which training on the device does not have yet: "
            "export a model without"
        )
    optional = {} if operation.mask is None else {"mask": operation.mask.name}
    builder.emit(
        "attention",
        scores=builder.activation(operation.scores, recompute=True),
        probs=builder.activation(operation.probs, "fixed", recompute=True),
        dst=builder.activation(operation.output),
        qkv=operation.qkv.name,
        heads=operation.heads,
        scale=operation.scale,
        **optional,
    )


def backward(operation: Attention, builder: Builder) -> None:
    """State the gradient of queries, keys and values."""
    dy, qkv = builder.gradient(operation.output.name), operation.qkv.name
    destination = builder.new_gradient(qkv)
    builder.emit(
        "attention_backward",
        "backward",
        d_probs=builder.new_gradient(operation.probs.name),
        d_scores=builder.new_gradient(operation.scores.name),
        dst=destination,
        dy=dy,
        qkv=qkv,
        probs=operation.probs.name,
        heads=operation.heads,
        scale=operation.scale,
    )
    builder.pass_on(qkv, destination)


rule(Attention, forward, backward)
