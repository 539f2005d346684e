"""Layer normalisation of the first rows of a tensor."""

from trivit.tools.compiler.ir import LayerNorm
from trivit.tools.training.builder import Builder
from trivit.tools.training.registry import rule


def forward(operation: LayerNorm, builder: Builder) -> None:
    """State the normalisation; its result is cheap to compute again."""
    gamma, beta = builder.parameter(operation.gamma), builder.parameter(operation.beta)
    name = builder.activation(operation.output, recompute=True)
    builder.emit(
        "normalise",
        dst=name,
        x=operation.x.name,
        gamma=gamma,
        beta=beta,
        epsilon=operation.epsilon,
    )


def backward(operation: LayerNorm, builder: Builder) -> None:
    """State the gradients of the rows, of gamma and of beta."""
    dy, x = builder.gradient(operation.output.name), operation.x.name
    gamma, beta, epsilon = operation.gamma.name, operation.beta.name, operation.epsilon
    builder.contribute(
        x,
        lambda dst, addend: builder.emit(
            "normalise_backward",
            "backward",
            dst=dst,
            dy=dy,
            x=x,
            gamma=gamma,
            epsilon=epsilon,
            **addend,
        ),
    )
    gradient = builder.new_gradient(gamma)
    builder.emit("normalise_gamma", "backward", dst=gradient, dy=dy, x=x, epsilon=epsilon)
    builder.update(gamma, gradient)
    gradient = builder.new_gradient(beta)
    builder.emit("column_sums", "backward", dst=gradient, dy=dy)
    builder.update(beta, gradient)


rule(LayerNorm, forward, backward)
