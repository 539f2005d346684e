"""Sums of an estimate over instructions of the same kind: blocks repeat."""

import re
from collections.abc import Callable, Iterable

from trivit.tools.estimate.estimate import InstructionEstimate, summed_waits

Key = Callable[[InstructionEstimate], tuple[str, ...]]

_SUMMED = ("macs", "open_macs", "limit_cycles", "ddr_bytes")


def tensor_kind(tensor: str) -> str:
    """Return a tensor's name without the number of its block."""
    return re.sub(r"^blocks\.\d+\.", "", tensor)


def kind_of(op: InstructionEstimate) -> tuple[str, str]:
    """Return the opcode and the tensor's name without the number of its block."""
    return op.opcode, tensor_kind(op.tensor)


def by_kind(ops: Iterable[InstructionEstimate], key: Key = kind_of) -> list[InstructionEstimate]:
    """Return one row for each ``key`` (opcode, tensor), in order of first appearance."""
    groups: dict[tuple[str, ...], list[InstructionEstimate]] = {}
    for op in ops:
        groups.setdefault(key(op), []).append(op)
    return [_sum(opcode, tensor, members) for (opcode, tensor), members in groups.items()]


def _sum(opcode: str, tensor: str, members: list[InstructionEstimate]) -> InstructionEstimate:
    sums = {name: sum(getattr(op, name) for op in members) for name in _SUMMED}
    waits = summed_waits(members)
    return InstructionEstimate(opcode=opcode, tensor=tensor, waits=waits, **sums)
