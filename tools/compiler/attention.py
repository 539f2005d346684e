"""Recognises attention: scores, probabilities and context between their three quantizers."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trivit.tools.compiler.calls import refuse
from trivit.tools.compiler.formats import integers
from trivit.tools.compiler.graph import Node
from trivit.tools.compiler.ir import Attention, Lookup, Parameter, Tensor
from trivit.tools.compiler.selection import Probabilities, Selectors
from trivit.tools.compiler.tensors import Tensors
from trivit.tools.compiler.values import (
    Constant,
    Elements,
    Ids,
    Masked,
    Product,
    Quantised,
    Scaled,
    Softmax,
    Space,
    Value,
)

# The exponential of anything this far below the maximum is zero in every format.
_CLOSED_BELOW = -1e30


@dataclass(frozen=True, eq=False)
class Scores:
    """Rounded q·k of every head; ``ids`` is (heads, tokens, tokens)."""

    tensor: Tensor
    qkv: Tensor
    heads: int
    ids: Ids
    bias: Parameter | None


class AttentionRecogniser:
    """Follows queries, keys and values of each block; what does not fit raises ToolsError."""

    def __init__(self, space: Space, tensors: Tensors, selectors: Selectors) -> None:
        self._space = space
        self._tensors = tensors
        self._selectors = selectors
        self._scores: dict[int, Scores] = {}

    def scores(
        self,
        node: Node,
        value: Elements,
        frac: int,
        products: Elements,
        bias: Constant | None = None,
    ) -> Elements:
        """Return the elements of rounded queries times keys, with a bias or without."""
        self._tensors.whole(node, value)
        product = self._tensors.whole(node, products).expression
        assert isinstance(product, Product) and isinstance(product.b, Elements)
        qkv, matrix = self._tensors.owner(product.a)
        queries = product.a.ids
        if qkv is None or len(queries.shape) != 4 or value.shape[-2:] != (qkv.rows, qkv.rows):
            raise refuse(node, "the product of two computed tensors must be queries times keys")
        heads, head_dim = queries.shape[1], queries.shape[3]
        if 3 * heads * head_dim != qkv.columns:
            raise refuse(
                node,
                f"{heads} heads of width {head_dim} do not make a third of '{qkv.name}' "
                f"({qkv.columns} columns)",
            )
        expected = _thirds(matrix, heads)
        keys = product.b.ids.reshape(heads, head_dim, qkv.rows)
        if not np.array_equal(queries[0], expected[0]) or not np.array_equal(
            keys.transpose(0, 2, 1), expected[1]
        ):
            raise refuse(
                node,
                f"its operands must be the queries and keys of '{qkv.name}' in the order q, k, v "
                "with one block of columns per head",
            )
        elements = self._space.new(Quantised(frac), value.shape, f"'{node.label}'")
        tensor = Tensor(self._tensors.unique(node.label), heads * qkv.rows, qkv.rows, frac)
        added = None
        if bias is not None:
            shape = heads, qkv.rows, qkv.rows
            assert bias.frac is not None
            lookup = Lookup(integers(bias.root), bias.places().reshape(shape))
            added = Parameter(bias.name, integers(bias).reshape(shape), bias.frac, lookup)
        scores = Scores(tensor, qkv, heads, elements.ids[0], added)
        self._scores[int(elements.ids.flat[0])] = scores
        return elements

    def probabilities(self, node: Node, value: Elements, frac: int) -> Elements:
        """Return the elements of the rounded softmax of scaled and masked scores."""
        softmax = self._tensors.whole(node, value).expression
        assert isinstance(softmax, Softmax)
        scale, mask = 1.0, None
        x: Value = softmax.x
        while True:
            source = self._space.single(x)
            expression = source.expression if source else None
            if isinstance(expression, Scaled):
                scale *= expression.factor
            elif isinstance(expression, Masked) and mask is None:
                if not expression.closed <= _CLOSED_BELOW:
                    raise refuse(node, "a mask must replace closed connections by minus infinity")
                mask = self._space.through(x, lambda e: e.condition)  # type: ignore[union-attr]
            else:
                break
            deeper = self._space.through(x, lambda e: e.x)  # type: ignore[union-attr]
            assert deeper is not None
            x = deeper
        scores = self._scores.get(source.start) if source else None
        if (
            scores is None
            or not isinstance(x, Elements)
            or not np.array_equal(x.ids[0], scores.ids)
        ):
            raise refuse(node, "softmax must read quantized attention scores, scaled by a number")
        if not 0 < scale < float("inf"):
            raise refuse(node, f"softmax scale {scale} must be positive")
        elements = self._space.new(Quantised(frac), value.shape, f"'{node.label}'")
        mask_tensor = None
        if isinstance(mask, Elements):
            mask_tensor = self._selectors.mask(node, mask.ids.reshape(value.shape)[0])
        self._selectors.add(
            Probabilities(
                tensor=replace(scores.tensor, name=self._tensors.unique(node.label), frac=frac),
                scores=scores.tensor,
                qkv=scores.qkv,
                heads=scores.heads,
                scale=scale,
                mask=mask_tensor,
                bias=scores.bias,
                ids=elements.ids[0],
            )
        )
        return elements

    def context(self, node: Node, value: Elements, frac: int) -> Attention:
        """Return the attention whose result ``node`` rounds."""
        source = self._space.single(value)
        assert source is not None
        product = source.expression
        assert isinstance(product, Product) and isinstance(product.b, Elements)
        probs = self._selectors.probabilities(product.a)
        assert probs is not None
        matrix = self._tensors.matrix(probs.qkv)
        values = _thirds(matrix, probs.heads)[2]
        if not np.array_equal(product.a.ids[0], probs.ids) or not np.array_equal(
            product.b.ids.reshape(values.shape), values
        ):
            raise refuse(
                node,
                f"it must be '{probs.tensor.name}' times the values, the last third of "
                f"'{probs.qkv.name}'",
            )
        heads, tokens, head_dim = values.shape
        merged = source.ids.reshape(values.shape).transpose(1, 0, 2).reshape(tokens, -1)
        if value.ids.size != merged.size or not np.array_equal(
            value.ids.reshape(merged.shape), merged
        ):
            raise refuse(node, "the heads must be concatenated before the quantizer")
        return Attention(
            output=Tensor(self._tensors.unique(node.label), tokens, heads * head_dim, frac),
            qkv=probs.qkv,
            mask=probs.mask,
            heads=heads,
            scale=probs.scale,
            scores=probs.scores,
            probs=probs.tensor,
            bias=probs.bias,
        )


def _thirds(matrix: Ids, heads: int) -> Ids:
    """Return (3, heads, tokens, head_dim) element numbers of q, k and v from a qkv matrix."""
    tokens = matrix.shape[0]
    return matrix.reshape(tokens, 3, heads, -1).transpose(1, 2, 0, 3)
