"""Exported graphs: structure, names, metadata, and what three independent runtimes compute."""

import json
from collections.abc import Callable

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from onnx import TensorProto, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.change_batchsize import ChangeBatchSize
from qonnx.transformation.infer_shapes import InferShapes

from trivit.models.errors import ModelsError
from trivit.models.quantization.formats import fraction_lengths
from trivit.models.quantization.plain_onnx import to_plain_onnx
from trivit.models.quantization.qonnx_graph import export, quant_nodes
from trivit.models.quantization.trace import trace, trace_parameters
from trivit.models.quantization.verify import (
    compare_onnxruntime,
    compare_qonnx,
    compare_reference,
)
from trivit.models.quantization.vision_transformer import QuantVisionTransformer

from .conftest import METADATA

Graphs = Callable[..., onnx.ModelProto]
SHAPE_OPERATORS = {"ConstantOfShape", "Range", "Identity", "Constant", "If"}


def exported(model: QuantVisionTransformer, sparse: bool = True) -> onnx.ModelProto:
    return export(model.float(), METADATA, sparse=sparse)


def logits(model: QuantVisionTransformer, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return model.double()(images)


@pytest.mark.parametrize("sparse", [True, False])
def test_float64_execution_gives_the_same_integers(
    model: QuantVisionTransformer, graphs: Graphs, images: torch.Tensor, sparse: bool
) -> None:
    graph = graphs(sparse)
    model.double().sparse = sparse
    result = compare_reference(model, graph, images)
    assert result["images"] == len(images)
    assert result["integers"] > 10000
    assert result["different_integers"] == 0
    assert result["max_difference_steps"] == 0


def test_qonnx_executes_the_file(
    model: QuantVisionTransformer, graphs: Graphs, images: torch.Tensor
) -> None:
    graph = onnx.load_from_string(graphs().SerializeToString())
    expected = logits(model, images[:2])
    result = compare_qonnx(graph, images[:2], expected)
    assert result["images"] == 2
    assert result["median_logit_difference"] < 0.005 * float(expected.abs().max())


def test_onnxruntime_executes_the_plain_model(
    model: QuantVisionTransformer, graphs: Graphs, images: torch.Tensor
) -> None:
    plain = to_plain_onnx(graphs())
    expected = logits(model, images)
    result = compare_onnxruntime(plain, images, expected)
    assert result["images"] == len(images)
    assert result["median_logit_difference"] < 0.005 * float(expected.abs().max())


def test_plain_model_is_standard_onnx_of_opset_21(
    model: QuantVisionTransformer, graphs: Graphs
) -> None:
    plain = to_plain_onnx(graphs())
    onnx.checker.check_model(plain, full_check=True)
    assert [(o.domain, o.version) for o in plain.opset_import] == [("", 21)]
    assert {node.domain for node in plain.graph.node} <= {"", "ai.onnx"}
    stored = {t.name: t for t in plain.graph.initializer}
    parameters = trace_parameters(model)
    for name, tensor in parameters.items():
        integers = stored[f"{name}.integers"]
        assert integers.data_type == TensorProto.INT16
        np.testing.assert_array_equal(numpy_helper.to_array(integers), tensor.integers)
    session = onnxruntime.InferenceSession(plain.SerializeToString())
    assert [i.shape for i in session.get_inputs()] == [["batch", 2, 12, 12]]
    assert [(o.name, o.shape) for o in session.get_outputs()] == [("logits", ["batch", 5])]


# qonnx compares with the shapes of the single image that the file declares.
@pytest.mark.filterwarnings("ignore:Output shapes disagree")
@pytest.mark.parametrize("sparse", [True, False])
def test_several_images_at_once_give_what_each_gives_alone(
    model: QuantVisionTransformer, graphs: Graphs, images: torch.Tensor, sparse: bool
) -> None:
    """Selection differs from image to image, so a batch cannot be right by accident."""
    qonnx = graphs(sparse)
    plain = to_plain_onnx(qonnx)
    session = onnxruntime.InferenceSession(plain.SerializeToString())
    batch = images.float().numpy()
    alone = [session.run(["logits"], {"image": batch[i : i + 1]})[0] for i in range(len(batch))]
    step = 2.0 ** -fraction_lengths(model)["head"]
    for count in (2, len(batch)):
        together = session.run(["logits"], {"image": batch[:count]})[0]
        assert together.shape == (count, 5)
        np.testing.assert_allclose(together, np.concatenate(alone[:count]), rtol=0, atol=step)
    # The same nodes in the QONNX, by qonnx's own way to another batch.
    two = ModelWrapper(qonnx).transform(ChangeBatchSize(2)).transform(InferShapes())
    together = execute_onnx(two, {"image": batch[:2]})["logits"]
    np.testing.assert_allclose(together, np.concatenate(alone[:2]), rtol=0, atol=step)


@pytest.mark.parametrize("sparse", [True, False])
def test_graph_has_one_named_quantizer_per_tensor_and_no_shape_arithmetic(
    model: QuantVisionTransformer, graphs: Graphs, images: torch.Tensor, sparse: bool
) -> None:
    graph = graphs(sparse).graph
    model.double().sparse = sparse
    traced = trace_parameters(model) | trace(model, images[:1])
    names = {name for name, t in traced.items() if t.fraction_length is not None}
    names = {name for name in names if not name.endswith(".tokens")}
    assert set(quant_nodes(graph)) == names
    assert len([n for n in graph.node if n.op_type == "Quant"]) == len(names)
    assert not {n.op_type for n in graph.node} & SHAPE_OPERATORS
    counts = {op: len([n for n in graph.node if n.op_type == op]) for op in ("Gelu", "Softmax")}
    assert counts == {"Gelu": 4, "Softmax": 4}
    assert len([n for n in graph.node if n.op_type == "LayerNormalization"]) == 9
    outputs = {output for node in graph.node for output in node.output}
    selected = {f"blocks.{i}.selector.{n}" for i in (0, 2) for n in ("kept", "tokens", "mask")}
    assert (selected <= outputs) == sparse
    assert bool(selected & outputs) == sparse


def test_every_tensor_has_a_static_shape_that_the_trace_confirms(
    model: QuantVisionTransformer, graphs: Graphs, images: torch.Tensor
) -> None:
    graph = graphs().graph
    shapes = {
        value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in [*graph.value_info, *graph.output]
    }
    produced = {output for node in graph.node for output in node.output}
    assert produced <= set(shapes)
    for name, tensor in trace(model.double(), images[:1]).items():
        if name.endswith(".mask"):
            assert shapes[name] == [1, *tensor.integers.shape]
        else:
            assert shapes["logits" if name == "head" else name] == list(tensor.integers.shape)


def test_quantizers_carry_the_formats(model: QuantVisionTransformer, graphs: Graphs) -> None:
    graph = graphs().graph
    initializers = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    formats = fraction_lengths(model)
    weights = {name for name, p in model.named_parameters() if p.dim() > 1} - {
        "cls_token",
        "pos_embed",
    }
    for name, node in quant_nodes(graph).items():
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        assert node.domain == "qonnx.custom_op.general"
        assert float(initializers[node.input[1]]) == 2.0 ** -formats[name]
        assert node.input[1] == f"{name}.scale"
        assert float(initializers[node.input[2]]) == 0
        assert float(initializers[node.input[3]]) == 16
        assert attributes == {
            "narrow": int(name in weights),
            "signed": 1,
            "rounding_mode": b"ROUND",
        }


def test_metadata_travels_with_the_file(model: QuantVisionTransformer, graphs: Graphs) -> None:
    data = graphs().SerializeToString()
    props = {p.key: p.value for p in onnx.load_from_string(data).metadata_props}
    assert json.loads(props["trivit"]) == METADATA
    plain = to_plain_onnx(onnx.load_from_string(data))
    assert {p.key: p.value for p in plain.metadata_props} == props


def test_export_is_repeatable_and_leaves_the_model_alone(
    model: QuantVisionTransformer, images: torch.Tensor
) -> None:
    before = logits(model, images)
    first = exported(model).SerializeToString(deterministic=True)
    second = exported(model).SerializeToString(deterministic=True)
    assert first == second
    assert torch.equal(before, logits(model, images))


def test_equal_parameters_keep_their_own_initializers(model: QuantVisionTransformer) -> None:
    """The exporter merges equal constants; a training accelerator may not."""
    with torch.no_grad():
        for block in model.blocks:
            block.mlp.fc1.bias.zero_()
    graph = exported(model).graph
    nodes = quant_nodes(graph)
    sources = [nodes[f"blocks.{i}.mlp.fc1.bias"].input[0] for i in range(4)]
    assert sources == [f"blocks.{i}.mlp.fc1.bias" for i in range(4)]
    assert {t.name for t in graph.initializer} >= set(sources)


def damaged(graph: onnx.ModelProto, name: str, value: np.ndarray) -> onnx.ModelProto:
    copy = onnx.load_from_string(graph.SerializeToString())
    for tensor in copy.graph.initializer:
        if tensor.name == name:
            tensor.CopyFrom(numpy_helper.from_array(value, name))
            return copy
    raise AssertionError(f"no initializer {name}")


def test_a_wrong_export_is_noticed_by_each_comparison(
    model: QuantVisionTransformer, graphs: Graphs, images: torch.Tensor
) -> None:
    graph = graphs()
    expected = logits(model, images)
    halved = np.float32(2.0 ** -(fraction_lengths(model)["blocks.1.norm1"] - 1))
    slightly = damaged(graph, "blocks.1.norm1.scale", np.array(halved))
    with pytest.raises(ModelsError, match=r"blocks\.1\.norm1"):
        compare_reference(model, slightly, images)
    weight = model.get_parameter("head.weight").detach().float().numpy()
    grossly = damaged(graph, "head.weight", np.ascontiguousarray(-weight))
    with pytest.raises(ModelsError, match="qonnx computes other logits"):
        compare_qonnx(grossly, images[:2], expected[:2])
    with pytest.raises(ModelsError, match="onnxruntime computes other logits"):
        compare_onnxruntime(to_plain_onnx(grossly), images, expected)
