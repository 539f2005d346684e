"""Gradients summed over several images before an update (docs/on-device-training.md, Accumulation).

A run's choice, not a bundle's: the program of a bundle gets accumulators here. ``mean`` is the sum
times 2^-k, with k the whole part of log2 of the number of images; what is left of it, 1 to 2, goes
into the clip factor.
"""

from __future__ import annotations

from dataclasses import replace

from trivit.host.errors import HostError
from trivit.host.training.exponents import Move
from trivit.host.training.program import Operand, Operation, TensorSpec, TrainingProgram
from trivit.host.training.state import TrainingState

#: Sums of so many int16 fit 32 bits without a further bit to spare.
MAX_IMAGES = 1 << 14
_ROOM = 15
_FIRST_FRAC = 16


class Accumulation:
    """Sums over ``images`` images: the program for them, and the exponents of its accumulators.

    An accumulator has ``guard`` bits more than the gradient of the first image, so that sums are
    exact while gradients gain no more bits than that.
    """

    def __init__(self, images: int) -> None:
        """Sum over ``images`` images.

        Raises:
            HostError: a number outside 1 to ``MAX_IMAGES``.
        """
        if not 1 <= images <= MAX_IMAGES:
            raise HostError(f"accumulation over {images} images: use 1 to {MAX_IMAGES}")
        self.images = images
        self._halvings = images.bit_length() - 1
        self._guard = _ROOM - (images - 1).bit_length()

    @property
    def rest(self) -> float:
        """What the released sum must still be divided by for the mean, 1 to 2."""
        return self.images / (1 << self._halvings)

    def program(self, program: TrainingProgram) -> TrainingProgram:
        """Return the program with accumulators, or itself for single images."""
        if self.images == 1:
            return program
        known = program.by_name
        tensors, operations = list(program.tensors), []
        for operation in program.operations:
            if operation.phase == "update":
                parameter = known[operation.operands["high"].tensor]
                gradient = operation.operands["gradient"]
                tensors += self._tensors(parameter, known[gradient.tensor])
                operations += self._between(parameter.name, gradient)
                mean = {"gradient": Operand(_mean(parameter.name))}
                operation = replace(operation, operands={**operation.operands, **mean})
            operations.append(operation)
        return replace(program, tensors=tuple(tensors), operations=tuple(operations))

    def _tensors(self, parameter: TensorSpec, gradient: TensorSpec) -> list[TensorSpec]:
        total = replace(
            parameter,
            name=_total(parameter.name),
            frac=gradient.frac + self._guard,
            role="accumulator",
            of=parameter.name,
        )
        low = replace(total, name=_low(parameter.name), role="low", of=total.name)
        mean = replace(total, name=_mean(parameter.name), frac=_FIRST_FRAC, role="gradient")
        return [total, low, mean]

    def _between(self, parameter: str, gradient: Operand) -> list[Operation]:
        planes = {"total": Operand(_total(parameter)), "total_low": Operand(_low(parameter))}
        return [
            Operation(
                opcode="accumulate", operands={**planes, "gradient": gradient}, phase="accumulate"
            ),
            Operation(
                opcode="release",
                operands={"dst": Operand(_mean(parameter)), **planes},
                attributes={"halvings": self._halvings},
                phase="release",
            ),
        ]

    def first_moves(self, state: TrainingState) -> list[Move]:
        """Return the moves that give means the exponents of their gradients, before the first."""
        room = int(self.rest > 1)
        return [
            Move(mean, state.formats[gradient] - room - state.formats[mean])
            for gradient, _, mean in _sums(state.program)
        ]

    def moves(self, state: TrainingState, empty: bool) -> list[Move]:
        """Return the moves of accumulators: to their gradients' exponents when they are empty.

        Otherwise one follows a gradient that has lost bits, so that its sum still fits.
        """
        moves = []
        for gradient, total, _ in _sums(state.program):
            bits = state.formats[gradient] + self._guard - state.formats[total]
            if bits < 0 or (empty and bits):
                moves.append(Move(total, bits))
        return moves


def _sums(program: TrainingProgram) -> list[tuple[str, str, str]]:
    """Return (gradient, accumulator, mean) of each parameter."""
    released = {
        operation.operands["total"].tensor: operation.operands["dst"].tensor
        for operation in program.operations
        if operation.opcode == "release"
    }
    return [
        (o.operands["gradient"].tensor, o.operands["total"].tensor, released[_name(o)])
        for o in program.operations
        if o.opcode == "accumulate"
    ]


def _name(accumulate: Operation) -> str:
    return accumulate.operands["total"].tensor


def _total(parameter: str) -> str:
    return f"{parameter}.total"


def _low(parameter: str) -> str:
    return f"{parameter}.total.low"


def _mean(parameter: str) -> str:
    return f"{parameter}.mean"
