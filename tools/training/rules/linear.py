"""A linear layer: Y = X·Wᵀ + b + residual; dX = dY·W, dW = dYᵀ·X, db = column sums of dY."""

from trivit.host.training.program import Operand
from trivit.tools.compiler.ir import Linear
from trivit.tools.errors import ToolsError
from trivit.tools.training.builder import Builder
from trivit.tools.training.registry import rule


def forward(operation: Linear, builder: Builder) -> None:
    """State the product."""
    x, output = operation.x, operation.output
    if operation.hidden or operation.norm or operation.gather:
        raise ToolsError(
            f"'{output.name}' is fused with what stands beside it: derive training before fusion"
        )
    if x.rows != output.rows:
        raise ToolsError(
            f"'{output.name}' has {output.rows} rows of the {x.rows} of '{x.name}': training "
            "takes linear layers of whole tensors"
        )
    optional = {}
    if operation.bias is not None:
        optional["bias"] = builder.parameter(operation.bias)
    if operation.residual is not None:
        optional["addend"] = operation.residual.name
    weight = builder.parameter(operation.weight, matrix=True)
    name = builder.activation(output)
    builder.emit("product", dst=name, a=x.name, b=weight, transpose_b=1, **optional)


def backward(operation: Linear, builder: Builder) -> None:
    """State the gradients, and the updates behind them: dX needs the weight from before."""
    dy, weight = builder.gradient(operation.output.name), operation.weight.name
    builder.contribute(
        operation.x.name,
        lambda dst, addend: builder.emit("product", "backward", dst=dst, a=dy, b=weight, **addend),
    )
    if operation.residual is not None:
        builder.pass_on(operation.residual.name, dy)
    bias = None if operation.bias is None else operation.bias.name
    weight_and_bias(builder, weight, bias, dy, operation.x.name)


def weight_and_bias(
    builder: Builder, weight: str, bias: str | None, dy: str, x: str, first: int = 0
) -> None:
    """State the gradients and updates of a weight and its bias from rows ``first`` and up."""
    rows, columns = (Operand(name, first) for name in (dy, x))
    gradient = builder.new_gradient(weight)
    builder.emit("product", "backward", dst=gradient, a=rows, b=columns, transpose_a=1)
    builder.update(weight, gradient)
    if bias is not None:
        gradient = builder.new_gradient(bias)
        builder.emit("column_sums", "backward", dst=gradient, dy=rows)
        builder.update(bias, gradient)


rule(Linear, forward, backward)
