"""The header of a .bit file: the design's name and the part that it is for."""

import struct
from dataclasses import dataclass
from pathlib import Path

from trivit.host.errors import HostError

_FIELDS = {b"a": "design", b"b": "part", b"c": "date", b"d": "time"}
_HEADER_BYTES = 4096


@dataclass(frozen=True, kw_only=True)
class BitHeader:
    """What Vivado writes in front of the configuration data."""

    design: str
    part: str
    date: str
    time: str


def read_bit_header(path: Path) -> BitHeader:
    """Return the header of a bitstream.

    Raises:
        HostError: it is missing, cannot be read, or is no whole .bit file.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(_HEADER_BYTES)
    except OSError as error:
        raise HostError(
            f"{path}: {(error.strerror or str(error)).lower()}; build the bitstream "
            "(`make bitstream`) and copy its .bit, .hwh and .json"
        ) from error
    fields: dict[str, str] = {}
    try:
        place = 2 + struct.unpack_from(">H", head, 0)[0] + 2
        while head[place : place + 1] in _FIELDS:
            name = _FIELDS[head[place : place + 1]]
            (length,) = struct.unpack_from(">H", head, place + 1)
            fields[name] = head[place + 3 : place + 3 + length].rstrip(b"\0").decode("ascii")
            place += 3 + length
        whole = head[place : place + 1] == b"e"
        whole = whole and struct.unpack_from(">I", head, place + 1)[0] == size - place - 5
    except (struct.error, UnicodeDecodeError):
        whole = False
    if not whole or len(fields) != len(_FIELDS):
        raise HostError(f"{path} is no whole .bit file: copy it again")
    return BitHeader(**fields)
