"""``trivit.json``, which `make bitstream` writes beside the bitstream: what it was made from."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trivit.host.errors import HostError

FORMAT = 1
_AGAIN = "build the bitstream again, or copy the file from where it was built"


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What a bitstream was made from; ``layout`` is the digest of the commands' fields."""

    path: Path
    kernel_version: int
    layout: str
    clock_mhz: float
    part: str
    git_commit: str
    variant: str
    built: str


def read_manifest(path: Path) -> Manifest:
    """Return the manifest of a bitstream.

    Raises:
        HostError: it is missing, of another format, or not whole.
    """
    try:
        entry: dict[str, Any] = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise HostError(f"{path}: {(error.strerror or str(error)).lower()}; {_AGAIN}") from error
    except ValueError as error:
        raise HostError(f"{path} is no manifest of a bitstream: {error}; {_AGAIN}") from error
    if not isinstance(entry, dict) or entry.get("format") != FORMAT:
        raise HostError(f"{path} is no manifest of format {FORMAT}: {_AGAIN}")
    try:
        return Manifest(
            path=path,
            kernel_version=int(entry["kernel_version"]),
            layout=str(entry["layout"]),
            clock_mhz=float(entry["clock_mhz"]),
            part=str(entry["part"]),
            git_commit=str(entry.get("git_commit", "")),
            variant=str(entry.get("variant", "inference")),
            built=str(entry.get("built", "")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise HostError(f"{path} is no whole manifest: {error!r}; {_AGAIN}") from error
