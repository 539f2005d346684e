"""Stand-ins as programs of the PATH that `trivit.tools.vivado` finds and runs."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tcl.design import HLS
from tcl.recorder import Tool, run_script
from tcl.vitis import VitisHls
from tcl.vivado import Outcome, Vivado


def write_program(folder: Path, name: str, release: str) -> None:
    """Write a program that prints its release as the vendor's do."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f'#!/bin/sh\necho "****** {name} v{release} (64-bit)"\n')
    path.chmod(0o755)


class Programs:
    """Runs scripts by stand-ins in this process: `run` stands for `subprocess.run`."""

    def __init__(self, release: str) -> None:
        self.release = release
        self.fails = ""  # a command of Vitis HLS
        self.slacks: Sequence[float] = ()  # in ns, of one implementation after the other
        self.commands: list[list[str]] = []

    def run(
        self, command: list[str], *, cwd: Path, env: Mapping[str, str], stdout: IO[str], **_: object
    ) -> subprocess.CompletedProcess[str]:
        self.commands.append([Path(command[0]).name, *command[1:-1]])
        tool: Tool = VitisHls(HLS, cwd, self.fails)
        if Path(command[0]).name == "vivado":
            tool = Vivado(HLS, self.release, [Outcome(setup=slack) for slack in self.slacks])
        result = run_script(Path(command[-1]), tool, env)
        stdout.write(result.output)
        return subprocess.CompletedProcess(command, result.status)
