"""Profiles as tables and as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trivit.models.files import atomic_write
from trivit.tools.bench.train.kernels import GROUPS

IDLE = "idle"

COLUMNS = ("ms of a step", *GROUPS, "busy", IDLE, "step", "host", "launches", "kernels")

_LONGEST_NAME = 80


def profile_table(profiles: Sequence[Mapping[str, Any]]) -> list[tuple[str, ...]]:
    """Return a line of text cells for each row, under ``COLUMNS``."""
    return [
        (
            str(row["text"]),
            *(f"{row['groups_ms'][group]:.2f}" for group in GROUPS),
            *(f"{row[f'{name}_ms']:.2f}" for name in ("busy", "idle", "step", "host")),
            *(f"{row[name]:,.0f}" for name in ("launches", "kernels")),
        )
        for row in profiles
    ]


def profile_notes(profiles: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what "other" consists of, a line for each row."""
    return [
        f"Other, {row['text']}: "
        + ", ".join(f"`{name[:_LONGEST_NAME]}` {ms:.3f}" for name, ms in row["others_ms"].items())
        + "."
        for row in profiles
        if row["others_ms"]
    ]


def profile_markdown(profiles: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the lines of a Markdown table, and the notes under it."""
    rule = ["---", *["---:"] * (len(COLUMNS) - 1)]
    lines = [f"| {' | '.join(cells)} |" for cells in (COLUMNS, rule, *profile_table(profiles))]
    return [*lines, "", *profile_notes(profiles)]


def draw_profile(path: Path, title: str, profiles: Sequence[Mapping[str, Any]]) -> None:
    """Write a PNG: a bar for each row, its parts beside each other.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    places = [-index for index in range(len(profiles))]
    figure = Figure(figsize=(9, 1.6 + 0.36 * len(profiles)), layout="constrained")
    axis = figure.subplots()
    colours = colormaps["tab10"]
    left = [0.0] * len(profiles)
    parts = {group: [row["groups_ms"][group] for row in profiles] for group in GROUPS}
    parts[IDLE] = [row["idle_ms"] for row in profiles]
    for index, (name, widths) in enumerate(parts.items()):
        colour = "0.9" if name == IDLE else colours(index)
        axis.barh(places, widths, left=left, height=0.7, color=colour, label=name)
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axis.set_yticks(places)
    axis.set_yticklabels([str(row["text"]) for row in profiles], fontsize=8)
    axis.set_xlabel("milliseconds of a step")
    axis.set_title(title, fontsize=9)
    figure.legend(loc="outside lower center", ncols=4, fontsize=8)
    with atomic_write(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))
