"""A bundle that infers with the weights that training on the device has left."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from trivit.host.bundle import Bundle
from trivit.host.training.bundle import TrainingBundle
from trivit.host.training.program import TensorSpec
from trivit.host.training.session import TrainingSession
from trivit.models.files import atomic_write
from trivit.tools.compiler.graph import load_graph
from trivit.tools.compiler.ir import MeanPool, Model, Operation, Parameter, Tensor
from trivit.tools.compiler.program import Source, assemble
from trivit.tools.compiler.recogniser import recognise
from trivit.tools.errors import ToolsError
from trivit.tools.schedule import with_commands


def inference_bundle(
    qonnx: Path | str, bundle: TrainingBundle, session: TrainingSession, name: str = "adapted"
) -> Bundle:
    """Return the program of an exported model with the integers of a training session.

    Weights and fraction lengths are the session's, so logits are its very integers. Nothing is
    calibrated again.

    Args:
        qonnx: export that the training program was derived from.
        bundle: that the session began with; its classes may be others than the export's.
        session: as it stands.
        name: of the program.

    Raises:
        ToolsError: an unreadable export or one of another model, or the kernel cannot run the
            program in these formats.
    """
    graph = load_graph(Path(qonnx))
    try:
        model = with_state(recognise(graph), session)
        metadata = replace(graph.metadata, class_names=bundle.class_names)
        return with_commands(assemble([Source(name, model, metadata)]))
    except ToolsError as error:
        raise ToolsError(f"{qonnx}: {error}") from error


def write_inference_bundle(
    path: Path, qonnx: Path | str, bundle: TrainingBundle, session: TrainingSession
) -> None:
    """Write :func:`inference_bundle` to ``path``; errors as there.

    Raises:
        OSError: the folder cannot be written or the disk is full; an earlier file is unchanged.
    """
    data = inference_bundle(qonnx, bundle, session).to_bytes()
    with atomic_write(path) as temporary:
        temporary.write_bytes(data)


def with_state(model: Model, session: TrainingSession) -> Model:
    """Return the operations with the session's fraction lengths, weights and classes.

    Raises:
        ToolsError: the session is of another model.
    """
    replaced = _Replaced(session, model.logits.name)
    operations = tuple(replaced.operation(operation) for operation in model.operations)
    return Model(operations, replaced.tensor(model.logits))


class _Replaced:
    def __init__(self, session: TrainingSession, logits: str) -> None:
        self._state, self._tensors = session.state, session.program.by_name
        self._logits = logits
        self._pairs = {
            o.operands["table"].tensor: o.operands["dst"].tensor
            for o in session.program.operations
            if o.opcode == "score_bias"
        }
        if self._pairs:  # a forward pass makes them of the tables as they are now
            image = next(t for t in session.program.tensors if t.role == "image")
            session.logits(np.zeros((image.rows, image.columns), np.int16))

    def operation(self, operation: Operation) -> Operation:
        changes: dict[str, Any] = {}
        for field in fields(operation):
            value = getattr(operation, field.name)
            if isinstance(value, Tensor):
                changes[field.name] = self.tensor(value)
            elif isinstance(value, Parameter) and not isinstance(operation, MeanPool):
                changes[field.name] = self.parameter(value)
        return replace(operation, **changes)

    def tensor(self, tensor: Tensor) -> Tensor:
        if tensor.kind != "value":
            return tensor
        spec = self._spec(tensor.name)
        columns = spec.columns if tensor.name == self._logits else tensor.columns
        return replace(tensor, columns=columns, frac=self._state.formats[tensor.name])

    def parameter(self, parameter: Parameter) -> Parameter:
        name, before = parameter.name, parameter.integers
        if name in self._pairs:
            return self._with(parameter, self._pairs[name], before.shape)
        spec = self._spec(name)
        # Of the classifier the rows, or the elements of its bias, may be others.
        shape = (spec.columns,) if before.ndim == 1 else (*before.shape[:-2], spec.rows, -1)
        return self._with(parameter, name, shape)

    def _with(self, parameter: Parameter, tensor: str, shape: tuple[int, ...]) -> Parameter:
        view = self._state.arena.view(self._state.memory, tensor).astype(np.int64)
        return replace(parameter, integers=view.reshape(shape), frac=self._state.formats[tensor])

    def _spec(self, name: str) -> TensorSpec:
        if name not in self._tensors:
            raise ToolsError(f"the training session has no '{name}': it is of another model")
        return self._tensors[name]
