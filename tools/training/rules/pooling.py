"""The mean of rows: a product with one row of constant weights."""

from trivit.tools.compiler.ir import MeanPool
from trivit.tools.training.builder import Builder
from trivit.tools.training.registry import rule


def forward(operation: MeanPool, builder: Builder) -> None:
    """State the product."""
    weights = operation.weights
    name = builder.constant(weights.name, weights.integers.reshape(1, -1), weights.frac)
    builder.emit("product", dst=builder.activation(operation.output), a=name, b=operation.x.name)


def backward(operation: MeanPool, builder: Builder) -> None:
    """State the gradient of each row: its weight times that of the mean."""
    dy, weights = builder.gradient(operation.output.name), operation.weights.name
    builder.contribute(
        operation.x.name,
        lambda dst, addend: builder.emit(
            "product", "backward", dst=dst, a=weights, b=dy, transpose_a=1, **addend
        ),
    )


rule(MeanPool, forward, backward)
