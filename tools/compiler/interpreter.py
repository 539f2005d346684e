"""Symbolic execution of the graph, node by node (see values.py).

Nodes that only move data run on arrays of element numbers through ONNX's own reference
implementation, so their semantics are ONNX's and not a second reading of them. Nodes on known
arrays fold the same way. Computations become sources, and every quantizer hands its operand to the
recogniser.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import onnx
from onnx.reference import ReferenceEvaluator

from trivit.tools.compiler.formats import quantise_constant, quantizer_frac
from trivit.tools.compiler.graph import Graph, Node
from trivit.tools.compiler.values import (
    Above,
    Ascending,
    Constant,
    Convolution,
    Elements,
    Expression,
    Fixed,
    Gathered,
    Gelu,
    ImageInput,
    Masked,
    Negated,
    Normalised,
    Product,
    Reduced,
    Scaled,
    Scattered,
    Softmax,
    Space,
    Sum,
    TopIndices,
    Value,
)
from trivit.tools.errors import ToolsError

SUPPORTED = (
    "patch embedding, linear layers, residual sums, LayerNorm, GELU (erf), softmax attention, "
    "and top-k selection of tokens and connections"
)
# Inputs that hold data; the others (shapes, axes, indices) must be constant.
_MOVES: dict[str, int | None] = {
    "Reshape": 1,
    "Transpose": 1,
    "Slice": 1,
    "Split": 1,
    "Gather": 1,
    "GatherElements": 1,
    "Squeeze": 1,
    "Unsqueeze": 1,
    "Flatten": 1,
    "Expand": 1,
    "Tile": 1,
    "Identity": 1,
    "Dropout": 1,
    "Concat": None,
}
# The exponential of anything this far below the maximum is zero in every format.
_CLOSED_BELOW = -1e30


class Recogniser(Protocol):
    """Turns what a quantizer rounds into an operation of the program."""

    def quantise(self, node: Node, value: Elements, frac: int) -> Elements:
        """Return the quantizer's output."""


class Interpreter:
    """Executes a graph on element numbers."""

    def __init__(self, graph: Graph, space: Space, recogniser: Recogniser) -> None:
        self._graph = graph
        self._space = space
        self._recogniser = recogniser
        self._values: dict[str, Value] = {}
        self._handlers: dict[str, Callable[[Node], Value]] = {
            "Conv": self._convolution,
            "MatMul": self._product,
            "Gemm": self._gemm,
            "Add": self._sum,
            "Mul": self._scaled,
            "Div": self._scaled,
            "LayerNormalization": self._normalised,
            "Gelu": self._gelu,
            "Softmax": self._softmax,
            "Where": self._masked,
            "Greater": self._above,
            "Not": self._negated,
            "ReduceMean": self._reduced,
            "ReduceSum": self._reduced,
            "Gather": self._taken,
            "GatherElements": self._gathered,
            "ScatterElements": self._scattered,
            "Pad": self._pad,
            "Cast": self._cast,
            "Shape": self._shape,
        }

    def run(self) -> Value:
        """Execute every node and return the graph's output.

        Raises:
            ToolsError: a node has no counterpart on the kernel.
        """
        graph = self._graph
        self._values = {
            name: Constant(array, name=name) for name, array in graph.initialisers.items()
        }
        self._values[graph.input_name] = self._space.new(
            ImageInput(), graph.input_shape, graph.input_name
        )
        uses = Counter(name for node in graph.nodes for name in node.inputs)
        uses[graph.output_name] += 1
        for node in graph.nodes:
            for name, value in zip(node.outputs, self._execute(node), strict=False):
                self._values[name] = value
            for name in node.inputs:
                uses[name] -= 1
                if uses[name] == 0:
                    self._values.pop(name, None)  # a large model would not fit otherwise
        return self._values[graph.output_name]

    def _execute(self, node: Node) -> list[Value]:
        operands = [self._values[name] for name in node.inputs if name]
        if node.is_quantizer:
            return [self._quantise(node)]
        if node.domain:
            raise refuse(node, f"operator of the foreign domain '{node.domain}'")
        data = _MOVES.get(node.op_type, 0)
        moved = operands if data is None else operands[:data]
        if all(isinstance(value, Constant) for value in operands):
            return self._fold(node, moved)
        indices = operands[len(moved) :]
        if node.op_type in _MOVES and all(isinstance(value, Constant) for value in indices):
            return list(self._move(node, moved))
        if node.op_type == "TopK":
            return self._top(node)
        handler = self._handlers.get(node.op_type)
        if handler is None:
            raise refuse(node, "the kernel has no such operation")
        return [handler(node)]

    def _operand(self, node: Node, index: int) -> Value | None:
        present = index < len(node.inputs) and node.inputs[index]
        return self._values[node.inputs[index]] if present else None

    def _dynamic(self, node: Node, index: int) -> Elements:
        value = self._operand(node, index)
        if not isinstance(value, Elements):
            raise refuse(node, f"its operand {index} must be computed from the image")
        return value

    def _constant(self, node: Node, index: int) -> Constant:
        value = self._operand(node, index)
        if not isinstance(value, Constant):
            raise refuse(node, f"its operand {index} must be a constant")
        return value

    def _new(self, node: Node, expression: Expression, shape: tuple[int, ...]) -> Elements:
        return self._space.new(expression, shape, f"'{node.label}' ({node.op_type})")

    def _evaluate(self, node: Node, feeds: dict[str, Any]) -> list[Any]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                evaluator = ReferenceEvaluator(node.proto, opsets={"": self._graph.opset})
                return list(evaluator.run(None, feeds))
        except Exception as error:  # whatever a malformed node makes the reference raise
            raise refuse(node, f"it cannot be evaluated ({error})") from error

    def _fold(self, node: Node, moved: list[Value]) -> list[Value]:
        feeds = {n: self._constant(node, i).array for i, n in enumerate(node.inputs) if n}
        origin = moved[0] if moved and isinstance(moved[0], Constant) else Constant(np.zeros(0))
        if len(moved) > 1 and any(isinstance(m, Constant) and m.frac != origin.frac for m in moved):
            origin = Constant(origin.array, None, origin.name)
        return [
            Constant(np.asarray(result), origin.frac, origin.name)
            for result in self._evaluate(node, feeds)
        ]

    def _move(self, node: Node, moved: list[Value]) -> list[Elements]:
        feeds: dict[str, Any] = {}
        for index, name in enumerate(node.inputs):
            if name:
                value = self._values[name]
                if index < len(moved):
                    feeds[name] = self._elements(node, value).ids
                elif isinstance(value, Constant):
                    feeds[name] = value.array
        return [Elements(np.asarray(ids, np.int64)) for ids in self._evaluate(node, feeds)]

    def _elements(self, node: Node, value: Value) -> Elements:
        if isinstance(value, Elements):
            return value
        return self._new(node, Fixed(value), value.shape)

    def _quantise(self, node: Node) -> Value:
        if node.op_type not in ("Quant", "IntQuant"):
            raise refuse(node, "the compiler reads 'Quant' nodes only")
        x, scale, zero_point, bits = (self._values[name] for name in node.inputs)
        frac = quantizer_frac(node, scale, zero_point, bits)
        if isinstance(x, Constant):
            return quantise_constant(node, x, frac)
        if node.attributes.get("narrow", 0):
            raise refuse(node, "it is narrow; the kernel saturates activations at -32768")
        return self._recogniser.quantise(node, x, frac)

    def _convolution(self, node: Node) -> Value:
        x, weight = self._dynamic(node, 0), self._constant(node, 1)
        bias = self._operand(node, 2)
        if bias is not None and not isinstance(bias, Constant):
            raise refuse(node, "its bias must be a constant")
        kernel = list(weight.shape[2:])
        attributes = node.attributes
        if (
            len(weight.shape) != 4
            or kernel[0] != kernel[1]
            or list(attributes.get("strides", [1, 1])) != kernel
            or any(attributes.get("pads", []))
            or attributes.get("group", 1) != 1
            or any(d != 1 for d in attributes.get("dilations", []))
            or attributes.get("auto_pad", "NOTSET") not in ("NOTSET", "VALID")
            or x.shape[1] != weight.shape[1]
            or any(size % kernel[0] for size in x.shape[2:])
        ):
            raise refuse(
                node, "only a patch embedding is supported: square kernel = stride, no padding"
            )
        rows, columns = (size // kernel[0] for size in x.shape[2:])
        shape = (x.shape[0], weight.shape[0], rows, columns)
        return self._new(node, Convolution(x, weight, bias), shape)

    def _product(self, node: Node) -> Value:
        a, b = self._dynamic(node, 0), self._operand(node, 1)
        if b is None or a.shape[-1] != b.shape[-2 if len(b.shape) > 1 else 0]:
            raise refuse(node, "its operands do not fit together")
        if isinstance(b, Constant) and len(b.shape) != 2:
            raise refuse(node, "a constant operand must be a matrix")
        shape = (*a.shape[:-1], b.shape[-1])
        return self._new(node, Product(a, b), shape)

    def _gemm(self, node: Node) -> Value:
        a, weight = self._dynamic(node, 0), self._constant(node, 1)
        attributes = node.attributes
        if attributes.get("transA", 0) or attributes.get("alpha", 1.0) != 1.0:
            raise refuse(node, "transA and alpha are not supported")
        array = weight.array.T if attributes.get("transB", 0) else weight.array
        shape = (a.shape[0], array.shape[1])
        product = self._new(node, Product(a, Constant(array, weight.frac, weight.name)), shape)
        bias = self._operand(node, 2)
        if bias is None:
            return product
        if attributes.get("beta", 1.0) != 1.0:
            raise refuse(node, "beta is not supported")
        return self._new(node, Sum(product, _broadcast(bias, shape)), shape)

    def _sum(self, node: Node) -> Value:
        a, b = self._operand(node, 0), self._operand(node, 1)
        assert a is not None and b is not None
        shape = np.broadcast_shapes(a.shape, b.shape)
        return self._new(node, Sum(_broadcast(a, shape), _broadcast(b, shape)), shape)

    def _scaled(self, node: Node) -> Value:
        a, b = self._operand(node, 0), self._operand(node, 1)
        if isinstance(a, Constant) and node.op_type == "Mul":
            a, b = b, a
        if not isinstance(a, Elements) or not isinstance(b, Constant) or b.array.size != 1:
            raise refuse(node, "only a product with one constant number is supported")
        factor = float(b.array.reshape(-1)[0])
        if node.op_type == "Div":
            factor = 1.0 / factor if factor else float("nan")
        return self._new(node, Scaled(a, factor), a.shape)

    def _normalised(self, node: Node) -> Value:
        x, gamma = self._dynamic(node, 0), self._constant(node, 1)
        beta = self._operand(node, 2)
        axis = node.attributes.get("axis", -1)
        if axis not in (-1, len(x.shape) - 1) or not isinstance(beta, Constant):
            raise refuse(node, "LayerNorm must run over the last axis, with gamma and beta")
        # The attribute is float32; its shortest decimal is the number that was meant.
        epsilon = float(str(np.float32(node.attributes.get("epsilon", 1e-5))))
        return self._new(node, Normalised(x, gamma, beta, epsilon), x.shape)

    def _gelu(self, node: Node) -> Value:
        if node.attributes.get("approximate", "none") != "none":
            raise refuse(node, "the kernel computes the exact GELU: approximate='none'")
        x = self._dynamic(node, 0)
        return self._new(node, Gelu(x), x.shape)

    def _softmax(self, node: Node) -> Value:
        x = self._dynamic(node, 0)
        if node.attributes.get("axis", -1) not in (-1, len(x.shape) - 1):
            raise refuse(node, "softmax must run over the last axis")
        return self._new(node, Softmax(x), x.shape)

    def _masked(self, node: Node) -> Value:
        condition = self._dynamic(node, 0)
        chosen, other = self._operand(node, 1), self._operand(node, 2)
        if isinstance(chosen, Constant):
            condition = self._new(node, Negated(condition), condition.shape)
            chosen, other = other, chosen
        closed = isinstance(other, Constant) and bool(np.all(other.array <= _CLOSED_BELOW))
        if not isinstance(chosen, Elements) or not closed:
            raise refuse(node, "a mask must replace closed connections by minus infinity")
        ids = np.broadcast_to(condition.ids, chosen.shape)
        return self._new(node, Masked(chosen, Elements(ids)), chosen.shape)

    def _above(self, node: Node) -> Value:
        x, threshold = self._dynamic(node, 0), self._constant(node, 1)
        if threshold.array.size != 1:
            raise refuse(node, "only a comparison with one constant number is supported")
        return self._new(node, Above(x, float(threshold.array.reshape(-1)[0])), x.shape)

    def _negated(self, node: Node) -> Value:
        x = self._dynamic(node, 0)
        return self._new(node, Negated(x), x.shape)

    def _reduced(self, node: Node) -> Value:
        x, given = self._dynamic(node, 0), self._operand(node, 1)
        axes = given.array if isinstance(given, Constant) else node.attributes.get("axes", [])
        if np.size(axes) != 1:
            raise refuse(node, "only a mean or sum over one constant axis is supported")
        axis = int(np.reshape(axes, -1)[0]) % len(x.shape)
        keep = bool(node.attributes.get("keepdims", 1))
        shape = [n for i, n in enumerate(x.shape) if i != axis]
        if keep:
            shape.insert(axis, 1)
        return self._new(node, Reduced(Elements(np.moveaxis(x.ids, axis, -1))), tuple(shape))

    def _top(self, node: Node) -> list[Value]:
        values, count = self._dynamic(node, 0), int(self._constant(node, 1).array.reshape(-1)[0])
        size = values.shape[-1]
        if node.attributes.get("axis", -1) not in (-1, len(values.shape) - 1) or count > size:
            raise refuse(node, "TopK must run over the last axis with count <= its size")
        ordered = bool(node.attributes.get("sorted", 1))
        shape = (*values.shape[:-1], count)
        unused = self._new(node, Fixed(Constant(np.zeros(shape))), shape)
        if node.attributes.get("largest", 1):
            return [unused, self._new(node, TopIndices(values, count), shape)]
        if count != size or not ordered:
            raise refuse(node, "the smallest elements can only be taken to sort all of them")
        return [self._new(node, Ascending(values), shape), unused]

    def _gathered(self, node: Node) -> Value:
        data, index = self._dynamic(node, 0), self._dynamic(node, 1)
        axis = node.attributes.get("axis", 0) % len(data.shape)
        return self._new(node, Gathered(data, index, axis), index.shape)

    def _taken(self, node: Node) -> Value:
        data, index = self._dynamic(node, 0), self._dynamic(node, 1)
        axis = node.attributes.get("axis", 0) % len(data.shape)
        if len(index.shape) != 1:
            raise refuse(node, "its indices must be one row")
        # The same rows for every other position: GatherElements with the index broadcast.
        shape = (*data.shape[:axis], index.shape[0], *data.shape[axis + 1 :])
        along = [1] * len(shape)
        along[axis] = -1
        ids = np.broadcast_to(index.ids.reshape(along), shape)
        return self._new(node, Gathered(data, Elements(ids), axis), shape)

    def _scattered(self, node: Node) -> Value:
        data, index, updates = (
            self._constant(node, 0),
            self._dynamic(node, 1),
            self._constant(node, 2),
        )
        if node.attributes.get("reduction", "none") != "none":
            raise refuse(node, "a scatter with a reduction is not supported")
        axis = node.attributes.get("axis", 0) % len(data.shape)
        return self._new(node, Scattered(data, index, updates, axis), data.shape)

    def _pad(self, node: Node) -> Value:
        if node.attributes.get("mode", "constant") != "constant":
            raise refuse(node, "only constant padding is supported")
        self._constant(node, 1)
        fill = self._operand(node, 2)
        fill = Constant(np.zeros(())) if fill is None else fill
        if not isinstance(fill, Constant):
            raise refuse(node, "the padding value must be a constant")
        # Padding moves data too: the fill is one more element number.
        filler = self._new(node, Fixed(fill), fill.shape).ids.reshape(())
        feeds: dict[str, Any] = {
            name: self._values[name].array  # type: ignore[union-attr]
            for name in (node.inputs[1], *node.inputs[3:])
            if name
        }
        feeds[node.inputs[0]] = self._dynamic(node, 0).ids
        if len(node.inputs) < 3 or not node.inputs[2]:
            raise refuse(node, "give the padding value explicitly")
        feeds[node.inputs[2]] = filler
        return Elements(np.asarray(self._evaluate(node, feeds)[0], np.int64))

    def _cast(self, node: Node) -> Value:
        x = self._dynamic(node, 0)
        source = self._space.single(x)
        exact = (Above, Negated, TopIndices, Ascending, Sum, Gathered, Scattered, Reduced)
        kind = node.attributes.get("to")
        floating = kind in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
        if kind == onnx.TensorProto.BOOL:
            return self._new(node, Above(x, 0.0), x.shape)
        if floating or (source is not None and isinstance(source.expression, exact)):
            return x
        raise refuse(node, "this conversion could change the value")

    def _shape(self, node: Node) -> Value:
        return Constant(np.array(self._dynamic(node, 0).shape, np.int64))


def _broadcast(value: Value, shape: tuple[int, ...]) -> Value:
    if isinstance(value, Constant):
        return Constant(np.broadcast_to(value.array, shape), value.frac, value.name)
    return Elements(np.broadcast_to(value.ids, shape))


def refuse(node: Node, why: str) -> ToolsError:
    """Return the one-line error for a node that the kernel cannot execute."""
    return ToolsError(f"node '{node.label}' ({node.op_type}): {why}; supported: {SUPPORTED}")
