"""An adaptation as a picture: accuracy by what is updated, and what a step of each costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trivit.models.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_TESTS = {
    "shifted_top1": ("shifted test images", "o", "#c2571a"),
    "original_top1": ("original test images", "s", "#225a8c"),
}
_COSTS = {
    "parameters updated": lambda row: row["cost"]["trained"],
    "MACs": lambda row: row["cost"]["macs_forward"] + row["cost"]["macs_backward"],
    "DDR": lambda row: row["cost"]["footprint"],
    "moved": lambda row: row["cost"]["traffic"],
    "emulator time": lambda row: row["processor_ms_a_step"],
}
_COLOURS = ("#225a8c", "#2f8f4e", "#7a4fa3")


def draw(path: Path, study: Mapping[str, Any]) -> None:
    """Write a PNG: a panel for each shift, then the cost of a step of each set of updates.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shifts = list(dict.fromkeys(row["shift"] for row in study["rows"]))
    figure = Figure(figsize=(3.1 * len(shifts) + 4.2, 3.6), layout="constrained")
    widths = [3.0] * len(shifts) + [4.0]
    axes = figure.subplots(1, len(shifts) + 1, squeeze=False, width_ratios=widths)[0]
    for axis, shift in zip(axes, shifts, strict=False):
        _draw_shift(axis, [row for row in study["rows"] if row["shift"] == shift])
        axis.set_title(shift, fontsize=10)
    axes[0].set_ylabel("top-1, %")
    axes[0].legend(fontsize=7, loc="lower right")
    _draw_costs(axes[-1], [row for row in study["rows"] if row["shift"] == shifts[0]])
    settings = study["settings"]
    figure.suptitle(
        f"{study['model']}: {settings['images']} images, epochs: {settings['epochs']}", fontsize=10
    )
    figure.set_dpi(110)
    with atomic_write(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))


def _draw_shift(axis: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    places = list(range(len(rows) + 1))
    for test, (label, marker, colour) in _TESTS.items():
        found = [rows[0][f"before_{test}"], *(row[f"after_{test}"] for row in rows)]
        means, deviations = ([f[name] for f in found] for name in ("mean", "std"))
        axis.errorbar(places, means, deviations, fmt=marker, capsize=3, color=colour, label=label)
        axis.axhline(means[0], color=colour, linewidth=0.8, linestyle=":")
    axis.set_xticks(places, ["before", *(row["update"] for row in rows)], fontsize=8)
    axis.margins(x=0.15)
    axis.grid(axis="y", alpha=0.3)


def _draw_costs(axis: Axes, rows: Sequence[Mapping[str, Any]]) -> None:
    known = {n: f for n, f in _COSTS.items() if all(f(row) is not None for row in rows)}
    most = {name: max(figure(row) for row in rows) for name, figure in known.items()}
    height = 0.8 / len(rows)
    for number, (row, colour) in enumerate(zip(rows, _COLOURS, strict=False)):
        places = [place + number * height for place in range(len(known))]
        shares = [100 * figure(row) / most[name] for name, figure in known.items()]
        axis.barh(places, shares, height, color=colour, label=row["update"])
    middle = height * (len(rows) - 1) / 2
    axis.set_yticks([place + middle for place in range(len(known))], list(known), fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel("of the costliest, %")
    axis.set_title("a step", fontsize=10)
    axis.legend(fontsize=7)
    axis.grid(axis="x", alpha=0.3)
