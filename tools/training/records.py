"""Lines of JSON beside a run, which a resumed run goes on with."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from trivit.models.files import atomic_write, named
from trivit.tools.errors import ToolsError


class Records:
    """A file of JSON objects, a line each, with the number of their step."""

    def __init__(self, path: Path) -> None:
        """Write to ``path``, which the first line makes."""
        self.path = path

    def append(self, line: dict[str, Any]) -> None:
        """Write a line.

        Raises:
            OSError: the disk is full, or the folder cannot be written.
        """
        with named(self.path), self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")

    def flush(self) -> None:
        """Bring the lines to the disk, before a checkpoint stands behind them.

        Raises:
            OSError: the disk is full.
        """
        if self.path.is_file():
            with named(self.path), self.path.open("rb+") as file:
                os.fsync(file.fileno())

    def lines(self) -> list[dict[str, Any]]:
        """Return the lines; a last one that a killed run left half-written comes again.

        Raises:
            ToolsError: another line that is no JSON.
        """
        lines: list[dict[str, Any]] = []
        text = self.path.read_text() if self.path.is_file() else ""
        for number, line in enumerate(text.splitlines(keepends=True), 1):
            if not line.endswith("\n"):
                break
            try:
                lines.append(json.loads(line))
            except ValueError as error:
                raise ToolsError(
                    f"{self.path} is damaged in line {number}: delete the line to go on"
                ) from error
        return lines

    def keep(self, steps: int) -> None:
        """Keep the lines of the first ``steps`` steps: those after a checkpoint come again.

        Raises:
            OSError: the folder cannot be written.
        """
        if not self.path.is_file():
            return
        kept = [line for line in self.lines() if line["step"] <= steps]
        with atomic_write(self.path) as temporary:
            temporary.write_text("".join(json.dumps(line) + "\n" for line in kept))
