"""Executes a notebook's code cells in one namespace, as Jupyter would, without Jupyter."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def cells(notebook: Path) -> list[dict[str, Any]]:
    """Return the cells of a notebook."""
    found: list[dict[str, Any]] = json.loads(notebook.read_text("utf-8"))["cells"]
    return found


def code(notebook: Path) -> Iterator[str]:
    """Yield the source of each code cell."""
    for cell in cells(notebook):
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])


def execute(notebook: Path) -> dict[str, Any]:
    """Execute all code cells in order; return the namespace that they leave."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for number, source in enumerate(code(notebook), start=1):
        exec(compile(source, f"{notebook.name}, code cell {number}", "exec"), namespace)
    return namespace


if __name__ == "__main__":
    for name in sys.argv[1:]:
        execute(Path(name))
