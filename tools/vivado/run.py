"""Run one script of hls/tcl by a vendor's program."""

import os
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from trivit.tools.errors import ToolsError
from trivit.tools.kernel import ROOT
from trivit.tools.vivado.releases import Program


def run_script(
    program: Program, script: str, folder: Path, settings: Mapping[str, str], log: Path
) -> str:
    """Run ``hls/tcl/<script>`` in ``folder`` and return what the program printed.

    The output also goes to ``log`` while the program runs.

    Raises:
        ToolsError: the program does not start, or ends with a failure; the message is the script's.
    """
    command = [*program.command, str(ROOT / "hls" / "tcl" / script)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as file:
        try:
            status = subprocess.run(
                command,
                cwd=folder,
                env={**os.environ, **settings},
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            ).returncode
        except OSError as error:
            raise ToolsError(f"{command[0]} does not start: {error}") from error
    text = log.read_text(encoding="utf-8", errors="replace")
    if status != 0:
        raise ToolsError(f"{program.name}: {_reason(text, status)} (all output: {log})")
    return text


def _reason(text: str, status: int) -> str:
    """Return what the script said last, or the tool's first error."""
    said = re.findall(r"^trivit: (.+)$", text, re.MULTILINE)
    if said:
        return str(said[-1])
    errors = re.findall(r"^ERROR: (.+)$", text, re.MULTILINE)
    return str(errors[0]) if errors else f"exit status {status}"
