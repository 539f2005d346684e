"""Executing an exported graph in float64, independently of torch and of Brevitas.

onnx's reference evaluator computes each node in numpy as the standard defines it; in float64 all
sums of 16-bit products are exact, so its quantized tensors can be compared as integers.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator
from onnx.reference.op_run import OpRun

from trivit.models.quantization.qonnx_graph import QUANT_DOMAIN, quant_nodes


class Quant(OpRun):
    """QONNX's Quant for the fixed-point case: round half to even, saturate."""

    op_domain = QUANT_DOMAIN

    def _run(
        self,
        x: NDArray[Any],
        scale: NDArray[Any],
        zero_point: NDArray[Any],
        bit_width: NDArray[Any],
        narrow: int | None = None,
        rounding_mode: str | None = None,
        signed: int | None = None,
    ) -> tuple[NDArray[Any]]:
        high = 2.0 ** (float(bit_width) - 1) - 1
        low = -high if narrow else -high - 1
        integers = np.clip(np.rint(x / scale + zero_point), low, high)
        return ((integers - zero_point) * scale,)


class Gelu(OpRun):
    """Exact GELU: onnx expands it into nodes whose constants are float32."""

    op_domain = ""

    def _run(self, x: NDArray[Any], approximate: str | None = None) -> tuple[NDArray[Any]]:
        erf: Any = _ERF(x / math.sqrt(2.0))
        return (0.5 * x * (1.0 + erf.astype(x.dtype)),)


class TopK(OpRun):
    """TopK as the standard says, the lower index first among equals.

    onnx 1.17, the newest that qonnx takes on Python 3.10, orders equals otherwise.
    """

    op_domain = ""

    def _run(
        self,
        x: NDArray[Any],
        k: NDArray[np.int64],
        axis: int = -1,
        largest: int = 1,
        sorted: int = 1,
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        order = np.argsort(-x if largest else x, axis=axis, kind="stable")
        indices = np.take(order, np.arange(int(k.item())), axis=axis)
        return np.take_along_axis(x, indices, axis), indices


_ERF = np.frompyfunc(math.erf, 1, 1)


def in_float64(model: onnx.ModelProto) -> onnx.ModelProto:
    """Copy of the graph with every float32 constant, input and output in float64."""
    wide = onnx.ModelProto()
    wide.CopyFrom(model)
    for tensor in wide.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            values = numpy_helper.to_array(tensor).astype(np.float64)
            tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    del wide.graph.value_info[:]
    for value in [*wide.graph.input, *wide.graph.output]:
        value.type.tensor_type.elem_type = TensorProto.DOUBLE
    return wide


class Float64Reference:
    """An exported model, cut at its quantizers: each part runs on inputs that the caller gives.

    A difference in one tensor, however small, would otherwise spread through everything after it.
    """

    def __init__(self, model: onnx.ModelProto) -> None:
        graph_model = in_float64(model)
        graph = graph_model.graph
        parameters = {tensor.name for tensor in graph.initializer}
        self._outputs: dict[str, str] = {}
        self.inputs: list[str] = []
        for name, node in quant_nodes(graph).items():
            tensor = node.output[0]
            self._outputs[name] = tensor
            if node.input[0] in parameters or tensor == "logits":
                continue
            node.output[0] = self._outputs[name] = f"{tensor}.computed"
            graph.input.append(helper.make_tensor_value_info(tensor, TensorProto.DOUBLE, None))
            self.inputs.append(name)
        for node in graph.node:
            for tensor in node.output:
                if ".selector." in tensor and not tensor.startswith("/"):
                    self._outputs[tensor] = tensor
        del graph.output[:]
        graph.output.extend(
            helper.make_tensor_value_info(tensor, TensorProto.UNDEFINED, None)
            for tensor in self._outputs.values()
        )
        self._evaluator = ReferenceEvaluator(graph_model, new_ops=[Quant, Gelu, TopK])

    def run(
        self, image_1CHW: NDArray[np.float64], known: Mapping[str, NDArray[np.float64]]
    ) -> dict[str, NDArray[Any]]:
        """Every quantized tensor and selector result, computed from its neighbours in ``known``.

        Args:
            image_1CHW: one normalised image.
            known: the tensors named by ``inputs``, as values.
        """
        feeds = {"image": image_1CHW, **{name: known[name] for name in self.inputs}}
        results = self._evaluator.run(list(self._outputs.values()), feeds)
        return dict(zip(self._outputs, results, strict=True))
