"""Symbolic execution of the graph, node by node (see values.py).

Nodes that only move data run on arrays of element numbers through ONNX's own reference
implementation, so their semantics are ONNX's and not a second reading of them. Nodes on known
arrays fold the same way. Computations become sources (computations.py, choices.py), and every
quantizer hands its operand to the recogniser.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from onnx.reference import ReferenceEvaluator

from trivit.tools.compiler import choices, computations
from trivit.tools.compiler.calls import Call, refuse
from trivit.tools.compiler.formats import quantise_constant, quantizer_frac
from trivit.tools.compiler.graph import Graph, Node
from trivit.tools.compiler.values import Constant, Elements, Fixed, ImageInput, Space, Value

# How many inputs hold data; the others (shapes, axes, indices) must be constant.
_DATA_INPUTS: dict[str, int] = {
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
}
_RANDOM = ("Random", "Bernoulli", "Multinomial", "Dropout")


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

    def run(self) -> Value:
        """Execute every node and return the graph's output.

        Raises:
            ToolsError: a node has no counterpart on the kernel.
        """
        graph = self._graph
        values: dict[str, Value] = {
            name: Constant(array, name=name) for name, array in graph.initialisers.items()
        }
        values[graph.input_name] = self._space.new(
            ImageInput(), graph.input_shape, f"'{graph.input_name}'"
        )
        uses = Counter(name for node in graph.nodes for name in node.inputs)
        uses[graph.output_name] += 1
        for node in graph.nodes:
            operands = tuple(values[name] if name else None for name in node.inputs)
            try:
                results = self._execute(Call(node, operands, self._space))
            except (ValueError, IndexError, TypeError, KeyError) as error:
                raise refuse(node, f"its operands do not fit together ({error})") from error
            values.update(zip(node.outputs, results, strict=False))
            for name in node.inputs:
                uses[name] -= 1
                if uses[name] == 0:
                    values.pop(name, None)  # a large model would not fit otherwise
        return values[graph.output_name]

    def _execute(self, call: Call) -> Sequence[Value]:
        node = call.node
        if node.is_quantizer:
            return [self._quantise(call)]
        if node.domain:
            raise refuse(node, f"operator of the foreign domain '{node.domain}'")
        if node.op_type.startswith(_RANDOM):
            raise refuse(node, "its result is random")
        if all(value is None or isinstance(value, Constant) for value in call.operands):
            return self._fold(call)
        if node.op_type == "Concat":
            return self._move(call, len(call.operands))
        if node.op_type == "Pad":
            return self._pad(call)
        data = _DATA_INPUTS.get(node.op_type)
        rest = call.operands[data or 0 :]
        if data and all(value is None or isinstance(value, Constant) for value in rest):
            return self._move(call, data)
        if node.op_type in choices.HANDLERS:
            return choices.HANDLERS[node.op_type](call)
        if node.op_type in computations.HANDLERS:
            return [computations.HANDLERS[node.op_type](call)]
        raise refuse(node, "the kernel has no such operation")

    def _evaluate(self, call: Call, arrays: Sequence[Any]) -> list[Any]:
        feeds = {n: a for n, a in zip(call.node.inputs, arrays, strict=False) if n}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                evaluator = ReferenceEvaluator(call.node.proto, opsets={"": self._graph.opset})
                return list(evaluator.run(None, feeds))
        except Exception as error:  # whatever a malformed node makes the reference raise
            raise refuse(call.node, f"it cannot be evaluated ({error})") from error

    def _fold(self, call: Call) -> list[Value]:
        operands = [value for value in call.operands if isinstance(value, Constant)]
        kind, first = call.node.op_type, call.operands[0] if call.operands else None
        if _DATA_INPUTS.get(kind) == 1 and kind != "Split" and isinstance(first, Constant):
            rest = [v.array if isinstance(v, Constant) else None for v in call.operands[1:]]
            return [
                first.rearranged(lambda array: np.asarray(self._evaluate(call, [array, *rest])[0]))
            ]
        results = self._evaluate(call, [v.array if v else None for v in call.operands])  # type: ignore[union-attr]
        data = operands if kind == "Concat" else operands[: _DATA_INPUTS.get(kind, 0)]
        # Rearranged integers stay integers of the same format; anything else needs a quantizer.
        fracs = {value.frac for value in data}
        frac = fracs.pop() if len(fracs) == 1 else None
        name = operands[0].name if operands else call.node.label
        return [Constant(np.asarray(result), frac, name) for result in results]

    def _move(self, call: Call, data: int) -> list[Value]:
        arrays: list[Any] = []
        for index, value in enumerate(call.operands):
            if isinstance(value, Constant) and index < data:
                value = call.new(Fixed(value), value.shape)
            arrays.append(value.ids if isinstance(value, Elements) else value and value.array)
        return [Elements(np.asarray(ids, np.int64)) for ids in self._evaluate(call, arrays)]

    def _pad(self, call: Call) -> list[Value]:
        fill = call.operand(2) or Constant(np.zeros(()))
        if call.node.attributes.get("mode", "constant") != "constant" or not isinstance(
            fill, Constant
        ):
            raise refuse(call.node, "only padding with a constant is supported")
        if len(call.node.inputs) < 3 or not call.node.inputs[2]:
            raise refuse(call.node, "give the padding value explicitly")
        # The fill is one more element number, so padding moves data like the others.
        filler = call.new(Fixed(fill), fill.shape).ids.reshape(())
        rest = [call.constant(i).array for i in range(3, len(call.operands))]
        arrays = [call.dynamic(0).ids, call.constant(1).array, filler, *rest]
        return [Elements(np.asarray(self._evaluate(call, arrays)[0], np.int64))]

    def _quantise(self, call: Call) -> Value:
        node = call.node
        if node.op_type not in ("Quant", "IntQuant") or len(call.operands) != 4:
            raise refuse(node, "the compiler reads 'Quant' nodes with four inputs only")
        x, scale, zero_point, bits = call.operands
        frac = quantizer_frac(node, scale, zero_point, bits)
        if isinstance(x, Constant):
            return quantise_constant(node, x, frac)
        if node.attributes.get("narrow", 0):
            raise refuse(node, "it is narrow; the kernel saturates activations at -32768")
        return self._recogniser.quantise(node, call.dynamic(0), frac)
