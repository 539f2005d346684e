"""Lines of Markdown tables."""

from collections.abc import Iterable


def table_row(cells: Iterable[str]) -> str:
    """Return one line; bars inside a cell are escaped."""
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
