"""Small tables on stdout: drawn by rich on a terminal, aligned plain text anywhere else."""

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal

Row = Sequence[str]
Alignment = Literal["left", "right"]


def print_table(
    title: str, columns: Sequence[str], rows: Iterable[Row], align: Alignment = "right"
) -> None:
    """Print ``rows`` under ``columns``; the first column is flush left, the others as ``align``."""
    filled = [tuple(row) for row in rows]
    if sys.stdout.isatty():
        try:
            _print_rich(title, columns, filled, align)
            return
        except ModuleNotFoundError:  # rich is optional
            pass
    print(format_plain(title, columns, filled, align))


def format_plain(
    title: str, columns: Sequence[str], rows: Sequence[Row], align: Alignment = "right"
) -> str:
    """Return the table as text, one line a row, columns two spaces apart."""
    lines = [tuple(columns), *rows] if any(columns) else list(rows)
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    text = [
        "  ".join(
            cell.ljust(width) if i == 0 or align == "left" else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([title, *(f"  {line}" for line in text)])


def _print_rich(title: str, columns: Sequence[str], rows: Sequence[Row], align: Alignment) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=any(columns))
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else align)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def print_figures(title: str, figures: Mapping[str, object]) -> None:
    """Print named figures, one a line; floats with four digits, nested mappings indented."""
    print_table(title, ("", ""), list(_figures(figures, "")), align="left")


def _figures(figures: Mapping[str, object], indent: str) -> Iterator[tuple[str, str]]:
    for name, value in figures.items():
        label = indent + name.replace("_", " ")
        if isinstance(value, Mapping):
            yield label, ""
            yield from _figures(value, indent + "  ")
        elif isinstance(value, float):
            yield label, f"{value:.2f}" if abs(value) >= 100 else f"{value:.4g}"
        else:
            yield label, str(value)
