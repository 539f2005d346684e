"""Small tables on stdout: drawn by rich on a terminal, aligned plain text anywhere else."""

import sys
from collections.abc import Iterable, Mapping, Sequence

Row = Sequence[str]


def print_table(title: str, columns: Sequence[str], rows: Iterable[Row]) -> None:
    """Print ``rows`` under ``columns``; the first column is flush left, the others right."""
    filled = [tuple(row) for row in rows]
    if sys.stdout.isatty():
        try:
            _print_rich(title, columns, filled)
            return
        except ModuleNotFoundError:  # rich is optional
            pass
    print(format_plain(title, columns, filled))


def format_plain(title: str, columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Return the table as text, one line a row, columns two spaces apart."""
    lines = [tuple(columns), *rows] if any(columns) else list(rows)
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    text = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]
    return "\n".join([title, *(f"  {line}" for line in text)])


def _print_rich(title: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title, title_justify="left", show_header=any(columns))
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


def print_figures(title: str, figures: Mapping[str, object]) -> None:
    """Print named figures as a table of two columns; floats with four digits."""
    print_table(title, ("", ""), [(_words(k), _text(v)) for k, v in figures.items()])


def _words(name: str) -> str:
    return name.replace("_", " ")


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if abs(value) >= 100 else f"{value:.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{_words(str(k))} {_text(v)}" for k, v in value.items())
    return str(value)
