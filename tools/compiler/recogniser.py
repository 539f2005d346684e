"""Turns what each quantizer rounds into an operation of the program.

Quantizers are the tensor boundaries: everything between two of them is one operation of the kernel
or is refused. Matching looks at element numbers (values.py), never at node names.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from trivit.tools.compiler.calls import refuse
from trivit.tools.compiler.formats import integers
from trivit.tools.compiler.graph import Graph, Node
from trivit.tools.compiler.interpreter import Interpreter
from trivit.tools.compiler.ir import (
    Attention,
    Gelu,
    LayerNorm,
    Linear,
    Model,
    Operation,
    Parameter,
    PatchEmbed,
    SelectConnections,
    SelectTokens,
    Tensor,
)
from trivit.tools.compiler.selection import Probabilities, Selectors
from trivit.tools.compiler.tensors import Tensors
from trivit.tools.compiler.values import (
    Constant,
    Convolution,
    Elements,
    Fixed,
    Ids,
    ImageInput,
    Masked,
    Normalised,
    Product,
    Quantised,
    Scaled,
    Softmax,
    Source,
    Space,
    Value,
)
from trivit.tools.compiler.values import Gelu as GeluOf
from trivit.tools.errors import ToolsError


@dataclass(frozen=True, eq=False)
class Scores:
    """Rounded q·k of every head; ``ids`` is (heads, tokens, tokens)."""

    tensor: Tensor
    qkv: Tensor
    heads: int
    ids: Ids


class ModelRecogniser:
    """Collects the operations while the interpreter walks the graph."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._operations: list[Operation] = []
        self._tensors = Tensors(space)
        self._selectors = Selectors(space, self._tensors, self._operations)
        self._scores: dict[int, Scores] = {}
        self._image: tuple[Ids, int] | None = None

    def quantise(self, node: Node, value: Elements, frac: int) -> Elements:
        """Append the operation whose result ``node`` rounds and return the rounded elements.

        Raises:
            ToolsError: the kernel has no such operation.
        """
        terms = self._space.terms(value)
        if len(terms) > 1 or self._is_embedding(terms[0]):
            return self._sum(node, value, terms, frac)
        source = self._space.single(value)
        match source.expression if source else None:
            case ImageInput():
                return self._quantise_image(node, value, frac)
            case Normalised():
                return self._layer_norm(node, value, frac)
            case GeluOf():
                return self._gelu(node, value, frac)
            case Softmax():
                return self._probabilities(node, value, frac)
            case Product(b=Constant()):
                return self._sum(node, value, terms, frac)
            case Product() as product if self._selectors.probabilities(product.a) is not None:
                return self._context(node, value, frac)
            case Product():
                return self._score_matrix(node, value, frac)
            case Quantised(frac=same) if same == frac:
                return value
        what = source.label if source else "several computations at once"
        raise refuse(node, f"it rounds the result of {what}, which is no operation of the kernel")

    def finish(self, output: Value) -> Model:
        """Return the model that ends in ``output``.

        Raises:
            ToolsError: the output is no row of logits, or a selector comes too late.
        """
        logits = None
        if isinstance(output, Elements):
            logits = self._tensors.find(output.ids.reshape(-1, output.shape[-1]))
        if logits is None or logits.rows != 1 or not self._operations:
            raise ToolsError(
                "the graph's output must be one quantized row of logits, computed from [CLS]"
            )
        wanted = self._selectors.wanted
        operations = [
            replace(o, selectors=wanted.get(o.probs.name, "")) if isinstance(o, Attention) else o
            for o in self._operations
        ]
        model = Model(tuple(operations), logits).used().fused()
        _check_score_memory(model)
        return model

    def _add(self, node: Node, operation: Operation, shape: tuple[int, ...]) -> Elements:
        self._operations.append(operation)
        elements = self._space.new(Quantised(operation.output.frac), shape, f"'{node.label}'")
        tensor = operation.output
        self._tensors.bind(tensor, elements.ids.reshape(tensor.rows, tensor.columns))
        return elements

    def _tensor(self, node: Node, ids: Ids) -> Tensor:
        tensor = self._tensors.find(ids) or self._selectors.gathered(node, ids)
        if tensor is None:
            label = self._space.source_of(int(ids.reshape(-1)[-1])).label
            raise refuse(
                node,
                f"it needs the rows of one quantized tensor, not a rearrangement of {label}",
            )
        return tensor

    def _whole(self, node: Node, value: Elements) -> Source:
        """Return the source whose leading elements ``value`` is, in their own order."""
        source = self._space.single(value)
        assert source is not None
        flat = value.ids.reshape(-1)
        if not np.array_equal(flat, np.arange(source.start, source.start + flat.size)):
            raise refuse(node, f"it rounds a rearrangement of {source.label}")
        return source

    def _quantise_image(self, node: Node, value: Elements, frac: int) -> Elements:
        source = self._whole(node, value)
        if self._image is not None or value.shape != source.shape:
            raise refuse(node, "the image must have one quantizer")
        elements = self._space.new(Quantised(frac), value.shape, f"'{node.label}'")
        self._image = (elements.ids, frac)
        return elements

    def _is_embedding(self, term: Value) -> bool:
        if isinstance(term, Constant):
            return False
        last = self._space.source_of(int(term.ids.reshape(-1)[-1]))
        return isinstance(last.expression, Convolution)

    def _sum(self, node: Node, value: Elements, terms: list[Value], frac: int) -> Elements:
        constants = [term for term in terms if isinstance(term, Constant)]
        computed = [term for term in terms if isinstance(term, Elements)]
        embeddings = [term for term in computed if self._is_embedding(term)]
        if len(embeddings) == 1 and len(computed) == 1 and len(constants) == 1:
            return self._patch_embed(node, value, embeddings[0], constants[0], frac)
        products = [term for term in computed if self._product_of(term) is not None]
        others = [term for term in computed if self._product_of(term) is None]
        if len(products) != 1 or len(others) > 1 or len(constants) > 1:
            raise refuse(
                node,
                f"it rounds a sum of {len(products)} products with weights, {len(others)} other "
                f"tensors and {len(constants)} constants; a linear layer has 1, 0..1 and 0..1",
            )
        return self._linear(node, products[0], others, constants, value.shape, frac)

    def _product_of(self, term: Value) -> Product | None:
        source = self._space.single(term)
        if source is not None and isinstance(source.expression, Product):
            return source.expression if isinstance(source.expression.b, Constant) else None
        return None

    def _linear(
        self,
        node: Node,
        term: Elements,
        others: list[Elements],
        constants: list[Constant],
        shape: tuple[int, ...],
        frac: int,
    ) -> Elements:
        product = self._product_of(term)
        assert product is not None and isinstance(product.b, Constant)
        self._whole(node, term)
        depth, width = product.b.shape
        rows = term.ids.size // width
        if rows * width != term.ids.size or term.shape[-1] != width:
            raise refuse(node, "it rounds a rearrangement of a product")
        x = self._tensor(node, product.a.ids.reshape(-1, depth)[:rows])
        residual = self._tensor(node, others[0].ids.reshape(rows, width)) if others else None
        bias = None
        if constants:
            table = integers(constants[0]).reshape(rows, width)
            if np.any(table != table[0]):
                raise refuse(node, f"its bias '{constants[0].name}' differs between tokens")
            bias = _parameter(constants[0], table[0])
        weight = _parameter(product.b, integers(product.b).T)
        output = Tensor(self._name(node), rows, width, frac)
        return self._add(node, Linear(output, x, weight, bias, residual), shape)

    def _patch_embed(
        self, node: Node, value: Elements, term: Elements, pos: Constant, frac: int
    ) -> Elements:
        width = value.shape[-1]
        ids = term.ids.reshape(-1, width)
        source = self._space.source_of(int(ids[-1, -1]))
        convolution = source.expression
        assert isinstance(convolution, Convolution)
        patches = source.ids.reshape(source.shape[1], -1).T
        first = self._space.single(Elements(ids[0]))
        if not np.array_equal(ids[1:], patches) or not (
            first is not None and isinstance(first.expression, Fixed)
        ):
            raise refuse(node, "a patch embedding must be [CLS] followed by the patches row by row")
        if self._image is None or not np.array_equal(convolution.x.ids, self._image[0]):
            raise refuse(node, "the patch embedding must read the quantized image")
        cls_token = first.expression.value
        weight, bias = convolution.weight, convolution.bias
        operation = PatchEmbed(
            output=Tensor(self._name(node), len(ids), width, frac),
            image_shape=(convolution.x.shape[1], convolution.x.shape[2], convolution.x.shape[3]),
            image_frac=self._image[1],
            patch=weight.shape[2],
            weight=_parameter(weight, integers(weight).reshape(width, -1)),
            bias=None if bias is None else _parameter(bias, integers(bias)),
            cls_token=_parameter(cls_token, integers(cls_token).reshape(-1)[ids[0] - first.start]),
            pos_embed=_parameter(pos, integers(pos).reshape(ids.shape)),
        )
        return self._add(node, operation, value.shape)

    def _layer_norm(self, node: Node, value: Elements, frac: int) -> Elements:
        norm = self._whole(node, value).expression
        assert isinstance(norm, Normalised)
        width = value.shape[-1]
        rows = value.ids.size // width
        x = self._tensor(node, norm.x.ids.reshape(-1, width)[:rows])
        operation = LayerNorm(
            output=Tensor(self._name(node), rows, width, frac),
            x=x,
            gamma=_parameter(norm.gamma, _vector(norm.gamma, width)),
            beta=_parameter(norm.beta, _vector(norm.beta, width)),
            epsilon=norm.epsilon,
        )
        return self._add(node, operation, value.shape)

    def _gelu(self, node: Node, value: Elements, frac: int) -> Elements:
        gelu = self._whole(node, value).expression
        assert isinstance(gelu, GeluOf)
        x = self._tensor(node, gelu.x.ids.reshape(-1, value.shape[-1]))
        output = replace(x, name=self._name(node), frac=frac)
        return self._add(node, Gelu(output, x), value.shape)

    def _score_matrix(self, node: Node, value: Elements, frac: int) -> Elements:
        product = self._whole(node, value).expression
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
        tensor = Tensor(self._name(node), heads * qkv.rows, qkv.rows, frac)
        self._scores[int(elements.ids.flat[0])] = Scores(tensor, qkv, heads, elements.ids[0])
        return elements

    def _probabilities(self, node: Node, value: Elements, frac: int) -> Elements:
        softmax = self._whole(node, value).expression
        assert isinstance(softmax, Softmax)
        scale, mask = 1.0, None
        x: Value = softmax.x
        while True:
            source = self._space.single(x)
            expression = source.expression if source else None
            if isinstance(expression, Scaled):
                scale *= expression.factor
            elif isinstance(expression, Masked) and mask is None:
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
                tensor=replace(scores.tensor, name=self._name(node), frac=frac),
                scores=scores.tensor,
                qkv=scores.qkv,
                heads=scores.heads,
                scale=scale,
                mask=mask_tensor,
                ids=elements.ids[0],
            )
        )
        return elements

    def _context(self, node: Node, value: Elements, frac: int) -> Elements:
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
        operation = Attention(
            output=Tensor(self._name(node), tokens, heads * head_dim, frac),
            qkv=probs.qkv,
            mask=probs.mask,
            heads=heads,
            scale=probs.scale,
            scores=probs.scores,
            probs=probs.tensor,
        )
        return self._add(node, operation, value.shape)

    def _name(self, node: Node) -> str:
        return self._tensors.unique(node.label)


def recognise(graph: Graph) -> Model:
    """Return the operations of a graph.

    Raises:
        ToolsError: a node, format or structure that the kernel does not support, in one line.
    """
    space = Space()
    recogniser = ModelRecogniser(space)
    return recogniser.finish(Interpreter(graph, space, recogniser).run())


def _thirds(matrix: Ids, heads: int) -> Ids:
    """Return (3, heads, tokens, head_dim) element numbers of q, k and v from a qkv matrix."""
    tokens = matrix.shape[0]
    return matrix.reshape(tokens, 3, heads, -1).transpose(1, 2, 0, 3)


def _vector(value: Constant, width: int) -> np.ndarray:
    return np.array(np.broadcast_to(integers(value).reshape(-1), (width,)))


def _parameter(value: Constant, table: np.ndarray) -> Parameter:
    assert value.frac is not None
    return Parameter(value.name, np.ascontiguousarray(table), value.frac)


def _check_score_memory(model: Model) -> None:
    held = ""
    for operation in model.operations:
        if isinstance(operation, Attention) and operation.selectors:
            held = operation.probs.name
        elif (
            isinstance(operation, SelectTokens | SelectConnections) and operation.probs.name != held
        ):
            raise ToolsError(
                f"'{operation.output.name}' selects by '{operation.probs.name}' after another "
                "scored attention; the kernel remembers the scores of the last one only"
            )
