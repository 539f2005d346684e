"""The mean of rows: a product with one row of constant weights."""

from trivit.tools.compiler.ir import MeanPool
from trivit.tools.training.builder import Builder
from trivit.tools.training.registry import rule


def forward(operation: MeanPool, builder: Builder) -> None:
    """State the product."""
    weights = operation.weights
    name = builder.constant(_weights(operation), weights.integers.reshape(1, -1), weights.frac)
    builder.emit("product", dst=builder.activation(operation.output), a=name, b=operation.x.name)


def backward(operation: MeanPool, builder: Builder) -> None:
    """State the gradient of each row: its weight times that of the mean."""
    dy, weights = builder.gradient(operation.output.name), _weights(operation)
    builder.contribute(
        operation.x.name,
        lambda dst, addend: builder.emit(
            "product", "backward", dst=dst, a=weights, b=dy, transpose_a=1, **addend
        ),
    )


def _weights(operation: MeanPool) -> str:
    """Return a name that does not depend on how the graph calls its constant."""
    return f"{operation.output.name}.weights"


rule(MeanPool, forward, backward)
