"""Accuracy of runs against the share of the patches, and against throughput."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trivit.models.training import evaluate
from trivit.tools.show.png import new_figure, run_label, save_png

DEFAULT_RATIOS = (1.0, 0.8, 0.6, 0.4, 0.2)


def dynamic_inference(folders: Sequence[Path], ratios: Sequence[float]) -> list[dict[str, Any]]:
    """Return top-1 and measured images/s of each run at each share of the patches.

    Raises:
        ModelsError: no run, a ratio outside (0, 1], or no data set.
    """
    return [
        {"run": str(folder), "points": evaluate(folder, ratios)["by_keep_ratio"]}
        for folder in folders
    ]


def draw_dynamic_inference(path: Path, data: Sequence[Mapping[str, Any]]) -> None:
    """Write a PNG: top-1 against rho, and beside it against throughput.

    Raises:
        OSError: the file cannot be written.
    """
    figure = new_figure(9.5, 4.0)
    left, right = figure.subplots(1, 2, sharey=True)
    for run in data:
        points = run["points"]
        top1 = [point["float_top1"] for point in points]
        left.plot(
            [point["keep_ratio"] for point in points], top1, "o-", label=run_label(run["run"])
        )
        right.plot([point["images_per_second"] for point in points], top1, "o-")
        for point in points:
            where = (point["images_per_second"], point["float_top1"])
            text = f"{point['keep_ratio']:g}"
            right.annotate(text, where, xytext=(3, 4), textcoords="offset points", fontsize=7)
    left.set_xlabel("share of the patches, rho")
    left.set_ylabel("test top-1, %")
    right.set_xlabel("images/s, measured here")
    left.legend(fontsize=7)
    for axis in (left, right):
        axis.grid(alpha=0.3)
    save_png(figure, path)
