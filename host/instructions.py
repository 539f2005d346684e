"""Descriptors: encoding and decoding of the kernel's instructions (hls/kernel.yaml)."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.generated.spec import DESCRIPTOR_WORDS, ERRORS, OPCODES

_NAMES = {spec.code: name for name, spec in OPCODES.items()}
_RANGES = {"act": (0, 2**32), "u32": (0, 2**32), "i32": (-(2**31), 2**31), "u64": (0, 2**64)}


@dataclass(frozen=True)
class Instruction:
    """One decoded descriptor."""

    opcode: str
    flags: frozenset[str]
    fields: dict[str, int]


class KernelError(HostError):
    """The kernel stopped: ``code`` as in hls/kernel.yaml, ``index`` of the instruction."""

    def __init__(self, code: int, index: int) -> None:
        name = next((n for n, value in ERRORS.items() if value == code), f"error {code}")
        super().__init__(
            f"the kernel refused instruction {index}: {name}; "
            "the program does not fit this kernel: compile it again"
        )
        self.code = code
        self.index = index


def encode(opcode: str, flags: Iterable[str] = (), **fields: int) -> NDArray[np.uint32]:
    """Return the descriptor as (32,) uint32.

    Raises:
        HostError: unknown opcode, flag or field, a missing field, or a value outside its type.
    """
    spec = OPCODES.get(opcode)
    if spec is None:
        raise HostError(f"unknown opcode {opcode!r}: use one of {', '.join(OPCODES)}")
    words = np.zeros(DESCRIPTOR_WORDS, dtype=np.uint32)
    words[0] = spec.code
    for flag in flags:
        if flag not in spec.flags:
            raise HostError(f"{opcode} has no flag {flag!r}: use one of {', '.join(spec.flags)}")
        words[0] |= np.uint32(1 << (8 + spec.flags[flag]))
    names = [field.name for field in spec.fields]
    if set(names) != set(fields):
        wrong = ", ".join(sorted(set(names) ^ set(fields)))
        raise HostError(f"{opcode} takes the fields {', '.join(names)}: check {wrong}")
    for field in spec.fields:
        value = int(fields[field.name])
        low, high = _RANGES[field.type]
        if not low <= value < high:
            raise HostError(f"{opcode}.{field.name} = {value} does not fit {field.type}")
        words[field.word] = value & 0xFFFFFFFF
        if field.type == "u64":
            words[field.word + 1] = value >> 32
    return words


def decode(words: NDArray[np.uint32]) -> Instruction | None:
    """Return the instruction of a (32,) descriptor, or None for an unknown opcode or flag."""
    head = int(words[0])
    name = _NAMES.get(head & 0xFF)
    if name is None:
        return None
    spec = OPCODES[name]
    flags = frozenset(flag for flag, bit in spec.flags.items() if head >> (8 + bit) & 1)
    if (head >> 8) & ~sum(1 << spec.flags[flag] for flag in flags):
        return None
    fields = {}
    for field in spec.fields:
        value = int(words[field.word])
        if field.type == "u64":
            value |= int(words[field.word + 1]) << 32
        elif field.type == "i32" and value >= 2**31:
            value -= 2**32
        fields[field.name] = value
    return Instruction(name, flags, fields)
