"""Exporting the quantized model as QONNX with stable names.

The file declares one image, for qonnx and FINN want every shape as a number; its nodes take any
number of images, so qonnx's ``ChangeBatchSize`` is enough for another one.

Every quantized tensor is one ``Quant`` node whose *name* is the tensor's name (``input``, ``x0``,
``blocks.0.attn.scores``, ``blocks.0.attn.qkv.weight``...). The output of an activation's node has
the same name, that of a parameter's node ends in ``.quantized``; the scale is the initializer
``NAME.scale``. A selector's results are ``blocks.I.selector.kept``, ``.tokens`` and ``.mask``.
"""

import json
import warnings
from typing import Any

import numpy as np
import onnx
import torch
from brevitas.export import export_qonnx
from onnx import helper, numpy_helper

from trivit.models.quantization.formats import scalings
from trivit.models.quantization.quantizers import QuantPoint
from trivit.models.quantization.vision_transformer import QuantVisionTransformer

OPSET = 20
QUANT_DOMAIN = "qonnx.custom_op.general"
METADATA_KEY = "trivit"


def export(
    model: QuantVisionTransformer, metadata: dict[str, Any], *, sparse: bool
) -> onnx.ModelProto:
    """The calibrated model as QONNX, declared for one image: input ``image``, output ``logits``.

    Args:
        model: calibrated, in float32.
        metadata: stored as JSON in the model's ``metadata_props`` under ``trivit``.
        sparse: with or without token and connection selection.
    """
    config = model.config
    image = torch.zeros(1, config.in_channels, config.image_size, config.image_size)
    previous, model.sparse = model.sparse, sparse
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exported = export_qonnx(
                model,
                args=image,
                export_path=None,
                dynamo=False,
                opset_version=OPSET,
                input_names=["image"],
                output_names=["logits"],
                keep_initializers_as_inputs=False,
            )
    finally:
        model.sparse = previous
    _remove_identities(exported.graph)
    _name_quantizers(exported.graph, model)
    _name_selectors(exported.graph)
    _share_initializers(exported.graph)
    _add_shapes(exported)
    helper.set_model_props(exported, {METADATA_KEY: json.dumps(metadata)})
    exported.producer_name, exported.producer_version = "trivit", ""
    exported.graph.name = "trivit_sparse" if sparse else "trivit_dense"
    return exported


def _add_shapes(model: onnx.ModelProto) -> None:
    """Store the shape of every tensor, as qonnx wants it before it executes a model."""
    known = onnx.ModelProto()
    known.CopyFrom(model)
    for node in known.graph.node:
        # A quantizer keeps the shape; onnx does not know the operator, but this one.
        if node.op_type == "Quant":
            node.CopyFrom(helper.make_node("Identity", node.input[:1], node.output))
    del known.graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(known, strict_mode=True, data_prop=True)
    del model.graph.value_info[:], model.graph.output[:]
    model.graph.value_info.extend(inferred.graph.value_info)
    model.graph.output.extend(inferred.graph.output)


def quant_nodes(graph: onnx.GraphProto) -> dict[str, onnx.NodeProto]:
    """Quant nodes by the name of the tensor that they quantize."""
    return {node.name: node for node in graph.node if node.op_type == "Quant"}


def _rename_tensor(graph: onnx.GraphProto, old: str, new: str) -> None:
    for node in graph.node:
        for field in (node.input, node.output):
            for index, name in enumerate(field):
                if name == old:
                    field[index] = new
    for info in graph.value_info:
        if info.name == old:
            info.name = new


def _remove_identities(graph: onnx.GraphProto) -> None:
    """Give every parameter its own initializer again: the exporter aliases those of equal value."""
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "Identity"]:
        source, target = node.input[0], node.output[0]
        if source in initializers:
            alias = onnx.TensorProto()
            alias.CopyFrom(initializers[source])
            alias.name = target
            initializers[target] = alias
            graph.initializer.append(alias)
        else:
            _rename_tensor(graph, target, source)
        graph.node.remove(node)


def _name_quantizers(graph: onnx.GraphProto, model: QuantVisionTransformer) -> None:
    """Replace the exporter's names by ours, and give every Quant node a scale of its own."""
    initializers = {tensor.name for tensor in graph.initializer}
    known = scalings(model)
    outputs = {value.name for value in graph.output}
    scales = []
    for node in graph.node:
        if node.op_type != "Quant":
            continue
        path = node.name.strip("/").split("/export_handler/")[0].replace("/", ".")
        if path.endswith(".act_quant"):
            module = model.get_submodule(path.removesuffix(".act_quant"))
            assert isinstance(module, QuantPoint)
            name = module.point
        else:
            name = path.removesuffix("_quant")
        scale = np.float32(known[name].scale.item())
        scales.append(numpy_helper.from_array(np.array(scale), f"{name}.scale"))
        node.name, node.input[1] = name, f"{name}.scale"
        if node.output[0] not in outputs:
            is_parameter = node.input[0] in initializers
            new = f"{name}.quantized" if is_parameter else name
            _rename_tensor(graph, node.output[0], new)
    graph.initializer.extend(scales)


def _name_selectors(graph: onnx.GraphProto) -> None:
    renames: dict[str, str] = {}
    for node in graph.node:
        scope = node.name.strip("/").rpartition("/")[0]
        if not scope.endswith("/selector"):
            continue
        point = scope.replace("/", ".")
        if node.op_type == "Concat" and any(a.name == "axis" and a.i == 1 for a in node.attribute):
            renames[node.output[0]] = f"{point}.kept"
        elif node.op_type == "Unsqueeze":
            renames[node.output[0]] = f"{point}.mask"
        elif node.op_type == "GatherElements" and node.input[0].endswith(".attn.proj"):
            renames[node.output[0]] = f"{point}.tokens"
    for old, new in renames.items():
        _rename_tensor(graph, old, new)


def _share_initializers(graph: onnx.GraphProto) -> None:
    """Drop unused initializers and store equal zero points and bit widths once."""
    initializers = {tensor.name: tensor for tensor in graph.initializer}
    for node in quant_nodes(graph).values():
        for position, name in ((2, "zero_point"), (3, "bit_width")):
            value = numpy_helper.to_array(initializers[node.input[position]]).reshape(())
            node.input[position] = name
            initializers[name] = numpy_helper.from_array(np.array(value), name)
    used = {name for node in graph.node for name in node.input}
    kept = [tensor for name, tensor in initializers.items() if name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)
