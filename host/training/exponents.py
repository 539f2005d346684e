"""How the host moves fraction lengths (docs/on-device-training.md, last section).

A function of what the device returned, and of nothing else: a run can be repeated, and resumed from
the few integers of :meth:`Exponents.state`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.fixed_point import Int64
from trivit.host.training.operations import LOW_PLANES
from trivit.host.training.program import TensorSpec, TrainingProgram, writes

#: Steps without a move after which a small gradient gets a bit more.
WINDOW = 64
#: A largest magnitude below this leaves two bits unused.
_SMALL = 1 << 13
#: A parameter of this magnitude gets a bit less, before it can saturate.
_NEAR_END = 31_000
#: With more than this share of its elements saturated a tensor loses several bits at once.
_MANY, _MANY_BITS = 1 / 16, 4
_LIMITS = {
    "gradient": (0, 46),
    "momentum": (0, 46),
    "second": (0, 46),
    "accumulator": (0, 61),
    "activation": (0, 24),
    "parameter": (0, 24),
}
_BOTH_WAYS = ("gradient", "momentum", "second")


@dataclass(frozen=True)
class Move:
    """A tensor and the fraction bits that it should get (below 0: lose)."""

    tensor: str
    bits: int


class Observed:
    """What a step returned, by tensor: saturations and the largest magnitude."""

    def __init__(self, program: TrainingProgram) -> None:
        """Find which tensor each figure of the program's ops belongs to."""
        self.names = [tensor.name for tensor in program.tensors]
        number = {name: i for i, name in enumerate(self.names)}
        places = [
            (index, slot, number[operation.operands[operand].tensor])
            for index, operation in enumerate(program.operations)
            for slot, operand in enumerate(writes(operation))
            if operand not in LOW_PLANES
        ]
        self._op, self._slot, self._tensor = (
            np.array(p, np.int64) for p in zip(*places, strict=True)
        )

    def read(self, figures: Int64) -> tuple[Int64, Int64]:
        """Return (saturations, largest magnitudes), both (tensors,), of (ops, 3, 3) figures."""
        saturated = np.zeros(len(self.names), np.int64)
        largest = np.zeros(len(self.names), np.int64)
        np.add.at(saturated, self._tensor, figures[self._op, self._slot, 0])
        np.maximum.at(largest, self._tensor, figures[self._op, self._slot, 1])
        return saturated, largest


class Exponents:
    """Decides which fraction lengths should move after a step."""

    def __init__(self, program: TrainingProgram) -> None:
        tensors = program.tensors
        self._tensors = tensors
        self._observed = Observed(program)
        led = np.array([not tensor.follows for tensor in tensors])
        roles = np.array([tensor.role for tensor in tensors])
        self._both_ways: NDArray[np.bool_] = np.isin(roles, _BOTH_WAYS) & led
        self._falling: NDArray[np.bool_] = ((roles == "activation") | self._both_ways) & led
        self._parameter: NDArray[np.bool_] = roles == "parameter"
        self._elements = np.array([tensor.rows * tensor.columns for tensor in tensors])
        self._age = np.zeros(len(tensors), np.int64)
        self._largest = np.zeros(len(tensors), np.int64)

    def moves(self, figures: Int64) -> list[Move]:
        """Return the moves after a step that returned (ops, 3, 3) ``figures``."""
        saturated, largest = self._observed.read(figures)
        self._age += 1
        self._largest = np.maximum(self._largest, largest)
        bits = np.zeros(len(largest), np.int64)
        bits[self._falling & (saturated > 0)] = -1
        bits[self._both_ways & (saturated > self._elements * _MANY)] = -_MANY_BITS
        bits[self._parameter & (largest >= _NEAR_END)] = -1
        old = self._both_ways & (self._age >= WINDOW)
        bits[old & (bits == 0) & (self._largest > 0) & (self._largest < _SMALL)] = 1
        renewed = old | (bits != 0)
        self._age[renewed] = 0
        self._largest[renewed] = 0
        return [Move(self._tensors[i].name, int(bits[i])) for i in np.flatnonzero(bits)]

    def first_moves(self, figures: Int64) -> list[Move]:
        """Return the moves of gradients before the first step, from a run without updates.

        Repeated until there are none: nothing saturates, and each maximum is in 2^13..2^14.
        """
        saturated, largest = self._observed.read(figures)
        moves = []
        for index, tensor in enumerate(self._tensors):
            if tensor.role != "gradient" or tensor.follows:
                continue
            if saturated[index]:
                moves.append(Move(tensor.name, -_MANY_BITS))
            elif largest[index] == 0:
                moves.append(Move(tensor.name, _MANY_BITS))
            else:
                bits = 14 - int(largest[index]).bit_length()
                moves += [Move(tensor.name, bits)] if bits else []
        return moves

    def restart(self) -> None:
        """Forget what was seen: another program's steps came between."""
        self._age[:] = 0
        self._largest[:] = 0

    def state(self) -> dict[str, Int64]:
        """Return what a resumed run needs."""
        return {"age": self._age.copy(), "largest": self._largest.copy()}

    def restore(self, state: Mapping[str, Int64]) -> None:
        """Undo :meth:`state`."""
        self._age, self._largest = state["age"].copy(), state["largest"].copy()


def limits(role: str) -> tuple[int, int]:
    """Return the least and the largest fraction length of tensors that move."""
    return _LIMITS[role]


def followed(program: TrainingProgram, formats: Mapping[str, int]) -> dict[str, int]:
    """Return ``formats`` with tensors that follow others at the others' fraction lengths."""
    result, tensors = dict(formats), program.by_name
    for tensor in program.tensors:
        if tensor.follows:
            result[tensor.name] = result[leader_of(tensors, tensor.name)]
    return result


def leader_of(tensors: Mapping[str, TensorSpec], name: str) -> str:
    """Return the tensor whose fraction length the tensor ``name`` has: itself, or another."""
    while tensors[name].follows:
        name = tensors[name].follows
    return name
