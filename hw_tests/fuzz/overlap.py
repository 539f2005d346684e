"""What docs/numerics.md leaves undefined: tensors that overlap (section Activation memory)."""

from __future__ import annotations

from trivit.host.generated import spec
from trivit.host.instructions import Instruction
from trivit.host.oracle.checks import operands

_Tensor = tuple[int, int, int]


def overlaps(instruction: Instruction) -> bool:
    """Whether a destination overlaps a source, other than a residual in place."""
    read: list[tuple[str, _Tensor]] = []
    written: list[_Tensor] = []
    for operand, *tensor in operands(instruction):
        address, rows, words = tensor
        if operand.memory == "banks" and operand.writes:
            written.append((address, rows, words))
        elif operand.memory == "banks":
            read.append((operand.name, (address, rows, words)))
    return any(
        _meet(target, source) and not (name == "residual" and source[0] == target[0])
        for target in written
        for name, source in read
    )


def _meet(a: _Tensor, b: _Tensor) -> bool:
    ends = [address + -(-rows // spec.TILE_TOKENS) * words for address, rows, words in (a, b)]
    return a[0] < ends[1] and b[0] < ends[0]
