"""Picture of accuracy against latency, a point for each program of a bundle."""

from collections.abc import Sequence
from pathlib import Path

from trivit.models.files import atomic_write
from trivit.tools.errors import ToolsError
from trivit.tools.sweep import SweepPoint


def draw_sweep(path: Path, points: Sequence[SweepPoint], title: str) -> None:
    """Write a PNG of top-1 (percent) over latency (ms).

    Raises:
        ToolsError: points without accuracy or without cycles.
        OSError: the file cannot be written.
    """
    known = [
        (p.latency_ms, p.top1, p) for p in points if p.latency_ms is not None and p.top1 is not None
    ]
    if len(known) < len(points) or not known:
        reason = next((p.reason for p in points if p.reason), "the images have no labels")
        raise ToolsError(
            f"the picture needs labels and cycles ({reason}): name a data set with --images, and "
            "programs that can be scheduled"
        )
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(6.4, 4.2))
    axis.plot([x for x, _, _ in known], [y for _, y, _ in known], "o-", color="#225a8c")
    for x, y, point in known:
        label = f"{point.name}, keep {point.token_keep_ratio:g}"
        axis.annotate(label, (x, y), xytext=(4, 5), textcoords="offset points", fontsize=8)
    axis.set_xlabel(f"latency of one image, ms ({points[0].evidence})")
    axis.set_ylabel("top-1, %")
    axis.set_title(title, fontsize=10)
    axis.margins(0.15)
    axis.grid(alpha=0.3)
    figure.tight_layout()
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130)
    pyplot.close(figure)
