"""Nodes that compute: products, sums, normalisation, softmax and masks become expressions."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from trivit.tools.compiler.calls import Call, refuse
from trivit.tools.compiler.values import (
    Above,
    Constant,
    Convolution,
    Elements,
    Gelu,
    Masked,
    Negated,
    Normalised,
    Pooled,
    Product,
    Scaled,
    Softmax,
    Sum,
    Value,
)


def _convolution(call: Call) -> Value:
    x, weight = call.dynamic(0), call.constant(1)
    bias = call.operand(2)
    if bias is not None and not isinstance(bias, Constant):
        raise refuse(call.node, "its bias must be a constant")
    kernel = list(weight.shape[2:])
    attributes = call.node.attributes
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
            call.node, "only a patch embedding is supported: square kernel = stride, no padding"
        )
    rows, columns = (size // kernel[0] for size in x.shape[2:])
    shape = (x.shape[0], weight.shape[0], rows, columns)
    return call.new(Convolution(x, weight, bias), shape)


def _product(call: Call) -> Value:
    weights, x = call.operand(0), call.operand(1)
    if isinstance(weights, Constant) and isinstance(x, Elements):
        if len(weights.shape) != 2 or (1, x.shape[-2]) != weights.shape:
            raise refuse(call.node, "a constant before computed rows must be one row of weights")
        return call.new(Pooled(weights, x), (*x.shape[:-2], 1, x.shape[-1]))
    a, b = call.dynamic(0), x
    if b is None or a.shape[-1] != b.shape[-2 if len(b.shape) > 1 else 0]:
        raise refuse(call.node, "its operands do not fit together")
    if isinstance(b, Constant):
        if len(b.shape) != 2:
            raise refuse(call.node, "a constant operand must be a matrix")
        b = Constant(b.array, b.frac, b.name)  # without what it was before: it may be large
    shape = (*a.shape[:-1], b.shape[-1])
    return call.new(Product(a, b), shape)


def _gemm(call: Call) -> Value:
    a, weight = call.dynamic(0), call.constant(1)
    attributes = call.node.attributes
    if len(a.shape) != 2 or len(weight.shape) != 2:
        raise refuse(call.node, "its operands must be matrices")
    if attributes.get("transA", 0) or attributes.get("alpha", 1.0) != 1.0:
        raise refuse(call.node, "transA and alpha are not supported")
    array = weight.array.T if attributes.get("transB", 0) else weight.array
    if a.shape[1] != array.shape[0]:
        raise refuse(call.node, "its operands do not fit together")
    shape = (a.shape[0], array.shape[1])
    product = call.new(Product(a, Constant(array, weight.frac, weight.name)), shape)
    bias = call.operand(2)
    if bias is None:
        return product
    if attributes.get("beta", 1.0) != 1.0:
        raise refuse(call.node, "beta is not supported")
    return call.new(Sum(product, _broadcast(bias, shape)), shape)


def _sum(call: Call) -> Value:
    a, b = call.operand(0), call.operand(1)
    assert a is not None and b is not None
    shape = np.broadcast_shapes(a.shape, b.shape)
    return call.new(Sum(_broadcast(a, shape), _broadcast(b, shape)), shape)


def _scaled(call: Call) -> Value:
    a, b = call.operand(0), call.operand(1)
    if isinstance(a, Constant) and call.node.op_type == "Mul":
        a, b = b, a
    if not isinstance(a, Elements) or not isinstance(b, Constant) or b.array.size != 1:
        raise refuse(call.node, "only a product with one constant number is supported")
    factor = float(b.array.reshape(-1)[0])
    if call.node.op_type == "Div":
        factor = 1.0 / factor if factor else float("nan")
    return call.new(Scaled(a, factor), a.shape)


def _normalised(call: Call) -> Value:
    x, gamma = call.dynamic(0), call.constant(1)
    beta = call.operand(2)
    axis = call.node.attributes.get("axis", -1)
    if axis not in (-1, len(x.shape) - 1) or not isinstance(beta, Constant):
        raise refuse(call.node, "LayerNorm must run over the last axis, with gamma and beta")
    # The attribute is float32; its shortest decimal is the number that was meant.
    epsilon = float(str(np.float32(call.node.attributes.get("epsilon", 1e-5))))
    return call.new(Normalised(x, gamma, beta, epsilon), x.shape)


def _gelu(call: Call) -> Value:
    if call.node.attributes.get("approximate", "none") != "none":
        raise refuse(call.node, "the kernel computes the exact GELU: approximate='none'")
    x = call.dynamic(0)
    return call.new(Gelu(x), x.shape)


def _softmax(call: Call) -> Value:
    x = call.dynamic(0)
    if call.node.attributes.get("axis", -1) not in (-1, len(x.shape) - 1):
        raise refuse(call.node, "softmax must run over the last axis")
    return call.new(Softmax(x), x.shape)


def _masked(call: Call) -> Value:
    condition = call.dynamic(0)
    chosen, other = call.operand(1), call.operand(2)
    if isinstance(chosen, Constant):
        condition = call.new(Negated(condition), condition.shape)
        chosen, other = other, chosen
    if not isinstance(chosen, Elements) or not isinstance(other, Constant) or not other.array.size:
        raise refuse(call.node, "a mask must replace closed connections by a constant number")
    if np.broadcast_shapes(chosen.shape, other.shape) != chosen.shape:
        raise refuse(call.node, "its operands do not fit together")
    ids = np.broadcast_to(condition.ids, chosen.shape)
    return call.new(Masked(chosen, Elements(ids), float(other.array.max())), chosen.shape)


def _above(call: Call) -> Value:
    x, threshold = call.dynamic(0), call.constant(1)
    if threshold.array.size != 1:
        raise refuse(call.node, "only a comparison with one constant number is supported")
    return call.new(Above(x, float(threshold.array.reshape(-1)[0])), x.shape)


def _negated(call: Call) -> Value:
    x = call.dynamic(0)
    return call.new(Negated(x), x.shape)


def _broadcast(value: Value, shape: tuple[int, ...]) -> Value:
    if isinstance(value, Constant):
        return value.rearranged(lambda array: np.broadcast_to(array, shape))
    return Elements(np.broadcast_to(value.ids, shape))


HANDLERS: dict[str, Callable[[Call], Value]] = {
    "Conv": _convolution,
    "MatMul": _product,
    "Gemm": _gemm,
    "Add": _sum,
    "Mul": _scaled,
    "Div": _scaled,
    "LayerNormalization": _normalised,
    "Gelu": _gelu,
    "Softmax": _softmax,
    "Where": _masked,
    "Greater": _above,
    "Not": _negated,
}
