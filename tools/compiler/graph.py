"""Reading an exported QONNX file: nodes in execution order, initialisers and metadata."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from numpy.typing import NDArray
from onnx import numpy_helper

from trivit.tools.errors import ToolsError

METADATA_KEY = "trivit"
METADATA_FORMAT = 1
# Domains under which exporters write their quantizer nodes.
QUANT_DOMAINS = ("qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general")
_EXPORT_AGAIN = "export it again with `trivit quantize`"


@dataclass(frozen=True)
class Node:
    """One ONNX node; ``attributes`` are plain Python values, ``proto`` is the node itself."""

    label: str
    op_type: str
    domain: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, Any]
    proto: onnx.NodeProto

    @property
    def is_quantizer(self) -> bool:
        """Whether the node rounds to integers with a scale."""
        return self.domain in QUANT_DOMAINS


@dataclass(frozen=True)
class Metadata:
    """What the file says about images and classes (metadata key ``trivit``).

    ``image_shape`` is (channels, height, width); ``details`` is the whole JSON object.
    """

    model: str
    image_shape: tuple[int, int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    class_names: tuple[str, ...]
    details: Mapping[str, Any]


@dataclass(frozen=True)
class Graph:
    """A checked QONNX model with one input and one output."""

    path: Path
    nodes: tuple[Node, ...]
    initialisers: Mapping[str, NDArray[Any]]
    input_name: str
    input_shape: tuple[int, ...]
    output_name: str
    opset: int
    metadata: Metadata


def load_graph(path: Path) -> Graph:
    """Read and check ``path``; a batch dimension without a fixed size becomes 1.

    Raises:
        ToolsError: the file is missing, truncated, not ONNX or not one of this project's exports.
    """
    model = _read_model(path)
    graph = model.graph
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), 0)
    if not graph.node or len(graph.output) != 1 or not opset:
        raise ToolsError(f"{path} is no ONNX model with one output: {_EXPORT_AGAIN}")
    metadata = _metadata(path, {entry.key: entry.value for entry in model.metadata_props})
    try:
        initialisers = {
            tensor.name: numpy_helper.to_array(tensor, str(path.parent))
            for tensor in graph.initializer
        }
        nodes = tuple(_node(proto, index) for index, proto in enumerate(graph.node))
    except (ValueError, TypeError, OSError, onnx.checker.ValidationError) as error:
        raise ToolsError(f"{path} holds damaged data ({error}): {_EXPORT_AGAIN}") from error
    inputs = [value for value in graph.input if value.name not in initialisers]
    if len(inputs) != 1:
        raise ToolsError(
            f"{path} has {len(inputs)} inputs; the compiler needs one image: {_EXPORT_AGAIN}"
        )
    _check_order(path, nodes, {inputs[0].name, *initialisers}, graph.output[0].name)
    shape = _input_shape(path, inputs[0], metadata)
    return Graph(
        path=path,
        nodes=nodes,
        initialisers=initialisers,
        input_name=inputs[0].name,
        input_shape=shape,
        output_name=graph.output[0].name,
        opset=opset,
        metadata=metadata,
    )


def load_metadata(path: Path) -> Metadata:
    """Read only the metadata of ``path``.

    Raises:
        ToolsError: as for load_graph, as far as the metadata goes.
    """
    return _metadata(path, {entry.key: entry.value for entry in _read_model(path).metadata_props})


def _read_model(path: Path) -> onnx.ModelProto:
    if not path.is_file():
        raise ToolsError(f"{path} does not exist: run `trivit quantize` first")
    try:
        return onnx.load_model(str(path), format="protobuf")
    except (DecodeError, ValueError, onnx.checker.ValidationError) as error:
        raise ToolsError(
            f"{path} is not a readable ONNX file (truncated or foreign): {_EXPORT_AGAIN}"
        ) from error


def _node(proto: onnx.NodeProto, index: int) -> Node:
    return Node(
        label=proto.name or f"#{index}",
        op_type=proto.op_type,
        domain="" if proto.domain == "ai.onnx" else proto.domain,
        inputs=tuple(proto.input),
        outputs=tuple(proto.output),
        attributes={a.name: _attribute(a) for a in proto.attribute},
        proto=proto,
    )


def _attribute(attribute: onnx.AttributeProto) -> Any:
    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, onnx.TensorProto):
        return numpy_helper.to_array(value)
    return value


def _check_order(path: Path, nodes: tuple[Node, ...], known: set[str], output: str) -> None:
    for node in nodes:
        missing = next((name for name in node.inputs if name and name not in known), None)
        if missing is not None:
            raise ToolsError(
                f"{path}: node '{node.label}' ({node.op_type}) reads '{missing}', which nothing "
                f"before it writes: {_EXPORT_AGAIN}"
            )
        known.update(node.outputs)
    if output not in known:
        raise ToolsError(f"{path}: nothing writes the output '{output}': {_EXPORT_AGAIN}")


def _input_shape(
    path: Path, value: onnx.ValueInfoProto, metadata: Metadata
) -> tuple[int, int, int, int]:
    dims = [d.dim_value for d in value.type.tensor_type.shape.dim]
    channels, height, width = metadata.image_shape
    if len(dims) != 4 or (dims[0] or 1) != 1:
        raise ToolsError(
            f"{path}: input '{value.name}' has shape {dims}; export one image or a free batch size"
        )
    # A size of 0 stands for a free dimension.
    if any(d not in (0, s) for d, s in zip(dims[1:], metadata.image_shape, strict=True)):
        raise ToolsError(
            f"{path}: input '{value.name}' is {dims[1:]} but the metadata says "
            f"{[channels, height, width]}: {_EXPORT_AGAIN}"
        )
    return (1, channels, height, width)


def _metadata(path: Path, properties: Mapping[str, str]) -> Metadata:
    if METADATA_KEY not in properties:
        raise ToolsError(
            f"{path} has no '{METADATA_KEY}' metadata, so it is no export of `trivit quantize`"
        )
    try:
        details = json.loads(properties[METADATA_KEY])
        if details["format"] != METADATA_FORMAT:
            raise ToolsError(
                f"{path} has metadata format {details['format']!r}, this compiler reads "
                f"{METADATA_FORMAT}: {_EXPORT_AGAIN}"
            )
        image = details["image"]
        shape = (int(image["channels"]), int(image["height"]), int(image["width"]))
        metadata = Metadata(
            model=str(details["model"]),
            image_shape=shape,
            mean=tuple(float(v) for v in details["mean"]),
            std=tuple(float(v) for v in details["std"]),
            class_names=tuple(str(v) for v in details["class_names"]),
            details=details,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ToolsError(
            f"{path}: its '{METADATA_KEY}' metadata is incomplete ({error!r}): {_EXPORT_AGAIN}"
        ) from error
    if min(shape) < 1 or not len(metadata.mean) == len(metadata.std) == shape[0]:
        raise ToolsError(
            f"{path}: {shape[0]} channels but {len(metadata.mean)} means and "
            f"{len(metadata.std)} deviations in its metadata: {_EXPORT_AGAIN}"
        )
    if not all(np.isfinite(metadata.mean)) or not all(s > 0 for s in metadata.std):
        raise ToolsError(f"{path}: mean or std in its metadata is no valid number: {_EXPORT_AGAIN}")
    return metadata
