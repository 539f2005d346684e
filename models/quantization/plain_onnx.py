"""The same model in standard ONNX: int16 QuantizeLinear and DequantizeLinear.

Brevitas' own QCDQ export stops at 8 bits. int16 came with opset 21.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from trivit.models.quantization.qonnx_graph import QUANT_DOMAIN

OPSET = 21
# The first IR version that knows opset 21; older runtimes refuse newer ones.
IR_VERSION = 10
_ZERO_POINT = "zero_point_int16"


def to_plain_onnx(qonnx: onnx.ModelProto) -> onnx.ModelProto:
    """Replace every Quant node of an exported model; names of tensors stay.

    An activation becomes QuantizeLinear (which rounds half to even and saturates) and
    DequantizeLinear. A parameter is stored as int16 integers, within its narrow range where it has
    one, and keeps only the DequantizeLinear. The batch dimension of image and logits is free
    (``batch``): no node depends on it.
    """
    plain = onnx.ModelProto()
    plain.CopyFrom(qonnx)
    graph = plain.graph
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    nodes: list[onnx.NodeProto] = []
    for node in graph.node:
        if node.op_type != "Quant":
            nodes.append(node)
            continue
        source, scale = node.input[0], node.input[1]
        integers = f"{node.name}.integers"
        if source in initializers:
            values = numpy_helper.to_array(initializers[source]).astype(np.float64)
            step = float(numpy_helper.to_array(initializers[scale]))
            narrow = any(a.name == "narrow" and a.i for a in node.attribute)
            low = -32767 if narrow else -32768
            stored = np.clip(np.rint(values / step), low, 32767).astype(np.int16)
            initializers[integers] = numpy_helper.from_array(stored, integers)
        else:
            nodes.append(
                helper.make_node(
                    "QuantizeLinear",
                    [source, scale, _ZERO_POINT],
                    [integers],
                    name=f"{node.name}.quantize",
                )
            )
        nodes.append(
            helper.make_node(
                "DequantizeLinear",
                [integers, scale, _ZERO_POINT],
                [node.output[0]],
                name=node.name,
            )
        )
    initializers[_ZERO_POINT] = numpy_helper.from_array(np.array(0, dtype=np.int16), _ZERO_POINT)
    used = {name for node in nodes for name in node.input}
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(nodes)
    graph.initializer.extend(t for name, t in initializers.items() if name in used)
    opsets = [o for o in plain.opset_import if o.domain not in ("", QUANT_DOMAIN)]
    del plain.opset_import[:]
    plain.opset_import.extend([helper.make_opsetid("", OPSET), *opsets])
    plain.ir_version = IR_VERSION
    for value in (*graph.input, *graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    onnx.checker.check_model(plain, full_check=True)
    return plain
