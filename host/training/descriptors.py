"""Ops with addresses and numbers: what a backend executes.

An op is ``DESCRIPTOR_WORDS`` int64: its code, its flags (bit i: optional operand i is there, bit
8 + i: flag i), offset, rows, columns and stride of up to six operands, up to twelve fields.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trivit.host.fixed_point import Int64
from trivit.host.training.arena import Arena, Place
from trivit.host.training.operations import OPERATIONS, OperationSpec
from trivit.host.training.program import TrainingProgram
from trivit.host.training.shifts import UpdateSettings, numbers

OPERANDS, FIELDS = 6, 12
DESCRIPTOR_WORDS = 2 + 4 * OPERANDS + FIELDS
#: Tensors that an op writes at most, and what it returns of each: saturations, largest magnitude,
#: sum of squares.
WRITES, FIGURES = 3, 3


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """An op whose operands have places and whose numbers are known."""

    opcode: str
    spec: OperationSpec
    places: Mapping[str, Place]
    flags: frozenset[str]
    fields: Mapping[str, int]

    def words(self) -> Int64:
        """Return the op as a descriptor."""
        words = np.zeros(DESCRIPTOR_WORDS, np.int64)
        words[0] = self.spec.code
        words[1] = sum(1 << i for i, n in enumerate(self.spec.optional) if n in self.places)
        words[1] += sum(256 << i for i, n in enumerate(self.spec.flags) if n in self.flags)
        for slot, name in enumerate(self.spec.operands):
            if name in self.places:
                p = self.places[name]
                words[2 + 4 * slot : 6 + 4 * slot] = p.offset, p.rows, p.columns, p.stride
        start = 2 + 4 * OPERANDS
        words[start : start + len(self.fields)] = list(self.fields.values())
        return words


@dataclass(frozen=True, kw_only=True)
class StepConstants:
    """What changes with every step: learning rate as rate·2^-rate_exponent, key, clip·2^-16.

    Of AdamW also bias·2^-bias_exponent = sqrt(1 - beta2^t)/(1 - beta1^t) and
    second·2^-second_exponent = 1 - beta2^t.
    """

    rate: int
    rate_exponent: int
    key: int
    clip: int = 65536
    bias: int = 0
    bias_exponent: int = 0
    second: int = 0
    second_exponent: int = 0

    def words(self) -> Int64:
        """Return them as a backend takes them."""
        return np.array(list(vars(self).values()), np.int64)


def resolve(
    program: TrainingProgram, arena: Arena, formats: Mapping[str, int], settings: UpdateSettings
) -> list[Resolved]:
    """Return the program's ops at these fraction lengths.

    Raises:
        HostError: fraction lengths that the contract's shifts cannot bring together.
    """
    tensors = program.by_name
    return [
        Resolved(
            opcode=operation.opcode,
            spec=OPERATIONS[operation.opcode],
            places={n: arena.place(o) for n, o in operation.operands.items()},
            flags=frozenset(
                n for n in OPERATIONS[operation.opcode].flags if operation.attributes.get(n)
            ),
            fields=numbers(operation, formats, tensors, settings),
        )
        for operation in program.operations
    ]


def pack(operations: Sequence[Resolved]) -> Int64:
    """Return (ops, DESCRIPTOR_WORDS) int64."""
    return np.stack([operation.words() for operation in operations])
