"""A later selector chooses among the connections that are still open, or the graph is refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from trivit.host.backends import open_backend
from trivit.host.oracle.selection import unpack_mask
from trivit.host.tracing import with_trace
from trivit.tools.compiler import compile_model
from trivit.tools.errors import ToolsError

TWO_SELECTORS = {"depth": 3, "selector_blocks": (0, 1), "num_heads": 4}


def node(model: onnx.ModelProto, block: int, op_type: str) -> onnx.NodeProto:
    scope = f"/blocks.{block}/selector/"
    return next(n for n in model.graph.node if n.name.startswith(scope) and n.op_type == op_type)


def sums_as_they_are(model: onnx.ModelProto) -> None:
    """Let the second selector rank closed connections as if their probability were 0."""
    where = node(model, 1, "Where")
    for user in model.graph.node:
        for place, name in enumerate(user.input):
            if name == where.output[0]:
                user.input[place] = where.input[1]


def marked_where_open(model: onnx.ModelProto) -> None:
    """Let the second selector mark the connections that its attention had open."""
    where = node(model, 1, "Where")
    place = list(model.graph.node).index(where)
    model.graph.node.insert(place, onnx.helper.make_node("Not", [where.input[0]], ["inverse"]))
    where.input[0] = "inverse"


def marked_above_zero(model: onnx.ModelProto) -> None:
    own_constant(model, node(model, 1, "Where"), 2, "high", np.float32(0.0))


def ones(block: int) -> Callable[[onnx.ModelProto], None]:
    """Return an edit that opens whatever is among the highest, as version 3 exported it."""

    def edit(model: onnx.ModelProto) -> None:
        scatter = node(model, block, "ScatterElements")
        shapes = {i.name: i.type.tensor_type.shape for i in model.graph.value_info}
        sizes = [d.dim_value for d in shapes[scatter.input[2]].dim]
        own_constant(model, scatter, 2, "ones", np.ones(sizes, np.float32))

    return edit


def own_constant(
    model: onnx.ModelProto, user: onnx.NodeProto, place: int, name: str, values: Any
) -> None:
    model.graph.initializer.append(numpy_helper.from_array(np.array(values), name))
    user.input[place] = name


def edited(exported: Any, folder: Path, edit: Callable[[onnx.ModelProto], None]) -> Path:
    model = onnx.ModelProto()
    model.CopyFrom(exported.onnx)
    edit(model)
    path = folder / "edited.qonnx"
    onnx.save_model(model, str(path))
    return path


@pytest.mark.parametrize("edit", [sums_as_they_are, marked_where_open, marked_above_zero, ones(1)])
def test_a_selector_that_reopens_is_refused(
    exported: Callable[..., Any], tmp_path: Path, edit: Callable[[onnx.ModelProto], None]
) -> None:
    with pytest.raises(ToolsError, match="must leave closed") as caught:
        compile_model(edited(exported(**TWO_SELECTORS), tmp_path, edit))
    assert "\n" not in str(caught.value)


def test_without_a_mask_any_values_may_be_scattered(
    exported: Callable[..., Any], tmp_path: Path
) -> None:
    base = exported()
    found = compile_model(edited(base, tmp_path, ones(0)))
    assert np.array_equal(found.program, compile_model(base.save(tmp_path)).program)


def test_programs_never_reopen_connections(exported: Callable[..., Any], tmp_path: Path) -> None:
    base = exported(**TWO_SELECTORS)
    bundle = compile_model(base.save(tmp_path))
    wanted = [t.name for t in bundle.tensors if t.kind in ("mask", "index")]
    traced = open_backend("reference").run(with_trace(bundle, wanted), base.pixels).tensors
    short = 0
    for image in range(len(base.pixels)):
        first, second, rows = (
            traced[f"blocks.{block}.selector.{name}"][image]
            for block, name in ((0, "mask"), (1, "mask"), (1, "kept"))
        )
        before = unpack_mask(first, len(first))
        after = unpack_mask(second, len(second))
        live = before[np.ix_(rows[0], rows[0])]
        assert not (after & ~live).any()
        asked = after[1:].sum(axis=1).max()
        short += int((live[1:].sum(axis=1) < asked).sum())
        assert (after[1:].sum(axis=1) == np.minimum(live[1:].sum(axis=1), asked)).all()
    assert short > 0
