"""Selectors where this project's exporter does not put them, against ONNX's reference evaluator."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from trivit.host.backends import open_backend
from trivit.host.bundle import Bundle
from trivit.host.fixed_point import to_real
from trivit.host.instructions import decode
from trivit.models.quantization.reference import Gelu, Quant, in_float64
from trivit.tools.compiler import compile_model
from trivit.tools.errors import ToolsError

# Steps of the logits by which the rounding of tables early in the model may move the end.
TOLERANCE = 40


def node(model: onnx.ModelProto, name: str) -> onnx.NodeProto:
    return next(n for n in model.graph.node if n.name == name)


def rewire(model: onnx.ModelProto, old: str, new: str, *, keep: str = "") -> None:
    """Let every reader of ``old`` but the node ``keep`` read ``new``."""
    for user in model.graph.node:
        if user.name != keep:
            for index, name in enumerate(user.input):
                if name == old:
                    user.input[index] = new


def any_tokens(model: onnx.ModelProto) -> None:
    """Let reshapes take the number of tokens from their operand."""
    shapes = {n.input[1] for n in model.graph.node if n.op_type == "Reshape" and "attn" in n.name}
    for tensor in model.graph.initializer:
        if tensor.name in shapes:
            sizes = numpy_helper.to_array(tensor).copy()
            sizes[1] = 0
            tensor.CopyFrom(numpy_helper.from_array(sizes, tensor.name))


def ordered(model: onnx.ModelProto) -> None:
    """Sort the nodes so that each follows what it reads."""
    waiting = list(model.graph.node)
    made = {o for n in waiting for o in n.output}
    del model.graph.node[:]
    while waiting:
        ready = [n for n in waiting if not made & set(n.input)]
        assert ready, "a cycle"
        for n in ready:
            made -= set(n.output)
        model.graph.node.extend(ready)
        waiting = [n for n in waiting if n not in ready]


def behind_the_mlp(model: onnx.ModelProto) -> None:
    """Drop the tokens of block 0 behind its MLP instead of before."""
    rewire(model, "blocks.0.selector.tokens", "blocks.0.attn.proj")
    rewire(model, "blocks.0.mlp.fc2", "blocks.0.selector.tokens")
    node(model, "/blocks.0/selector/GatherElements").input[0] = "blocks.0.mlp.fc2"
    ordered(model)


def in_the_next_block(model: onnx.ModelProto) -> None:
    """Drop tokens behind the attention of block 1, by the scores of block 0."""
    rewire(model, "blocks.0.selector.tokens", "blocks.0.attn.proj")
    rewire(model, "blocks.1.attn.proj", "blocks.0.selector.tokens")
    node(model, "/blocks.0/selector/GatherElements").input[0] = "blocks.1.attn.proj"
    any_tokens(model)
    ordered(model)


def connections_only(model: onnx.ModelProto) -> None:
    """Select connections among all tokens, without an index of kept ones."""
    rewire(model, "blocks.0.selector.tokens", "blocks.0.attn.proj")
    limits = {"first": [1, 1], "end": [99, 99], "axes": [1, 2]}
    for name, values in limits.items():
        model.graph.initializer.append(numpy_helper.from_array(np.array(values), name))
    sums = node(model, "/blocks.0/selector/ReduceSum").output[0]
    cut = helper.make_node("Slice", [sums, *limits], ["patches"], name="patches")
    model.graph.node.append(cut)
    node(model, "/blocks.0/selector/TopK_2").input[0] = "patches"
    ordered(model)


def edited(exported: Any, folder: Path, edit: Callable[[onnx.ModelProto], None]) -> Path:
    model = onnx.ModelProto()
    model.CopyFrom(exported.onnx)
    edit(model)
    path = folder / "edited.qonnx"
    onnx.save_model(model, str(path))
    return path


def opcodes(bundle: Bundle) -> list[str]:
    return [i.opcode for i in map(decode, bundle.program) if i]


CASES: dict[str, tuple[Callable[[onnx.ModelProto], None], dict[str, Any], list[int]]] = {
    # The edit, the sizes of the model, and the rows of each attention.
    "behind the MLP": (behind_the_mlp, {"attention_keep_ratio": 1.0}, [17, 11]),
    "behind the MLP, with connections": (behind_the_mlp, {}, [17, 11]),
    "in the next block": (
        in_the_next_block,
        {"attention_keep_ratio": 1.0, "depth": 3},
        [17, 17, 11],
    ),
    "connections only": (connections_only, {"token_keep_ratio": 1.0}, [17, 17]),
}


@pytest.mark.parametrize(("edit", "sizes", "rows"), CASES.values(), ids=CASES.keys())
def test_another_place(
    exported: Callable[..., Any], tmp_path: Path, edit: Any, sizes: dict[str, Any], rows: list[int]
) -> None:
    base = exported(seed=5, **sizes)
    path = edited(base, tmp_path, edit)
    bundle = compile_model(path)
    tokens = [i.fields["tokens"] for i in map(decode, bundle.program) if i and "heads" in i.fields]
    assert tokens == rows
    found = open_backend("reference").run(bundle, base.pixels)
    evaluator = ReferenceEvaluator(in_float64(onnx.load(str(path))), new_ops=[Quant, Gelu])
    meant = np.concatenate(
        [evaluator.run(None, {"image": image[None].numpy()})[0] for image in base.images]
    )
    error = np.abs(to_real(found.logits, found.logits_frac) - meant)
    assert error.max() <= TOLERANCE * 2.0**-found.logits_frac
    # An MLP works on every row alone, so dropping rows before or behind it is the same.
    other = open_backend("reference").run(compile_model(base.save(tmp_path)), base.pixels)
    assert np.array_equal(found.logits, other.logits) == (edit is not in_the_next_block)


def test_connections_only_need_no_selection_of_tokens(
    exported: Callable[..., Any], tmp_path: Path
) -> None:
    base = exported(seed=5, token_keep_ratio=1.0)
    bundle = compile_model(edited(base, tmp_path, connections_only))
    # Position rows, patches, their product, the [CLS] row, and the index of all tokens.
    assert opcodes(bundle)[:5] == ["load", "patchify", "matmul", "load", "load"]
    assert "select_tokens" not in opcodes(bundle)
    assert not any("compact" in i.flags for i in map(decode, bundle.program) if i)
    assert opcodes(bundle)[opcodes(bundle).index("select_connections") + 1] == "matmul"


def norm_as_residual(model: onnx.ModelProto) -> None:
    """Add the normalised rows to the projection instead of the rows themselves."""
    rewire(model, "x0", "blocks.0.norm1", keep="/blocks.0/norm1/LayerNormalization")


def test_normalised_residual_is_refused(exported: Callable[..., Any], tmp_path: Path) -> None:
    path = edited(exported(seed=5), tmp_path, norm_as_residual)
    with pytest.raises(ToolsError) as caught:
        compile_model(path)
    line = str(caught.value)
    assert f"{path}: LayerNorm 'blocks.0.norm1' of 'x0' is read by something else" in line
    assert "\n" not in line


def with_scores_of_dead_attention(model: onnx.ModelProto) -> None:
    """Let the projection read x0: the attention of block 0 only chooses tokens."""
    rewire(model, "blocks.0.attn.context", "x0")


def test_scores_of_an_attention_that_nothing_reads(
    exported: Callable[..., Any], tmp_path: Path
) -> None:
    path = edited(exported(seed=5), tmp_path, with_scores_of_dead_attention)
    with pytest.raises(
        ToolsError, match=r"selects by 'blocks\.0\.attn\.probs', an attention whose"
    ):
        compile_model(path)


def free_batch(model: onnx.ModelProto) -> None:
    """Declare any number of images, as qonnx's ChangeBatchSize or a person may."""
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    del model.graph.value_info[:]


def test_a_free_batch_compiles_to_the_same_program(
    exported: Callable[..., Any], tmp_path: Path
) -> None:
    base = exported(seed=5)
    found = compile_model(edited(base, tmp_path, free_batch))
    expected = compile_model(base.save(tmp_path))
    assert np.array_equal(found.program, expected.program)
    assert np.array_equal(found.params, expected.params)
