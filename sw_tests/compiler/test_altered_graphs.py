"""Graphs with one random change: refused in one line, or compiled to what they now mean.

What a changed graph means is computed by ONNX's reference evaluator in float64, which shares no
code with the compiler's recognition or the oracle.
"""

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper
from onnx.reference import ReferenceEvaluator

from trivit.host.backends import open_backend
from trivit.host.fixed_point import to_real
from trivit.models.quantization.reference import Gelu, Quant, in_float64
from trivit.tools.compiler import compile_model
from trivit.tools.errors import ToolsError

# Steps of the unchanged logits' format by which the rounding of tables early in the model may move
# the end. A detail that the compiler got wrong moves them by thousands.
TOLERANCE = 40
CHANGES = 120
REMOVABLE = ("Transpose", "Add", "Mul", "Where", "Slice", "Quant")


def change(model: onnx.ModelProto, source: random.Random) -> str:
    """Alter one operand or attribute and return what was done."""
    node = source.choice([n for n in model.graph.node if n.input])
    kind = source.choice(["swap", "operand", "attribute", "remove"])
    if kind == "swap" and len(node.input) > 1:
        a, b = source.sample(range(min(2, len(node.input))), 2)
        node.input[a], node.input[b] = node.input[b], node.input[a]
    elif kind == "operand":
        others = [n for n in model.graph.node if n.op_type == node.op_type and n is not node]
        if others:
            place = source.randrange(len(node.input))
            other = source.choice(others)
            if place < len(other.input):
                node.input[place] = other.input[place]
    elif kind == "attribute" and len(node.attribute) > 1:
        # The reference evaluator has no TopK with sorted=0.
        attribute = source.choice([a for a in node.attribute if a.name != "sorted"])
        value = helper.get_attribute_value(attribute)
        new: Any = value
        if isinstance(value, int):
            new = source.choice([value + 1, value - 1, 1 - value])
        elif isinstance(value, list) and len(value) > 1:
            new = [*value[1:], value[0]]
        elif isinstance(value, float):
            new = value * 100
        attribute.CopyFrom(helper.make_attribute(attribute.name, new))
    elif kind == "remove" and node.op_type in (
        "Transpose",
        "Add",
        "Mul",
        "Where",
        "Slice",
        "Quant",
    ):
        place = 1 if node.op_type == "Where" else 0
        for user in model.graph.node:
            for index, name in enumerate(user.input):
                if name == node.output[0]:
                    user.input[index] = node.input[place]
        model.graph.node.remove(node)
    return f"{kind} at {node.name}"


@pytest.mark.parametrize("start", range(0, CHANGES, 20))
def test_one_random_change(exported: Callable[..., Any], tmp_path: Path, start: int) -> None:
    base = exported(seed=5)
    reference = open_backend("reference")
    path = base.save(tmp_path)
    step = 2.0 ** -compile_model(path).output("logits").frac
    accepted = 0
    for seed in range(start, start + 20):
        model = onnx.ModelProto()
        model.CopyFrom(base.onnx)
        source = random.Random(seed)
        what = ""
        while model == base.onnx:
            what = change(model, source)
        onnx.save_model(model, str(path))
        try:
            bundle = compile_model(path)
        except ToolsError as error:
            assert "\n" not in str(error)
            continue
        accepted += 1
        found = reference.run(bundle, base.pixels[:1])
        evaluator = ReferenceEvaluator(in_float64(model), new_ops=[Quant, Gelu])
        meant = evaluator.run(None, {"image": base.images[:1].numpy()})[0]
        error = np.abs(to_real(found.logits, found.logits_frac) - meant)
        assert error.max() <= TOLERANCE * step, what
    assert accepted < 20
