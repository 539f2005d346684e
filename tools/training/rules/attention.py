"""Multi-head attention; which connections are closed is the choice of forward.

A bias of the scores is trained as the table that the graph gathers it from, in the units of the
float model: quantization divides it by the softmax's scale, forward does that again.
"""

import math

import numpy as np

from trivit.host.fixed_point import INT16_MIN, Int64
from trivit.host.training.program import TensorSpec
from trivit.tools.compiler.ir import Attention, Parameter
from trivit.tools.errors import ToolsError
from trivit.tools.training.builder import Builder
from trivit.tools.training.registry import rule


def forward(operation: Attention, builder: Builder) -> None:
    """State the attention; scores and probabilities are cheap to compute again."""
    optional = {} if operation.mask is None else {"mask": operation.mask.name}
    if operation.bias is not None:
        optional["bias"] = _bias(operation, operation.bias, builder)
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
    d_scores = builder.new_gradient(operation.scores.name)
    builder.emit(
        "attention_backward",
        "backward",
        d_probs=builder.new_gradient(operation.probs.name),
        d_scores=d_scores,
        dst=destination,
        dy=dy,
        qkv=qkv,
        probs=operation.probs.name,
        heads=operation.heads,
        scale=operation.scale,
    )
    builder.pass_on(qkv, destination)
    if operation.bias is not None:
        table = operation.bias.name
        gradient = builder.new_gradient(table)
        builder.emit(
            "score_bias_backward",
            "backward",
            dst=gradient,
            d_scores=d_scores,
            index=_index(operation.bias, builder),
            scale=operation.scale,
        )
        builder.update(table, gradient)


def _bias(operation: Attention, bias: Parameter, builder: Builder) -> str:
    """State how the bias of each pair follows from the table; return its name."""
    if np.any(bias.integers == INT16_MIN):
        raise ToolsError(
            f"'{bias.name}' closes pairs, which training on the device does not have: export a "
            "model whose patches see all others"
        )
    index = _index(bias, builder)
    assert bias.lookup is not None
    whole = Parameter(bias.name, bias.lookup.table, bias.frac)
    table = builder.parameter(whole, factor=operation.scale)
    frac = builder.tensors[table].frac + math.ceil(math.log2(operation.scale))
    pairs = builder.declare(
        TensorSpec(
            name=f"{bias.name}.pairs",
            rows=operation.scores.rows,
            columns=operation.scores.columns,
            frac=max(0, frac),
            role="activation",
            recompute=True,
        )
    )
    builder.emit("score_bias", dst=pairs, table=table, index=index, scale=operation.scale)
    return pairs


def _index(bias: Parameter, builder: Builder) -> str:
    """Return the constant that names the table's entry of each pair."""
    return builder.constant("relative_position_index", _entries(bias))


def _entries(bias: Parameter) -> Int64:
    """Return the entry of each pair, (tokens, tokens).

    Raises:
        ToolsError: the bias is not gathered from a table of an entry a row and a head a column.
    """
    heads = len(bias.integers)
    lookup = bias.lookup
    if lookup is not None and lookup.table.ndim == 2 and lookup.table.shape[1] == heads:
        index, head = np.divmod(lookup.places, heads)
        if np.all(index == index[:1]) and np.all(head == np.arange(heads)[:, None, None]):
            return index[0]
    raise ToolsError(
        f"'{bias.name}' is gathered from no table with a column for each head, which training on "
        "the device needs: export a model with relative positions as 'trivit quantize' does"
    )


rule(Attention, forward, backward)
