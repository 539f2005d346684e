"""Training step by step on a backend: what a host does between the steps of the device."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16, Int64
from trivit.host.oracle.training.loss import TARGET_FRAC
from trivit.host.training.accumulation import Accumulation
from trivit.host.training.arena import view
from trivit.host.training.backends import TrainingBackend
from trivit.host.training.descriptors import Resolved, StepConstants, resolve
from trivit.host.training.exponents import Exponents, Move
from trivit.host.training.keys import step_key
from trivit.host.training.program import Operation, Phase, TrainingProgram, writes
from trivit.host.training.shifts import UpdateSettings, mantissa
from trivit.host.training.state import TrainingState

#: Runs without updates in which the first gradients find their exponents.
_FIRST_RUNS = 40


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What a step told the host.

    ``logits`` is (classes,) float64 from before the update; ``loss`` the cross entropy with the
    step's target; ``gradient_norm`` of this image over all parameters; ``moves`` the exponents that
    moved.
    """

    logits: NDArray[np.float64]
    loss: float
    gradient_norm: float
    saturated: int
    moves: tuple[Move, ...]


def target_row(label: int, classes: int, smoothing: float = 0.0) -> Int16:
    """Return the target of a label, (classes,) at 14 fraction bits; its sum is exactly 1.

    Raises:
        HostError: a label that is no class.
    """
    if not 0 <= label < classes:
        raise HostError(f"label {label}: the model has classes 0 to {classes - 1}")
    one = 1 << TARGET_FRAC
    row = np.full(classes, round(smoothing * one / classes), np.int64)
    row[label] += one - row.sum()
    return row.astype(np.int16)


class TrainingSession:
    """A training run of one program: state, exponents, number of steps done."""

    def __init__(
        self,
        program: TrainingProgram,
        masters: Mapping[str, Int64],
        backend: TrainingBackend,
        settings: UpdateSettings,
        *,
        seed: int = 0,
        clip_norm: float | None = None,
        clip_fused: bool = True,
        accumulate: int = 1,
    ) -> None:
        """Start from ``masters``.

        Args:
            program: what a step is.
            masters: (rows, columns) int64 of each parameter.
            backend: who executes the ops.
            settings: of the update.
            seed: of stochastic rounding.
            clip_norm: gradients are scaled to this global norm.
            clip_fused: by the norm of the update before; otherwise updates come after the whole
                backward pass and gradients are scaled by their own norm.
            accumulate: images whose mean gradient is one update; a step is one image.

        Raises:
            HostError: formats that the contract's shifts cannot bring together, or a number of
                images outside its range.
        """
        self._accumulation = Accumulation(accumulate)
        program = self._accumulation.program(program)
        self.program, self.backend = program, backend
        self.state = TrainingState(program, masters, settings)
        self.exponents = Exponents(program)
        self.steps = 0
        self.gradient_norm = 0.0
        self._settings, self._seed, self._clip_norm = settings, seed, clip_norm
        self._clip_fused = clip_fused
        self._adamw = program.optimizer == "adamw"
        self._updates = _gradients(program, "update")
        self._images = self._updates if accumulate == 1 else _gradients(program, "accumulate")
        self._image = _the(program, "image")
        self._target = _the(program, "target")
        self._resolve()

    def find_exponents(self, image: Int16, target: Int16) -> None:
        """Let gradients find their first exponents on one image, without an update.

        Raises:
            HostError: they do not settle.
        """
        self._write(image, target)
        program = self.program.without_updates()
        exponents = Exponents(program)
        settled: set[str] = set()
        for _ in range(_FIRST_RUNS):
            operations = resolve(program, self.state.arena, self.state.formats, self._settings)
            figures = self.backend.run(self.state.memory, operations, _NO_STEP)
            wanted = exponents.first_moves(figures)
            moves = self.state.apply([m for m in wanted if m.tensor not in settled])
            # What is zero at the finest step has no gradient: back to where it was.
            top = {m.tensor for m in wanted if m.bits > 0} - {m.tensor for m in moves}
            start = program.formats()
            self.state.apply(
                [Move(n, start[n] - self.state.formats[n]) for n in sorted(top - settled)]
            )
            settled |= top
            if not moves:
                break
        else:
            raise HostError(
                f"gradients find no exponents in {_FIRST_RUNS} runs: the model's weights may not "
                "be finite"
            )
        self.state.apply(self._accumulation.first_moves(self.state))
        self._start_momenta()
        self._resolve()

    def step(self, image: Int16, target: Int16, learning_rate: float) -> StepResult:
        """Take a training step.

        Args:
            image: (channels, height, width) int16, preprocessed.
            target: (classes,) at 14 fraction bits (:func:`target_row`).
            learning_rate: 0 or more.

        Raises:
            HostError: a learning rate that is not finite or negative.
        """
        if not (math.isfinite(learning_rate) and learning_rate >= 0):
            raise HostError(f"learning rate {learning_rate!r}: use 0 or more")
        self._write(image, target)
        images = self._accumulation.images
        aligned = self._accumulation.moves(self.state, empty=self.steps % images == 0)
        if self.state.apply(aligned):
            self._resolve()
        if (self.steps + 1) % images:
            figures = self._run(_IMAGE, _NO_STEP)
        elif self._clip_fused or self._clip_norm is None:
            constants = self._constants(learning_rate)
            figures = self._run((*_IMAGE, *_UPDATE), constants)
            self.gradient_norm = self._norm(figures, self._updates) / self._accumulation.rest
        else:
            figures = self._run((*_IMAGE, "release"), _NO_STEP)
            self.gradient_norm = self._norm(figures, self._updates) / self._accumulation.rest
            figures += self._run(("update",), self._constants(learning_rate))
        norm = self._norm(figures, self._images)
        logits = self.state.real(self.program.logits)[0]
        moves = self.state.apply(self.exponents.moves(figures))
        self.steps += 1
        if moves:
            self._resolve()
        return StepResult(
            logits=logits,
            loss=cross_entropy(logits, target),
            gradient_norm=norm,
            saturated=int(figures[:, :, 0].sum()),
            moves=tuple(moves),
        )

    def logits(self, image: Int16) -> NDArray[np.float64]:
        """Return the logits of an image, (classes,), without training on it."""
        self.state.arena.view(self.state.memory, self._image)[:] = image.reshape(
            self.state.arena.view(self.state.memory, self._image).shape
        )
        self._run(("forward",), _NO_STEP)
        return self.state.real(self.program.logits)[0]

    def resume(self, formats: Mapping[str, int], steps: int, gradient_norm: float) -> None:
        """Go on after ``steps`` steps; the state's memory and the exponents hold theirs already."""
        self.state.formats = dict(formats)
        self.steps, self.gradient_norm = steps, gradient_norm
        self._resolve()

    def _resolve(self) -> None:
        self._operations = resolve(
            self.program, self.state.arena, self.state.formats, self._settings
        )
        self._parts: dict[tuple[Phase, ...], tuple[list[int], list[Resolved]]] = {}

    def _run(self, phases: tuple[Phase, ...], constants: StepConstants) -> Int64:
        """Execute the ops of these phases; return (ops, 3, 3) figures, zero of all others."""
        if phases not in self._parts:
            program = self.program.operations
            places = [i for i, operation in enumerate(program) if operation.phase in phases]
            self._parts[phases] = places, [self._operations[i] for i in places]
        places, operations = self._parts[phases]
        part = self.backend.run(self.state.memory, operations, constants)
        figures = np.zeros((len(self._operations), *part.shape[1:]), np.int64)
        figures[places] = part
        return figures

    def _constants(self, learning_rate: float) -> StepConstants:
        rate, rate_exponent = mantissa(learning_rate, 24)
        update = self.steps // self._accumulation.images + 1
        return StepConstants(
            rate=rate,
            rate_exponent=rate_exponent,
            key=step_key(self._seed, self.steps),
            clip=self._clip(),
            **(self._settings.corrections(update) if self._adamw else {}),
        )

    def _start_momenta(self) -> None:
        """Give momenta of zeros the exponents of their gradients, or three bits less."""
        formats = self.state.formats
        moves = []
        for _, operation, _ in self._updates:
            frac = formats[operation.operands["gradient"].tensor]
            velocity = operation.operands["velocity"].tensor
            # Velocities sum gradients; AdamW's moments are means, which are no larger.
            room = 0 if self._adamw else 3
            moves.append(Move(velocity, frac - room - formats[velocity]))
            if self._adamw:
                second = operation.operands["second"].tensor
                moves.append(Move(second, frac - formats[second]))
        self.state.apply(moves)

    def _write(self, image: Int16, target: Int16) -> None:
        memory, arena = self.state.memory, self.state.arena
        place = arena.view(memory, self._image)
        place[:] = image.reshape(place.shape)
        arena.view(memory, self._target)[0] = target

    def _norm(self, figures: Int64, gradients: list[tuple[int, Operation, int]]) -> float:
        squares = 0.0
        for writer, operation, slot in gradients:
            count = float(figures[writer, slot, 2])
            operand = operation.operands["gradient"]
            if operand.rows is not None:
                # [CLS] has a row of its position's gradient, and counts as a parameter of its own.
                rows = view(self.state.memory, self.state.arena.place(operand)).astype(np.int64)
                count = float((rows * rows).sum())
            squares += count * 4.0 ** -self.state.formats[operand.tensor]
        return math.sqrt(squares)

    def _clip(self) -> int:
        factor = 65536 / self._accumulation.rest
        if self._clip_norm is None or self.gradient_norm <= self._clip_norm:
            return round(factor)
        return round(factor * self._clip_norm / self.gradient_norm)


_NO_STEP = StepConstants(rate=0, rate_exponent=0, key=0)
#: Of every image, and of the last one before an update.
_IMAGE: tuple[Phase, ...] = ("forward", "backward", "accumulate")
_UPDATE: tuple[Phase, ...] = ("release", "update")


def cross_entropy(logits: NDArray[np.float64], target: Int16) -> float:
    """Return the cross entropy of logits with a target at 14 fraction bits."""
    shifted = logits - logits.max()
    log_probs = shifted - math.log(np.exp(shifted).sum())
    return float(-(target * 2.0**-TARGET_FRAC * log_probs).sum())


def _gradient(operation: Operation) -> str:
    return operation.operands["gradient"].tensor


def _gradients(program: TrainingProgram, phase: Phase) -> list[tuple[int, Operation, int]]:
    """Return (op that wrote the gradient, reader, slot of the gradient) of each op of a phase."""
    written: dict[str, tuple[int, int]] = {}
    found = []
    for index, operation in enumerate(program.operations):
        if operation.phase == phase:
            writer, slot = written[_gradient(operation)]
            found.append((writer, operation, slot))
        for slot, operand in enumerate(writes(operation)):
            written[operation.operands[operand].tensor] = index, slot
    return found


def _the(program: TrainingProgram, role: str) -> str:
    return next(tensor.name for tensor in program.tensors if tensor.role == role)
