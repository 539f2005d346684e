"""One of the programs of a training run: its exponents, its ops at them, what it returns.

The programs of a run differ in their keep ratios alone. They share the memory of what lasts
(masters, momenta, second moments), and of other tensors the fraction lengths: see
:meth:`Variant.adopt`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from trivit.host.errors import HostError
from trivit.host.fixed_point import Int64
from trivit.host.training.arena import STATE, view
from trivit.host.training.descriptors import Resolved, resolve
from trivit.host.training.exponents import Exponents
from trivit.host.training.program import Operation, Phase, TrainingProgram, writes
from trivit.host.training.shifts import UpdateSettings
from trivit.host.training.state import TrainingState


@dataclass(frozen=True, kw_only=True)
class ClassAttention:
    """What [CLS] gives to the patch tokens: over ``tokens`` of them the sum and sum of squares.

    Integers, summed over ``heads``, at ``frac`` fraction bits.
    """

    tokens: int
    heads: int
    frac: int
    total: int
    squares: int

    def variance(self, correction: int = 0) -> float:
        """Return the variance over the patch tokens of the head mean (Tri-Level's second rank).

        Args:
            correction: 1 for the unbiased one; of a single token nothing varies.
        """
        divisor = self.tokens * (self.tokens - min(correction, self.tokens - 1))
        spread = self.tokens * self.squares - self.total * self.total
        return spread / (divisor * self.heads**2 * 4**self.frac)


class Variant:
    """A program with its exponents and resolved ops; ``state`` may share another's memory."""

    def __init__(
        self, program: TrainingProgram, state: TrainingState, settings: UpdateSettings
    ) -> None:
        self.program, self.state = program, state
        self.exponents = Exponents(program)
        self.updates = _gradients(program, "update")
        #: Of one image: what is summed, or what an update reads.
        self.images = _gradients(program, "accumulate") or self.updates
        self.image, self.target = (
            next(tensor.name for tensor in program.tensors if tensor.role == role)
            for role in ("image", "target")
        )
        self._settings = settings
        self._moments = next(
            (i for i, o in enumerate(program.operations) if o.opcode == "cls_moments"), None
        )
        self._adopted: tuple[dict[str, int], dict[str, int]] | None = None
        self.resolve()

    def resolve(self) -> None:
        """Give the ops the numbers that follow from the state's fraction lengths.

        Raises:
            HostError: fraction lengths that the contract's shifts cannot bring together.
        """
        self.operations = resolve(
            self.program, self.state.arena, self.state.formats, self._settings
        )
        self._parts: dict[tuple[Phase, ...], tuple[list[int], list[Resolved]]] = {}

    def part(self, phases: tuple[Phase, ...]) -> tuple[list[int], list[Resolved]]:
        """Return the places of these phases' ops in the program, and the resolved ops."""
        if phases not in self._parts:
            operations = self.program.operations
            places = [i for i, operation in enumerate(operations) if operation.phase in phases]
            self._parts[phases] = places, [self.operations[i] for i in places]
        return self._parts[phases]

    def norm(self, figures: Int64, gradients: list[tuple[int, Operation, int]]) -> float:
        """Return the global norm of ``gradients`` in a step that returned ``figures``."""
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

    def adopt(self, other: Variant) -> None:
        """Take the fraction lengths of the program that ran before; nothing to do if none moved.

        Raises:
            HostError: fraction lengths that the contract's shifts cannot bring together.
        """
        before, theirs = self.state.formats, other.state.formats
        if self is other:
            return
        if self._adopted and self._adopted[0] is theirs and self._adopted[1] is before:
            return
        self.state.adopt(other.state)
        if self.state.formats is not before:
            self.resolve()
        self._adopted = theirs, self.state.formats

    def class_attention(self, figures: Int64) -> ClassAttention | None:
        """Return what [CLS] attended to in a step that returned (ops, 3, 3) ``figures``."""
        if self._moments is None:
            return None
        operation = self.program.operations[self._moments]
        probs = self.program.by_name[operation.operands["probs"].tensor]
        return ClassAttention(
            tokens=probs.columns - 1,
            heads=int(operation.attributes["heads"]),
            frac=self.state.formats[probs.name],
            total=int(figures[self._moments, 0, 1]),
            squares=int(figures[self._moments, 0, 2]),
        )


def check_shared(programs: tuple[TrainingProgram, ...]) -> None:
    """Check that programs can share one state.

    Raises:
        HostError: two have one name, or differ in what lasts, in the image or in the target.
    """
    names = [program.name for program in programs]
    if len(set(names)) < len(names):
        raise HostError(f"two training programs are called '{max(names, key=names.count)}'")
    shared = (*STATE, "constant", "image", "target")
    first = [tensor for tensor in programs[0].tensors if tensor.role in shared]
    for program in programs[1:]:
        theirs = [tensor for tensor in program.tensors if tensor.role in shared]
        for mine, other in zip(first, theirs, strict=False):
            if mine != other:
                raise HostError(
                    f"the training programs '{names[0]}' and '{program.name}' differ in "
                    f"'{mine.name}' and cannot share a state: export both from one "
                    "`trivit quantize RUN --keep`"
                )
        if len(first) != len(theirs):
            raise HostError(
                f"the training programs '{names[0]}' and '{program.name}' have {len(first)} and "
                f"{len(theirs)} tensors that last and cannot share a state"
            )


def gradient_of(update: Operation) -> str:
    """Return the name of the gradient that an update reads."""
    return update.operands["gradient"].tensor


def _gradients(program: TrainingProgram, phase: Phase) -> list[tuple[int, Operation, int]]:
    """Return (op that wrote the gradient, reader, slot of the gradient) of each op of a phase."""
    written: dict[str, tuple[int, int]] = {}
    found = []
    for index, operation in enumerate(program.operations):
        if operation.phase == phase:
            writer, slot = written[gradient_of(operation)]
            found.append((writer, operation, slot))
        for slot, operand in enumerate(writes(operation)):
            written[operation.operands[operand].tensor] = index, slot
    return found
