"""Training step by step on a backend: what a host does between the steps of the device."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int16, Int64
from trivit.host.oracle.training.loss import TARGET_FRAC
from trivit.host.training import checkpoint
from trivit.host.training.accumulation import Accumulation
from trivit.host.training.arena import Arena
from trivit.host.training.backends import TrainingBackend
from trivit.host.training.descriptors import StepConstants, resolve
from trivit.host.training.exponents import Exponents, Move
from trivit.host.training.keys import step_key
from trivit.host.training.program import Phase, TrainingProgram
from trivit.host.training.shifts import UpdateSettings, mantissa
from trivit.host.training.state import TrainingState
from trivit.host.training.variant import ClassAttention, Variant, check_shared, gradient_of

#: Runs without updates in which the first gradients find their exponents.
_FIRST_RUNS = 40


@dataclass(frozen=True, kw_only=True)
class StepResult:
    """What a step told the host.

    ``logits`` is (classes,) float64 from before the update; ``loss`` the cross entropy with the
    step's target; ``gradient_norm`` of this image over all parameters; ``moves`` the exponents that
    moved; ``class_attention`` what [CLS] attended to, of programs that return this.
    """

    logits: NDArray[np.float64]
    loss: float
    gradient_norm: float
    saturated: int
    moves: tuple[Move, ...]
    class_attention: ClassAttention | None = None


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
    """A training run: state, exponents, number of steps done.

    A run has one program or several (of other keep ratios) over one state; each step is one of the
    program in use.
    """

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
        others: Sequence[TrainingProgram] = (),
        fixed_exponents: bool = False,
    ) -> None:
        """Start from ``masters``.

        Args:
            program: what a step is.
            masters: (rows, columns) int64 of each parameter and constant.
            backend: who executes the ops.
            settings: of the update.
            seed: of stochastic rounding.
            clip_norm: gradients are scaled to this global norm.
            clip_fused: by the norm of the update before; otherwise updates come after the whole
                backward pass and gradients are scaled by their own norm.
            accumulate: images whose mean gradient is one update; a step is one image.
            others: further programs over the same state; ``program`` is in use at first.
            fixed_exponents: fraction lengths stay where :meth:`find_exponents` left them.

        Raises:
            HostError: formats that the contract's shifts cannot bring together, a number of images
                outside its range, or programs that cannot share a state.
        """
        self.backend = backend
        self._accumulation = Accumulation(accumulate)
        programs = tuple(self._accumulation.program(each) for each in (program, *others))
        check_shared(programs)
        memory = max((Arena(p) for p in programs), key=lambda arena: arena.elements).empty()
        self._variants: dict[str, Variant] = {}
        for number, each in enumerate(programs):
            state = TrainingState(
                each, {} if number else masters, settings, memory, backend.checker(each)
            )
            self._variants[each.name] = Variant(each, state, settings)
        self._variant = self._variants[program.name]
        self.steps = 0
        self.gradient_norm = 0.0
        self._settings, self._seed, self._clip_norm = settings, seed, clip_norm
        self._clip_fused = clip_fused
        self._fixed_exponents = fixed_exponents
        self._adamw = program.optimizer == "adamw"

    @property
    def program(self) -> TrainingProgram:
        """The program in use."""
        return self._variant.program

    @property
    def programs(self) -> tuple[TrainingProgram, ...]:
        """All programs of the run."""
        return tuple(variant.program for variant in self._variants.values())

    @property
    def state(self) -> TrainingState:
        """Memory, and the fraction lengths of the program in use."""
        return self._variant.state

    @property
    def exponents(self) -> Exponents:
        """The policy of the program in use."""
        return self._variant.exponents

    def use(self, name: str) -> None:
        """Take the steps that follow with the program of this name; exponents carry over.

        Raises:
            HostError: there is none of this name.
        """
        variant = self._named(name)
        if variant is not self._variant:
            variant.adopt(self._variant)
            variant.exponents.restart()
            self._variant = variant

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
        self._variant.resolve()

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
        images, variant = self._accumulation.images, self._variant
        aligned = self._accumulation.moves(self.state, empty=self.steps % images == 0)
        if self.state.apply(aligned):
            variant.resolve()
        if (self.steps + 1) % images:
            figures = self._run(_IMAGE, _NO_STEP)
        elif self._clip_fused or self._clip_norm is None:
            figures = self._run((*_IMAGE, *_UPDATE), self._constants(learning_rate))
            self.gradient_norm = variant.norm(figures, variant.updates) / self._accumulation.rest
        else:
            figures = self._run((*_IMAGE, "release"), _NO_STEP)
            self.gradient_norm = variant.norm(figures, variant.updates) / self._accumulation.rest
            figures += self._run(("update",), self._constants(learning_rate))
        norm = variant.norm(figures, variant.images)
        logits = self.state.real(self.program.logits)[0]
        class_attention = self._variant.class_attention(figures)
        moves = [] if self._fixed_exponents else self.state.apply(self.exponents.moves(figures))
        self.steps += 1
        if moves:
            self._variant.resolve()
        return StepResult(
            logits=logits,
            loss=cross_entropy(logits, target),
            gradient_norm=norm,
            saturated=int(figures[:, :, 0].sum()),
            moves=tuple(moves),
            class_attention=class_attention,
        )

    def logits(self, image: Int16, program: str | None = None) -> NDArray[np.float64]:
        """Return the logits of an image, (classes,), without training on it.

        Args:
            image: (channels, height, width) int16, preprocessed.
            program: whose forward pass; by default of the one in use, which stays in use.

        Raises:
            HostError: there is no such program.
        """
        variant = self._variant if program is None else self._named(program)
        variant.adopt(self._variant)
        state = variant.state
        place = state.arena.view(state.memory, variant.image)
        place[:] = image.reshape(place.shape)
        self.backend.run(state.memory, variant.part(("forward",))[1], _NO_STEP)
        return state.real(variant.program.logits)[0]

    def resume(
        self, program: str, formats: Mapping[str, int], steps: int, gradient_norm: float
    ) -> None:
        """Go on after ``steps`` steps with a program; the state's memory holds its own already.

        Raises:
            HostError: there is no such program.
        """
        self._variant = self._named(program)
        self.state.formats = dict(formats)
        self.steps, self.gradient_norm = steps, gradient_norm
        self._variant.resolve()

    def _run(self, phases: tuple[Phase, ...], constants: StepConstants) -> Int64:
        """Execute the ops of these phases; return (ops, 3, 3) figures, zero of all others."""
        places, operations = self._variant.part(phases)
        part = self.backend.run(self.state.memory, operations, constants)
        figures = np.zeros((len(self._variant.operations), *part.shape[1:]), np.int64)
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

    def parameter(self, name: str) -> NDArray[np.float64]:
        """Return a parameter as forward reads it, (rows, columns)."""
        return self.state.real(name)

    def to_bytes(
        self, identity: dict[str, Any], more: Mapping[str, NDArray[Any]] | None = None
    ) -> bytes:
        """Return the state as a file; see :func:`~trivit.host.training.checkpoint.to_bytes`."""
        return checkpoint.to_bytes(self, identity, more)

    def restore(self, path: Path, identity: dict[str, Any]) -> dict[str, NDArray[Any]]:
        """Go on from a file; see :func:`~trivit.host.training.checkpoint.restore`."""
        return checkpoint.restore(path, self, identity)

    def _named(self, name: str) -> Variant:
        if name not in self._variants:
            raise HostError(f"no training program '{name}': use {', '.join(self._variants)}")
        return self._variants[name]

    def _start_momenta(self) -> None:
        """Give momenta of zeros the exponents of their gradients, or three bits less."""
        formats = self.state.formats
        moves = []
        for _, operation, _ in self._variant.updates:
            frac = formats[gradient_of(operation)]
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
        place = arena.view(memory, self._variant.image)
        place[:] = image.reshape(place.shape)
        arena.view(memory, self._variant.target)[0] = target

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
