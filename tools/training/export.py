"""Trained weights as PyTorch reads them: safetensors under timm's names."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.program import TrainingProgram
from trivit.host.training.shifts import MASTER_BITS
from trivit.models.files import atomic_write
from trivit.tools.training.learner import Learner


def weight_shapes(program: TrainingProgram) -> dict[str, tuple[int, ...]]:
    """Return the shape that timm gives each parameter: (rows, columns) but for those of vectors,
    of the patch product (D, channels, patch, patch), of positions and [CLS] (1, rows, D).
    """
    shapes: dict[str, tuple[int, ...]] = {}
    patch = channels = 0
    for operation in program.operations:
        operands = {name: operand.tensor for name, operand in operation.operands.items()}
        spec = {name: program.by_name[tensor] for name, tensor in operands.items()}
        if operation.opcode == "patchify":
            patch = int(operation.attributes["patch"])
            channels = int(operation.attributes["channels"])
            patches = operands["dst"]
        elif operation.opcode == "cls_row":
            for name in ("cls", "position"):
                shapes[operands[name]] = (1, spec[name].rows, spec[name].columns)
        elif operation.opcode == "product" and operands["a"] == patches:
            shapes[operands["b"]] = (spec["b"].rows, channels, patch, patch)
    matrices = {
        operation.operands["b"].tensor
        for operation in program.operations
        if operation.opcode == "product" and operation.phase == "forward"
    }
    for tensor in program.parameters:
        vector = tensor.name not in matrices and tensor.rows == 1
        whole = (tensor.columns,) if vector else (tensor.rows, tensor.columns)
        shapes.setdefault(tensor.name, whole)
    return {tensor.name: shapes[tensor.name] for tensor in program.parameters}


def weights(session: Learner) -> dict[str, Tensor]:
    """Return the weights that forward reads, float32 under timm's names.

    A weight is integer·2^-f with an integer of 16 bits, which float32 holds exactly: quantized
    again at f, or at a finer fraction length, the value is the same. The low planes of 32-bit
    masters stay in the run's checkpoint: forward does not read them.
    """
    return {
        name: torch.from_numpy(session.parameter(name)).float().reshape(shape)
        for name, shape in weight_shapes(session.program).items()
    }


def master_weights(bundle: TrainingBundle) -> dict[str, Tensor]:
    """Return the masters with which a bundle's training starts, float32 under timm's names."""
    program = bundle.program
    low = {tensor.of for tensor in program.tensors if tensor.role == "low"}
    found = {}
    for name, shape in weight_shapes(program).items():
        frac = program.by_name[name].frac + (MASTER_BITS if name in low else 0)
        values = torch.from_numpy(bundle.masters[name] * 2.0**-frac)
        found[name] = values.float().reshape(shape)
    return found


def write_weights(path: Path, session: Learner) -> None:
    """Write :func:`weights` to ``path``.

    Raises:
        OSError: the folder cannot be written or the disk is full; an earlier file is unchanged.
    """
    data = save(weights(session))
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)
