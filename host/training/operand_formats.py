"""The fraction lengths of an op's operands, and the limits of what shifts bring together."""

from __future__ import annotations

import math
from collections.abc import Mapping

from trivit.host.errors import HostError
from trivit.host.generated.spec import MAX_ALIGN_SHIFT, MAX_SHIFT, MIN_SHIFT
from trivit.host.training.program import Operation, TensorSpec

MASTER_BITS = 16  # further bits of a 32-bit master


def mantissa(value: float, bits: int) -> tuple[int, int]:
    """Return (m, e) with value ≈ m·2^-e and m of exactly ``bits`` bits; (0, 0) for 0."""
    if value == 0:
        return 0, 0
    exponent_bits = bits - math.frexp(value)[1]
    whole = round(math.ldexp(value, exponent_bits))
    return (whole >> 1, exponent_bits - 1) if whole == 1 << bits else (whole, exponent_bits)


class Formats:
    """The fraction lengths of one op's operands, and its attributes."""

    def __init__(
        self, operation: Operation, formats: Mapping[str, int], tensors: Mapping[str, TensorSpec]
    ) -> None:
        self.operation, self._formats, self._tensors = operation, formats, tensors

    def __getitem__(self, operand: str) -> int:
        return self._formats[self.operation.operands[operand].tensor]

    def __contains__(self, operand: str) -> bool:
        return operand in self.operation.operands

    def attribute(self, name: str) -> int | float:
        """Return an attribute of the op."""
        return self.operation.attributes[name]

    def columns(self, operand: str) -> int:
        """Return the columns of an operand's tensor."""
        return self._tensors[self.operation.operands[operand].tensor].columns

    def within(self, what: str, value: int, low: int, high: int) -> int:
        """Return ``value``, or refuse it.

        Raises:
            HostError: it is outside ``low``..``high``.
        """
        if not low <= value <= high:
            name = next(iter(self.operation.operands.values())).tensor
            raise HostError(
                f"'{name}' ({self.operation.opcode}) needs a {what} of {value}, the contract has "
                f"{low}..{high}: give its tensors closer fraction lengths"
            )
        return value

    def shift(self, value: int) -> int:
        """Return a right shift of requantize, or refuse it (HostError)."""
        return self.within("shift", value, MIN_SHIFT, MAX_SHIFT)

    def align(self, what: str, value: int, low: int = 0) -> int:
        """Return a left shift of ``what`` into the sum, or refuse it (HostError)."""
        return self.within(f"shift of its {what}", value, low, MAX_ALIGN_SHIFT)
