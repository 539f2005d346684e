"""Commands of the accelerator's units: encoding and decoding (hls/kernel.yaml, section commands).

A command is an integer of 256 bits: a header (end, tag, unit), then the unit's fields, lowest bit
first. A program in DDR is an array of them, four 64-bit words each, lowest first.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from trivit.host.errors import HostError
from trivit.host.generated.commands import COMMAND_BITS, COMMANDS, HEADER

#: Units that answer every command with a report; of the engine, products alone.
REPORTING = (
    "engine",
    "gelu",
    "softmax",
    "normalise",
    "select",
    "connections",
    "gelu_backward",
    "softmax_backward",
    "cross_entropy",
    "normalise_backward",
    "update",
    "row_writer",
    "softmax_writer",
    "norm_writer",
    "load",
    "store",
)

_UNITS = {spec.number: unit for unit, spec in COMMANDS.items()}
_WORDS = COMMAND_BITS // 64
_MASK = (1 << 64) - 1


@dataclass(frozen=True)
class Command:
    """One decoded command; ``fields`` holds every field of the unit."""

    unit: str
    fields: dict[str, int]
    tag: int = 0
    end: bool = False

    @property
    def reports(self) -> int:
        """How many reports the unit answers with when it has done this command."""
        if self.unit not in REPORTING or self.fields.get("place", 0) or self.end:
            return 0
        if self.unit == "update":  # momentum, high plane and squares of weights and of biases
            return 6 if self.fields["line"] else 3
        return 1 + (self.unit == "normalise_backward") + self.fields.get("sums", 0)


def encode(unit: str, *, tag: int = 0, end: bool = False, **fields: int) -> int:
    """Return the command of ``unit`` as an integer of 256 bits; fields left out are zero.

    Raises:
        HostError: an unknown unit or field, or a value that does not fit its field.
    """
    spec = COMMANDS.get(unit)
    if spec is None:
        raise HostError(f"unknown unit {unit!r}: use one of {', '.join(COMMANDS)}")
    header = {"end": int(end), "tag": tag, "unit": spec.number}
    command = 0
    for layout, values in ((HEADER, header), (spec.fields, fields)):
        for name, value in values.items():
            if name not in layout:
                known = ", ".join(layout)
                raise HostError(f"{unit} has no field {name!r}: use one of {known}")
            low, width = layout[name]
            if not 0 <= int(value) < 1 << width:
                raise HostError(
                    f"{unit}.{name} = {value} does not fit {width} bits: use 0..{(1 << width) - 1}"
                )
            command |= int(value) << low
    return command


def decode(command: int) -> Command:
    """Return the command of an integer of 256 bits.

    Raises:
        HostError: the number of no unit, or bits set that belong to no field.
    """
    header = {name: _field(command, *place) for name, place in HEADER.items()}
    unit = _UNITS.get(header["unit"])
    if unit is None:
        raise HostError(
            f"a command has the unit {header['unit']}: this kernel has 0 to {max(_UNITS)}, "
            "schedule the program again"
        )
    fields = {name: _field(command, *place) for name, place in COMMANDS[unit].fields.items()}
    decoded = Command(unit, fields, header["tag"], bool(header["end"]))
    if encode(unit, tag=decoded.tag, end=decoded.end, **fields) != command:
        raise HostError(f"a command of {unit} has bits in no field: schedule the program again")
    return decoded


def layout_digest() -> str:
    """Return what tells this layout of commands from others: a SHA-256 over all fields, in hex."""
    layout = [HEADER, {unit: [spec.number, spec.fields] for unit, spec in COMMANDS.items()}]
    return hashlib.sha256(json.dumps(layout).encode()).hexdigest()


def to_words(commands: Iterable[int]) -> NDArray[np.uint64]:
    """Return commands as (n, 4) uint64, the lowest 64 bits first."""
    rows = [[command >> (64 * word) & _MASK for word in range(_WORDS)] for command in commands]
    return np.array(rows, dtype=np.uint64).reshape(-1, _WORDS)


def from_words(words: NDArray[np.uint64]) -> list[int]:
    """Undo to_words."""
    return [sum(int(word) << (64 * place) for place, word in enumerate(row)) for row in words]


def _field(command: int, low: int, width: int) -> int:
    return command >> low & ((1 << width) - 1)
