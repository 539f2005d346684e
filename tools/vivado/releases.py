"""Which releases of Vitis HLS and Vivado the scripts are for, and where the programs are."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trivit.tools.errors import ToolsError
from trivit.tools.kernel import ROOT

#: Holds all that differs between releases.
RELEASES = ROOT / "hls" / "tcl" / "releases.tcl"
_WITHOUT = (
    "without it: `trivit run --backend simulation` simulates the accelerator, "
    "`trivit estimate --resources` says what it takes"
)


@dataclass(frozen=True, kw_only=True)
class Program:
    """A vendor's program that runs a Tcl script given behind ``command``, and its release."""

    command: tuple[str, ...]
    release: str

    @property
    def name(self) -> str:
        """The program without its folder."""
        return Path(self.command[0]).name


def read_settings(path: Path = RELEASES) -> dict[str, str]:
    """Return the variables of ``hls/tcl/releases.tcl``, as Tcl has them."""
    found = re.findall(r"^ +variable (\w+) (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {name: value.strip("{}") for name, value in found}


def find_program(kind: str, environment: Mapping[str, str] = os.environ) -> tuple[Program, str]:
    """Return the program for ``kind`` (``hls`` or ``vivado``) and a warning, which may be empty.

    Raises:
        ToolsError: it is not in the PATH, says no release, or is older than the scripts are for.
    """
    settings = read_settings()
    oldest, newest = settings["oldest"], settings["newest"]
    what = "Vitis HLS" if kind == "hls" else "Vivado"
    for command in settings[f"{kind}_programs"].split("} {"):
        name, *rest = command.split()
        path = shutil.which(name, path=environment.get("PATH", ""))
        if path is None:
            continue
        program = Program(command=(path, *rest), release=_release(path))
        if program.release < oldest:
            raise ToolsError(
                f"{path} is {what} {program.release}; the scripts are for {oldest} to {newest}"
            )
        warning = ""
        if program.release > newest:
            warning = f"{what} {program.release} is newer than the scripts ({oldest} to {newest})"
        return program, warning
    raise ToolsError(
        f"no {what} in the PATH: source the settings64.sh of a release from {oldest} to {newest}; "
        + _WITHOUT
    )


def _release(path: str) -> str:
    """Return the release that a program prints, or that the folder of its installation is named."""
    try:
        result = subprocess.run([path, "-version"], capture_output=True, text=True, timeout=120)
        printed = result.stdout + result.stderr
    except (OSError, subprocess.TimeoutExpired):
        printed = ""
    folders = "".join(f"v{part}\n" for part in Path(path).resolve().parts)
    match = re.search(r"\bv(20\d\d\.\d)", printed) or re.search(r"^v(20\d\d\.\d)", folders, re.M)
    if match is None:
        raise ToolsError(f"{path} -version names no release such as v2022.2")
    return match.group(1)


def needs_export_patch(release: str) -> bool:
    """Whether exporting an IP fails in this release until AMD's patch is installed."""
    return release in read_settings()["unpatched"].split()
