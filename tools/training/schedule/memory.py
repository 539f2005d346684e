"""Where the parameters of a program lie in DDR, and the constants behind them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trivit.host.fixed_point import Int16
from trivit.host.generated.spec import PARAM_PORTS, TILE_DEPTH, TILE_TOKENS
from trivit.host.schedule import port_order
from trivit.host.tiles import depth_words
from trivit.host.training.accelerator.planes import Kind, PlaneMap, PlanePlace
from trivit.host.training.program import Operation, TrainingProgram
from trivit.tools.errors import ToolsError


@dataclass(frozen=True, kw_only=True)
class DdrMap:
    """The planes, and where the constants are: zeros, a row of ones, the rows of an identity."""

    planes: PlaneMap
    zeros: int
    ones: int
    identity: int
    biases: dict[str, str]  # of weights


def ddr_map(program: TrainingProgram) -> DdrMap:
    """Return where everything lies in the region of the parameters.

    Raises:
        ToolsError: a parameter that is not where parameters usually are, or of another width.
    """
    places: dict[str, PlanePlace] = {}
    biases: dict[str, str] = {}
    words = 0
    shapes = {t.name: (t.rows, t.columns) for t in program.tensors}

    def put(name: str, kind: Kind, rows: int, width: int, bias: str | None = None) -> None:
        nonlocal words
        if width % TILE_DEPTH:
            raise ToolsError(
                f"'{name}' has {width} columns, no multiple of {TILE_DEPTH}: the accelerator does "
                "not update such tensors, train a model of other sizes"
            )
        if name in places:
            raise ToolsError(f"'{name}' is read by two ops of forward: the accelerator takes one")
        places[name] = PlanePlace(kind=kind, address=words, rows=rows, width=width)
        if bias is not None:
            biases[name] = bias
            places[bias] = PlanePlace(kind="biases", address=words, rows=rows, width=width)
        words += places[name].words

    for operation in program.operations:
        if operation.phase != "forward":
            continue
        names = {n: o.tensor for n, o in operation.operands.items()}
        if operation.opcode == "product":
            put(names["b"], "weights", *shapes[names["b"]], bias=names.get("bias"))
        elif operation.opcode == "cls_row":
            put(names["cls"], "biases", shapes[names["cls"]][1], TILE_DEPTH)
            put(names["position"], "rows", *shapes[names["position"]])
        elif operation.opcode == "normalise":
            for vector in ("gamma", "beta"):
                put(names[vector], "rows", *shapes[names[vector]])
    missing = [t.name for t in program.parameters if t.name not in places]
    if missing:
        raise ToolsError(f"no op of forward reads the parameter '{missing[0]}' as usual")
    roles = {t.role for t in program.tensors}
    planes = ("high", *(("low",) if "low" in roles else ()), "momentum", "gradient")
    constants, zeros = _constants(program)
    first = len(planes) * words
    return DdrMap(
        planes=PlaneMap(words=words, names=planes, places=places, constants=constants),
        zeros=first,
        ones=first + zeros,
        identity=first + zeros + PARAM_PORTS * depth_words(most_tokens(program)),
        biases=biases,
    )


def _constants(program: TrainingProgram) -> tuple[Int16, int]:
    """Return the constants and the words of zeros among them."""
    tokens = most_tokens(program)
    classes = depth_words(program.by_name[program.logits].columns)
    widest = max(depth_words(t.columns) for t in program.tensors if t.role == "activation")
    rows = 2 * TILE_TOKENS // PARAM_PORTS  # of a port: two row groups of the loss's gradient
    zeros = rows * max(classes, widest)
    ones = np.zeros((1, depth_words(tokens) * TILE_DEPTH), np.int16)
    ones[:, :tokens] = 1
    parts = [np.zeros(zeros * TILE_DEPTH, np.int16), port_order(ones)]
    if any(o.opcode == "gather" for o in program.operations):
        identity = np.eye(tokens, ones.shape[1], dtype=np.int16)
        parts.append(port_order(identity))
    return np.concatenate(parts), zeros


def most_tokens(program: TrainingProgram) -> int:
    """Return the rows of the largest activation."""
    patches = program.operations[0].operands["dst"].tensor
    return program.by_name[patches].rows


def logits_words(program: TrainingProgram) -> int:
    """Return the words of the row of logits."""
    return depth_words(program.by_name[program.logits].columns)


def patch_operation(program: TrainingProgram) -> Operation:
    """Return the op that cuts the image.

    Raises:
        ToolsError: it is not the first.
    """
    first = program.operations[0]
    if first.opcode != "patchify":
        raise ToolsError(f"the program begins with {first.opcode} and not with its patches")
    return first
