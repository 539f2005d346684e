"""The curves of a study of training on the device: fixed point and float32 side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trivit.models.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_STYLES: dict[str, dict[str, Any]] = {
    "float32": {"color": "black", "linewidth": 1.0, "linestyle": "--"},
    "device": {"color": "#225a8c", "linewidth": 1.0},
}
_ABLATIONS = ("#c2571a", "#2f8f4e", "#7a4fa3", "#8a6d1a", "#b03060")


def draw_study(path: Path, study: Mapping[str, Any]) -> None:
    """Write a PNG: loss and accuracy of each row that has float32 runs, then the ablations' loss.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    runs = study["runs"]
    drawn = {run["row"] for run in runs}
    rows = [row for row in study["rows"] if row["beside"] is None and row["row"] in drawn]
    ablations = [row for row in study["rows"] if row["beside"] is not None and row["seeds"]]
    lines = len(rows) + bool(ablations)
    figure = Figure(figsize=(10, 3.2 * lines), layout="constrained")
    axes = figure.subplots(lines, 2, squeeze=False)
    for pair, row in zip(axes, rows, strict=False):
        own = [run for run in runs if run["row"] == row["row"]]
        for axis, key in zip(pair, ("loss", "top1"), strict=True):
            for number in ("float32", "device"):
                _draw(axis, [r for r in own if r["number"] == number], key, number)
            _label(axis, row["text"], key)
    if ablations:
        for axis, key in zip(axes[-1], ("loss", "top1"), strict=True):
            first = ablations[0]["beside"]
            for number in ("float32", "device"):
                chosen = [r for r in runs if (r["row"], r["number"]) == (first, number)]
                _draw(axis, chosen[:1], key, number, label=f"{first}, {number}")
            for row, colour in zip(ablations, _ABLATIONS, strict=False):
                chosen = [r for r in runs if r["row"] == row["row"]]
                _draw(axis, chosen[:1], key, "device", label=row["text"], color=colour)
            _label(axis, "ablations, one seed", key)
    figure.set_dpi(85)
    with atomic_write(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))


def _draw(
    axis: Axes,
    runs: Sequence[Mapping[str, Any]],
    key: str,
    number: str,
    label: str = "",
    **style: Any,
) -> None:
    for place, run in enumerate(runs):
        axis.plot(
            [point["step"] for point in run["curve"]],
            [point[key] for point in run["curve"]],
            label="" if place else label or f"{number}, {_seeds(len(runs))}",
            **{**_STYLES[number], **style},
        )


def _seeds(count: int) -> str:
    return f"{count} seed" + "s" * (count > 1)


def _label(axis: Axes, title: str, key: str) -> None:
    axis.set_title(title, fontsize=9)
    axis.set_xlabel("step", fontsize=8)
    name = {"loss": "loss", "top1": "top-1, %"}[key]
    axis.set_ylabel(f"{name}, before each update", fontsize=8)
    axis.grid(alpha=0.3)
    if axis.lines:
        axis.legend(fontsize=7)
