"""Nodes that choose: head sums, top-k, computed indices and conversions become expressions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import onnx

from trivit.tools.compiler.calls import Call, refuse
from trivit.tools.compiler.values import (
    Above,
    Ascending,
    Constant,
    Elements,
    Fixed,
    Gathered,
    Negated,
    Reduced,
    Scattered,
    Sum,
    TopIndices,
    TopValues,
    Value,
)


def _reduced(call: Call) -> Value:
    x, given = call.dynamic(0), call.operand(1)
    axes = given.array if isinstance(given, Constant) else call.node.attributes.get("axes", [])
    if np.size(axes) != 1:
        raise refuse(call.node, "only a mean or sum over one constant axis is supported")
    axis = _axis(call, int(np.reshape(axes, -1)[0]), x.shape)
    keep = bool(call.node.attributes.get("keepdims", 1))
    shape = [n for i, n in enumerate(x.shape) if i != axis]
    if keep:
        shape.insert(axis, 1)
    return call.new(Reduced(Elements(np.moveaxis(x.ids, axis, -1))), tuple(shape))


def _top(call: Call) -> list[Value]:
    values, count = call.dynamic(0), int(call.constant(1).array.reshape(-1)[0])
    size = values.shape[-1]
    if call.node.attributes.get("axis", -1) not in (-1, len(values.shape) - 1) or count > size:
        raise refuse(call.node, "TopK must run over the last axis with count <= its size")
    ordered = bool(call.node.attributes.get("sorted", 1))
    shape = (*values.shape[:-1], count)
    if call.node.attributes.get("largest", 1):
        best = call.new(TopValues(values, count), shape)
        return [best, call.new(TopIndices(values, count), shape)]
    if count != size or not ordered:
        raise refuse(call.node, "the smallest elements can only be taken to sort all of them")
    unused = call.new(Fixed(Constant(np.zeros(shape))), shape)
    return [call.new(Ascending(values), shape), unused]


def _gathered(call: Call) -> Value:
    data, index = call.dynamic(0), call.dynamic(1)
    axis = _axis(call, call.node.attributes.get("axis", 0), data.shape)
    _check_lines(call, data.shape, index.shape, axis)
    return call.new(Gathered(data, index, axis), index.shape)


def _taken(call: Call) -> Value:
    data, index = call.dynamic(0), call.dynamic(1)
    axis = _axis(call, call.node.attributes.get("axis", 0), data.shape)
    if len(index.shape) != 1:
        raise refuse(call.node, "its indices must be one row")
    # The same rows for every other position: GatherElements with the index broadcast.
    shape = (*data.shape[:axis], index.shape[0], *data.shape[axis + 1 :])
    along = [1] * len(shape)
    along[axis] = -1
    ids = np.broadcast_to(index.ids.reshape(along), shape)
    return call.new(Gathered(data, Elements(ids), axis), shape)


def _scattered(call: Call) -> Value:
    data, index, updates = call.constant(0), call.dynamic(1), call.operand(2)
    assert updates is not None
    if call.node.attributes.get("reduction", "none") != "none":
        raise refuse(call.node, "a scatter with a reduction is not supported")
    axis = _axis(call, call.node.attributes.get("axis", 0), data.shape)
    _check_lines(call, data.shape, index.shape, axis)
    if index.shape != updates.shape:
        raise refuse(call.node, "its indices and updates must have the same shape")
    return call.new(Scattered(data, index, updates, axis), data.shape)


def _cast(call: Call) -> Value:
    x = call.dynamic(0)
    source = call.space.single(x)
    exact = (Above, Negated, TopIndices, Ascending, Sum, Gathered, Scattered, Reduced)
    kind = call.node.attributes.get("to")
    floating = kind in (onnx.TensorProto.FLOAT, onnx.TensorProto.DOUBLE)
    if kind == onnx.TensorProto.BOOL:
        return call.new(Above(x, 0.0), x.shape)
    if floating or (source is not None and isinstance(source.expression, exact)):
        return x
    raise refuse(call.node, "this conversion could change the value")


def _shape(call: Call) -> Value:
    attributes = call.node.attributes
    part = slice(attributes.get("start", 0), attributes.get("end"))
    return Constant(np.array(call.dynamic(0).shape[part], np.int64))


def _axis(call: Call, axis: int, shape: tuple[int, ...]) -> int:
    if not -len(shape) <= axis < len(shape):
        raise refuse(call.node, f"its axis {axis} is outside {len(shape)} dimensions")
    return axis % len(shape)


def _check_lines(call: Call, data: tuple[int, ...], index: tuple[int, ...], axis: int) -> None:
    """Refuse indices that leave out lines of the data beside their axis."""
    if len(data) != len(index) or any(
        a != b for place, (a, b) in enumerate(zip(data, index, strict=True)) if place != axis
    ):
        raise refuse(call.node, "its indices must cover the data beside their axis")


def _one(handler: Callable[[Call], Value]) -> Callable[[Call], list[Value]]:
    return lambda call: [handler(call)]


HANDLERS: dict[str, Callable[[Call], list[Value]]] = {
    "ReduceMean": _one(_reduced),
    "ReduceSum": _one(_reduced),
    "TopK": _top,
    "Gather": _one(_taken),
    "GatherElements": _one(_gathered),
    "ScatterElements": _one(_scattered),
    "Cast": _one(_cast),
    "Shape": _one(_shape),
}
