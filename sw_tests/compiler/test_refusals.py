"""Files and graphs that cannot be compiled: one line that names the value, nothing written."""

import errno
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from trivit.tools.compiler import compile_model, compile_run
from trivit.tools.errors import ToolsError

Edit = Callable[[onnx.ModelProto], None]


def refusal(path: Path) -> str:
    """Return the one line that compiling ``path`` ends with."""
    with pytest.raises(ToolsError) as caught:
        compile_model(path)
    line = str(caught.value)
    assert "\n" not in line
    assert str(path) in line
    return line


def node(model: onnx.ModelProto, name: str) -> onnx.NodeProto:
    return next(n for n in model.graph.node if n.name.endswith(name))


def of_type(model: onnx.ModelProto, kind: str, place: int = 0) -> onnx.NodeProto:
    return [n for n in model.graph.node if n.op_type == kind][place]


def constant(model: onnx.ModelProto, name: str, values: Any) -> None:
    tensor = next(t for t in model.graph.initializer if t.name == name)
    old = numpy_helper.to_array(tensor)
    tensor.CopyFrom(numpy_helper.from_array(np.array(values, old.dtype), name))


def own_constant(model: onnx.ModelProto, user: onnx.NodeProto, index: int, values: Any) -> None:
    """Give one operand of a node a constant of its own."""
    name = f"changed_{index}"
    model.graph.initializer.append(numpy_helper.from_array(np.array(values), name))
    user.input[index] = name


def attribute(user: onnx.NodeProto, name: str, value: Any) -> None:
    kept = [a for a in user.attribute if a.name != name]
    del user.attribute[:]
    user.attribute.extend([*kept, helper.make_attribute(name, value)])


def replace_op(user: onnx.NodeProto, op_type: str) -> None:
    user.op_type = op_type
    del user.attribute[:]
    del user.input[1:]


def bypass(model: onnx.ModelProto, name: str) -> None:
    """Remove a quantizer."""
    gone = node(model, name)
    for other in model.graph.node:
        for index, value in enumerate(other.input):
            if value == gone.output[0]:
                other.input[index] = gone.input[0]
    model.graph.node.remove(gone)


def swap_outputs(user: onnx.NodeProto) -> None:
    user.output[0], user.output[1] = user.output[1], user.output[0]


def widen_batch(model: onnx.ModelProto) -> None:
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 2


def edit_metadata(model: onnx.ModelProto, **changes: Any) -> None:
    entry = next(p for p in model.metadata_props if p.key == "trivit")
    values = json.loads(entry.value) | changes
    entry.value = json.dumps({k: v for k, v in values.items() if v is not None})


# Edits of a good export and what the line must say.
EDITS: list[tuple[str, str, Edit]] = [
    ("no metadata", r"no 'trivit' metadata", lambda m: m.metadata_props.pop()),
    ("metadata of another format", r"format 9", lambda m: edit_metadata(m, format=9)),
    ("metadata without mean", r"incomplete.*mean", lambda m: edit_metadata(m, mean=None)),
    (
        "two means for one channel",
        r"1 channels but 2 means",
        lambda m: edit_metadata(m, mean=[0, 1]),
    ),
    ("deviation of zero", r"no valid number", lambda m: edit_metadata(m, std=[0.0])),
    (
        "too few class names",
        r"names 1 classes but the model has 5",
        lambda m: edit_metadata(m, class_names=["a"]),
    ),
    (
        "another image size",
        r"\[1, 12, 12\].*\[1, 9, 12\]",
        lambda m: edit_metadata(m, image={"channels": 1, "height": 9, "width": 12}),
    ),
    ("batch of two", r"one image or a free batch", widen_batch),
    (
        "scale that is no power of two",
        r"'x0' has scale 0\.3.*2\^-f",
        lambda m: constant(m, "x0.scale", 0.3),
    ),
    ("scale below 2^-24", r"f from 0 to 24", lambda m: constant(m, "x0.scale", 2.0**-25)),
    ("negative scale", r"'x0' has scale -0\.5", lambda m: constant(m, "x0.scale", -0.5)),
    (
        "scale per channel",
        r"'x0': its scale is not one constant",
        lambda m: own_constant(m, node(m, "x0"), 1, np.full(32, 0.5, np.float32)),
    ),
    ("8 bits", r"'x0' rounds to 8 bits", lambda m: own_constant(m, node(m, "x0"), 3, 8.0)),
    (
        "unsigned",
        r"'x0' rounds to 16 bits unsigned",
        lambda m: attribute(node(m, "x0"), "signed", 0),
    ),
    ("zero point", r"zero point 3", lambda m: own_constant(m, node(m, "x0"), 2, 3.0)),
    (
        "rounding down",
        r"'x0' rounds by 'FLOOR'",
        lambda m: attribute(node(m, "x0"), "rounding_mode", "FLOOR"),
    ),
    ("narrow activation", r"'x0'.*narrow", lambda m: attribute(node(m, "x0"), "narrow", 1)),
    (
        "another activation",
        r"\(Relu\).*no such operation",
        lambda m: replace_op(of_type(m, "Gelu"), "Relu"),
    ),
    (
        "GELU by tanh",
        r"Gelu.*exact GELU",
        lambda m: attribute(of_type(m, "Gelu"), "approximate", "tanh"),
    ),
    (
        "softmax over queries",
        r"Softmax.*last axis",
        lambda m: attribute(of_type(m, "Softmax"), "axis", 2),
    ),
    (
        "LayerNorm over tokens",
        r"LayerNorm must run over the last axis",
        lambda m: attribute(of_type(m, "LayerNormalization"), "axis", 1),
    ),
    (
        "overlapping patches",
        r"Conv.*square kernel = stride",
        lambda m: attribute(of_type(m, "Conv"), "strides", [1, 1]),
    ),
    (
        "keys before queries",
        r"order q, k, v",
        lambda m: swap_outputs(of_type(m, "Split")),
    ),
    (
        "unquantized weights",
        r"'blocks.0.mlp.fc1.weight' is not quantized",
        lambda m: bypass(m, "blocks.0.mlp.fc1.weight"),
    ),
    (
        "unquantized activation",
        r"'blocks.0.mlp.fc2'.*rows of one quantized tensor",
        lambda m: bypass(m, "blocks.0.mlp.gelu"),
    ),
    (
        "bias finer than its product",
        r"the bias of 'blocks.0.attn.qkv'.*shift of -",
        lambda m: (
            constant(m, "blocks.0.attn.qkv.bias.scale", 2.0**-24),
            constant(m, "blocks.0.attn.qkv.weight.scale", 2.0**-5),
        ),
    ),
    (
        "hidden values too fine for GELU",
        r"'blocks.0.mlp.fc1' has 16 fraction bits.*at most 15",
        lambda m: constant(m, "blocks.0.mlp.fc1.scale", 2.0**-16),
    ),
    (
        "probabilities too fine",
        r"'blocks.0.attn.probs' has 16 fraction bits",
        lambda m: constant(m, "blocks.0.attn.probs.scale", 2.0**-16),
    ),
    (
        "the least attended tokens",
        r"TopK.*smallest elements",
        lambda m: attribute(of_type(m, "TopK"), "largest", 0),
    ),
    (
        "tokens in order of attention",
        r"sorted ascending",
        lambda m: node(m, "selector/Add").input.__setitem__(0, of_type(m, "TopK").output[1]),
    ),
    (
        "mask that closes instead of opening",
        r"mask must",
        lambda m: own_constant(m, of_type(m, "Pad"), 2, np.float32(-1)),
    ),
    (
        "foreign operator",
        r"foreign domain 'com.example'",
        lambda m: setattr(of_type(m, "Gelu"), "domain", "com.example"),
    ),
    (
        "node that reads nothing",
        r"reads 'nowhere'",
        lambda m: of_type(m, "Gelu").input.__setitem__(0, "nowhere"),
    ),
    (
        "output before the head",
        r"output must be one quantized row of logits",
        lambda m: setattr(m.graph.output[0], "name", "x0"),
    ),
]


@pytest.mark.parametrize(("line", "edit"), [e[1:] for e in EDITS], ids=[e[0] for e in EDITS])
def test_unsupported_graph(
    exported: Callable[..., Any], tmp_path: Path, line: str, edit: Edit
) -> None:
    model = onnx.ModelProto()
    model.CopyFrom(exported().onnx)
    edit(model)
    path = tmp_path / "model.qonnx"
    onnx.save_model(model, str(path))
    assert re.search(line, refusal(path))


def test_missing_file(tmp_path: Path) -> None:
    assert "does not exist" in refusal(tmp_path / "model.qonnx")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_truncated_file(exported: Callable[..., Any], tmp_path: Path, share: float) -> None:
    path = exported().save(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    refusal(path)


@pytest.mark.parametrize("data", [b"not a model", b"\x00" * 1000, b"PK\x03\x04 a zip file"])
def test_foreign_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "model.qonnx"
    path.write_bytes(data)
    refusal(path)


def test_too_many_tokens(exported: Callable[..., Any], tmp_path: Path) -> None:
    model = exported(image_size=25, patch_size=1, embed_dim=8, num_heads=1, count=1, depth=1)
    assert re.search(r"'x0' has 626 tokens, the kernel takes 592", refusal(model.save(tmp_path)))


def test_width_that_fills_no_word(exported: Callable[..., Any], tmp_path: Path) -> None:
    model = exported(embed_dim=20, num_heads=1, count=1, depth=1)
    assert re.search(r"width 20; the kernel needs a multiple of 8", refusal(model.save(tmp_path)))


def test_head_that_fills_no_word(exported: Callable[..., Any], tmp_path: Path) -> None:
    model = exported(embed_dim=24, num_heads=2, count=1, depth=1)
    assert re.search(r"heads of width 12; the kernel needs", refusal(model.save(tmp_path)))


def test_run_without_export(tmp_path: Path) -> None:
    with pytest.raises(ToolsError, match="does not exist: run `trivit quantize`"):
        compile_run(tmp_path)
    with pytest.raises(ToolsError, match="no run folder"):
        compile_run(tmp_path / "nowhere")


def test_refused_run_leaves_everything_as_it_was(
    exported: Callable[..., Any], tmp_path: Path
) -> None:
    exported().save(tmp_path / "quantized")
    (tmp_path / "quantized" / "model_dense.qonnx").write_bytes(b"damaged")
    (tmp_path / "program.trivit").write_bytes(b"earlier")
    with pytest.raises(ToolsError):
        compile_run(tmp_path)
    assert (tmp_path / "program.trivit").read_bytes() == b"earlier"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["program.trivit", "quantized"]


def test_full_disk_leaves_nothing_behind(
    exported: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exported().save(tmp_path / "quantized")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left"):
        compile_run(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["quantized"]
