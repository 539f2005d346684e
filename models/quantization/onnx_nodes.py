"""ONNX nodes for any number of images, which the exporter would write for one image only.

Shape suffixes: B batch, R rows of an index.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


def ints(g: Any, *values: int) -> Any:
    """Return a constant int64 vector."""
    return g.op("Constant", value_t=torch.tensor(values, dtype=torch.int64))


def for_each_image(g: Any, value: Any, images: Any, dims: int) -> Any:
    """Repeat ``value``, whose batch is 1, as often as ``images`` has images.

    Args:
        g: the exporter's graph.
        value: with ``dims`` dimensions.
        images: any tensor with the batch first.
        dims: dimensions of ``value``.
    """
    batch = g.op("Shape", images, start_i=0, end_i=1)
    return g.op("Expand", value, g.op("Concat", batch, ints(g, *[1] * (dims - 1)), axis_i=0))


def along_axis(g: Any, data: Any, index_BR: Any, *, axis: int, others: int) -> Any:
    """Pick R places of ``data``, three dimensions with the batch first, along ``axis`` 1 or 2.

    Args:
        g: the exporter's graph.
        data: what is picked from.
        index_BR: places in each image.
        axis: along which they lie.
        others: size of the other one of the two axes.
    """
    place, spread = ([0, -1, 1], [1, 1, others]) if axis == 1 else ([0, 1, -1], [1, others, 1])
    index = g.op("Reshape", index_BR, ints(g, *place))
    index = g.op("Expand", index, ints(g, *spread))
    return g.op("GatherElements", data, index, axis_i=axis)


class _Repeated(Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, images: Tensor) -> Tensor:
        return value.expand(len(images), *value.shape[1:])

    @staticmethod
    def symbolic(g: Any, value: Any, images: Any) -> Any:
        # The exporter concatenates only what has a known rank.
        return for_each_image(g, value, images, dims=3).setType(value.type())


def repeated(value: Tensor, images: Tensor) -> Tensor:
    """Return ``value`` (1, ., .) once for each of ``images``, whose batch is first."""
    if torch.onnx.is_in_onnx_export():
        return _Repeated.apply(value, images)
    return value.expand(len(images), -1, -1)
