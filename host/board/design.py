"""The files of a bitstream, found and held against what this host was made for."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from trivit.host.board.bitfile import read_bit_header
from trivit.host.board.compare import (
    handoff_differences,
    manifest_differences,
    part_difference,
)
from trivit.host.board.hwh import Handoff, read_handoff
from trivit.host.board.manifest import Manifest, read_manifest
from trivit.host.errors import HostError

#: Environment variable that names the bitstream.
BITSTREAM_VARIABLE = "TRIVIT_BITSTREAM"
_PLACES = (Path("trivit.bit"), Path("/home/xilinx/trivit/trivit.bit"))


@dataclass(frozen=True, kw_only=True)
class Design:
    """A bitstream that this host can drive; ``digest`` is the SHA-1 of its file, as PYNQ keeps."""

    bitstream: Path
    digest: str
    manifest: Manifest
    handoff: Handoff


def find_bitstream(given: Path | None = None) -> Path:
    """Return the bitstream: ``given``, else TRIVIT_BITSTREAM, else where it is by default.

    Raises:
        HostError: there is none.
    """
    named = os.environ.get(BITSTREAM_VARIABLE)
    wanted = given if given is not None else Path(named) if named else None
    if wanted is not None:
        if not wanted.is_file():
            raise HostError(
                f"{wanted}: no such bitstream; build it with `make bitstream` and copy its .bit, "
                ".hwh and .json"
            )
        return wanted.resolve()
    for place in _PLACES:
        if place.is_file():
            return place.resolve()
    raise HostError(
        f"no bitstream: neither {' nor '.join(map(str, _PLACES))} is there; copy trivit.bit, "
        f"trivit.hwh and trivit.json, or name the .bit in {BITSTREAM_VARIABLE}"
    )


def read_design(bitstream: Path) -> Design:
    """Return a bitstream's description after comparing all its files with this host.

    Raises:
        HostError: a file is missing or damaged, or the bitstream is another one than this host
            drives; the message holds what differs. The board has not been touched.
    """
    header = read_bit_header(bitstream)
    handoff = read_handoff(bitstream.with_suffix(".hwh"))
    manifest = read_manifest(bitstream.with_suffix(".json"))
    for path, found in (
        (bitstream, part_difference(header)),
        (handoff.path, handoff_differences(handoff)),
        (manifest.path, manifest_differences(manifest)),
    ):
        if found:
            made = f" (built from {manifest.git_commit[:12]})" if manifest.git_commit else ""
            raise HostError(
                f"{path} does not fit this host{made}: {'; '.join(found)}: build the bitstream "
                "from these sources, or install the host that belongs to it"
            )
    return Design(
        bitstream=bitstream,
        digest=hashlib.sha1(bitstream.read_bytes(), usedforsecurity=False).hexdigest(),
        manifest=manifest,
        handoff=handoff,
    )
