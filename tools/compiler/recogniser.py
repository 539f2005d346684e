"""Turns what each quantizer rounds into an operation of the program.

Quantizers are the tensor boundaries: everything between two of them is one operation of the kernel
or is refused. Matching looks at element numbers (values.py), never at node names.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from trivit.tools.compiler.attention import AttentionRecogniser
from trivit.tools.compiler.calls import refuse
from trivit.tools.compiler.formats import integers
from trivit.tools.compiler.graph import Graph, Node
from trivit.tools.compiler.interpreter import Interpreter
from trivit.tools.compiler.ir import (
    Attention,
    Gelu,
    LayerNorm,
    Linear,
    MeanPool,
    Model,
    Operation,
    Parameter,
    PatchEmbed,
    SelectConnections,
    SelectTokens,
    Tensor,
)
from trivit.tools.compiler.selection import Selectors
from trivit.tools.compiler.tensors import Tensors
from trivit.tools.compiler.values import (
    Constant,
    Convolution,
    Elements,
    Fixed,
    Ids,
    ImageInput,
    Normalised,
    Pooled,
    Product,
    Quantised,
    Softmax,
    Space,
    Value,
)
from trivit.tools.compiler.values import Gelu as GeluOf
from trivit.tools.errors import ToolsError


class ModelRecogniser:
    """Collects the operations while the interpreter walks the graph."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._operations: list[Operation] = []
        self._tensors = Tensors(space)
        self._selectors = Selectors(space, self._tensors, self._operations)
        self._attention = AttentionRecogniser(space, self._tensors, self._selectors)
        self._image: tuple[Ids, int] | None = None

    def quantise(self, node: Node, value: Elements, frac: int) -> Elements:
        """Append the operation whose result ``node`` rounds and return the rounded elements.

        Raises:
            ToolsError: the kernel has no such operation.
        """
        terms = self._space.terms(value)
        biased = self._biased_scores(terms)
        if biased is not None:
            return self._attention.scores(node, value, frac, *biased)
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
            case Pooled():
                return self._pool(node, value, frac)
            case Softmax():
                return self._attention.probabilities(node, value, frac)
            case Product(b=Constant()):
                return self._sum(node, value, terms, frac)
            case Product() as product if self._selectors.probabilities(product.a) is not None:
                operation = self._attention.context(node, value, frac)
                return self._add(node, operation, value.shape)
            case Product():
                return self._attention.scores(node, value, frac, value)
            case Quantised(frac=same) if same == frac:
                return value
        what = source.label if source else "several computations at once"
        raise refuse(node, f"it rounds the result of {what}, which is no operation of the kernel")

    def finish(self, output: Value) -> Model:
        """Return the model that ends in ``output``.

        Raises:
            ToolsError: the output is no row of logits, or a selector has no attention.
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
        model = Model(tuple(operations), logits).used()
        _check_scores(model)
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

    def _quantise_image(self, node: Node, value: Elements, frac: int) -> Elements:
        source = self._tensors.whole(node, value)
        if self._image is not None or value.shape != source.shape:
            raise refuse(node, "the image must have one quantizer")
        elements = self._space.new(Quantised(frac), value.shape, f"'{node.label}'")
        self._image = (elements.ids, frac)
        return elements

    def _biased_scores(self, terms: list[Value]) -> tuple[Elements, Constant] | None:
        """Return a product of two computed tensors and the constant that is added to it."""
        products = [term for term in terms if isinstance(term, Elements)]
        constants = [term for term in terms if isinstance(term, Constant)]
        if (len(products), len(constants)) != (1, 1):
            return None
        source = self._space.single(products[0])
        expression = source.expression if source else None
        if not isinstance(expression, Product) or isinstance(expression.b, Constant):
            return None
        return products[0], constants[0]

    def _pool(self, node: Node, value: Elements, frac: int) -> Elements:
        pooled = self._tensors.whole(node, value).expression
        assert isinstance(pooled, Pooled)
        width = value.shape[-1]
        x = self._tensor(node, pooled.x.ids.reshape(-1, width))
        weights = integers(pooled.weights).reshape(-1)
        if value.ids.size != width or len(weights) != x.rows or pooled.weights.frac is None:
            raise refuse(node, "it must weigh all rows of one tensor")
        output = Tensor(self._name(node), 1, width, frac)
        pool = MeanPool(output, x, _parameter(pooled.weights, weights))
        return self._add(node, pool, value.shape)

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
        self._tensors.whole(node, term)
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
        norm = self._tensors.whole(node, value).expression
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
        gelu = self._tensors.whole(node, value).expression
        assert isinstance(gelu, GeluOf)
        x = self._tensor(node, gelu.x.ids.reshape(-1, value.shape[-1]))
        output = replace(x, name=self._name(node), frac=frac)
        return self._add(node, Gelu(output, x), value.shape)

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


def _vector(value: Constant, width: int) -> np.ndarray:
    return np.array(np.broadcast_to(integers(value).reshape(-1), (width,)))


def _parameter(value: Constant, table: np.ndarray) -> Parameter:
    assert value.frac is not None
    return Parameter(value.name, np.ascontiguousarray(table), value.frac)


def _check_scores(model: Model) -> None:
    computed = {o.probs.name for o in model.operations if isinstance(o, Attention)}
    for operation in model.operations:
        if (
            isinstance(operation, SelectTokens | SelectConnections)
            and operation.probs.name not in computed
        ):
            raise ToolsError(
                f"'{operation.output.name}' selects by '{operation.probs.name}', an attention "
                "whose values nothing reads; the kernel has scores of whole attentions only"
            )
