"""Text of the vendor's reports: tables between rules, and numbers as they stand in cells."""

import re
from collections.abc import Iterator
from pathlib import Path

from trivit.tools.errors import ToolsError


def read_report(path: Path) -> str:
    """Return the text of a report.

    Raises:
        ToolsError: there is none.
    """
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ToolsError(
            f"cannot read {path} ({error.strerror}): run `make hls` and `make bitstream`"
        ) from error


def table_rows(lines: list[str]) -> Iterator[list[str]]:
    """Yield the cells of each row of the first table, its head first; indents stay.

    A table is lines that begin with ``|``, between rules of ``+--+``. Vivado pads a cell by one
    space on either side.
    """
    inside = False
    for line in lines:
        text = line.strip()
        if text.startswith("|") and text.endswith("|"):
            inside = True
            yield [cell.removeprefix(" ").rstrip() for cell in text[1:-1].split("|")]
        elif inside and not text.startswith("+"):
            return


def section(text: str, title: str, path: Path) -> list[str]:
    """Return the lines behind a numbered title such as ``1. Summary``, where its text begins.

    A report lists its titles first, so the last place of the title counts.

    Raises:
        ToolsError: the report has no such title.
    """
    lines = text.splitlines()
    pattern = re.compile(rf"^\d+(\.\d+)*\.? {re.escape(title)}\s*$")
    places = [number for number, line in enumerate(lines) if pattern.match(line)]
    if not places:
        raise ToolsError(f"{path} has no section '{title}': it is another report")
    return lines[places[-1] + 1 :]


def number(cell: str, path: Path) -> float:
    """Return the number that a cell begins with: ``45``, ``1,024``, ``788(45.6%)``, ``<0.001``.

    Raises:
        ToolsError: it begins with none.
    """
    match = re.match(r"\s*<?\s*(-?\d[\d,]*(?:\.\d+)?)", cell)
    if match is None:
        raise ToolsError(f"{path}: '{cell.strip()}' is no number")
    return float(match.group(1).replace(",", ""))
