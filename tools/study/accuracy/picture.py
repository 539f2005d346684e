"""A study as a picture: accuracy by method, and against the share of the patches."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trivit.models.files import atomic_write
from trivit.models.methods.patches.orders import PATCH_ORDERS
from trivit.models.methods.table import method_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_COLOURS = {
    "dense": "black",
    "token": "#225a8c",
    "attention": "#7a4fa3",
    "example": "#2f8f4e",
    "all": "#c2571a",
    "patches": "#8a8a8a",
}


def draw_study(path: Path, study: Mapping[str, Any]) -> None:
    """Write a PNG with a row for each data set: top-1 by method, and the patch sweep beside it.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    datasets = list(dict.fromkeys(row["dataset"] for row in study["rows"]))
    figure = Figure(figsize=(10, 4.2 * len(datasets)), layout="constrained")
    axes = figure.subplots(len(datasets), 2, squeeze=False, width_ratios=(3, 2))
    for (left, right), dataset in zip(axes, datasets, strict=True):
        rows = [row for row in study["rows"] if row["dataset"] == dataset]
        _draw_methods(left, rows)
        left.set_title(f"{dataset}: mean and standard deviation", fontsize=9)
        _draw_sweeps(right, [row for row in rows if row["sweep"]])
        right.set_title(f"{dataset}: top-1 by rho", fontsize=9)
    figure.suptitle(f"profile {study['profile']}, {study['finished_runs']} runs", fontsize=10)
    figure.set_dpi(85)
    with atomic_write(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))


def _draw_methods(axis: "Axes", rows: Sequence[Mapping[str, Any]]) -> None:
    for place, row in enumerate(rows):
        top1 = row["top1"]
        axis.errorbar(
            top1["mean"], -place, xerr=top1["std"], fmt="o", capsize=3, color=_COLOURS[row["level"]]
        )
    axis.set_yticks([-place for place in range(len(rows))])
    axis.set_yticklabels([f"{row['text']} (n = {row['top1']['n']})" for row in rows], fontsize=7)
    axis.set_xlabel("top-1, %")
    axis.grid(axis="x", alpha=0.3)


def _draws(method: str) -> bool:
    """Return whether a method samples patches in a random order."""
    order = method_rows()[method].settings.get("patch_schedule", {}).get("order")
    return order is not None and PATCH_ORDERS[order].draws


def _draw_sweeps(axis: "Axes", rows: Sequence[Mapping[str, Any]]) -> None:
    for row in rows:
        points = row["sweep"]
        axis.errorbar(
            [point["keep_ratio"] for point in points],
            [point["top1"]["mean"] for point in points],
            yerr=[point["top1"]["std"] or 0.0 for point in points],
            fmt="s--" if _draws(row["method"]) else "o-",
            markersize=4,
            capsize=2,
            label=row["text"],
        )
    if rows:
        axis.legend(fontsize=7)
    axis.set_xlabel("share of the patches, rho")
    axis.set_ylabel("top-1, %")
    axis.grid(alpha=0.3)
