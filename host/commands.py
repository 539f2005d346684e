"""Commands of the accelerator's units as 256-bit words (fields: hls/kernel.yaml, `commands`)."""

from __future__ import annotations

from trivit.host.errors import HostError
from trivit.host.generated.commands import COMMANDS, HEADER


def encode(unit: str, *, tag: int = 0, end: bool = False, **fields: int) -> int:
    """A command of `unit` as an int; fields that are not given are 0.

    HostError names a field that the unit does not have, or a value that does not fit.
    """
    spec = COMMANDS[unit]
    header = {"end": int(end), "tag": tag, "unit": spec.number}
    word = 0
    for name, value in {**header, **fields}.items():
        place = HEADER.get(name) if name in header else spec.fields.get(name)
        if place is None:
            raise HostError(f"{unit} has no field {name!r}: use one of {', '.join(spec.fields)}")
        low, bits = place
        if not 0 <= value < 1 << bits:
            raise HostError(f"{unit}.{name} = {value} does not fit: use 0 to {(1 << bits) - 1}")
        word |= int(value) << low
    return word
