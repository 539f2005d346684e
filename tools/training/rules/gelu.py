"""Exact GELU."""

from trivit.tools.compiler.ir import Gelu
from trivit.tools.training.builder import Builder
from trivit.tools.training.registry import rule


def forward(operation: Gelu, builder: Builder) -> None:
    """State the activation; its result is cheap to compute again."""
    name = builder.activation(operation.output, recompute=True)
    builder.emit("gelu", dst=name, x=operation.x.name)


def backward(operation: Gelu, builder: Builder) -> None:
    """State the gradient of what it read."""
    x = operation.x.name
    destination = builder.new_gradient(x)
    dy = builder.gradient(operation.output.name)
    builder.emit("gelu_backward", "backward", dst=destination, dy=dy, x=x)
    builder.pass_on(x, destination)


rule(Gelu, forward, backward)
