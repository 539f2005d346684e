"""The Pareto front as a picture."""

from pathlib import Path

from trivit.models.files import atomic_write
from trivit.tools.explore.search import Exploration


def draw_front(path: Path, result: Exploration) -> None:
    """Draw latency against DSPs, BRAM as colour, to a PNG file; the chosen point is ringed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.scatter(
        [p.resources.dsp for p in result.fitting],
        [p.latency_ms for p in result.fitting],
        color="0.8",
        s=12,
        label="fits",
    )
    front = result.front
    marks = axes.scatter(
        [p.resources.dsp for p in front],
        [p.latency_ms for p in front],
        c=[p.resources.bram36 for p in front],
        s=36,
        label="Pareto front",
    )
    chosen = result.chosen
    axes.scatter(
        [chosen.resources.dsp],
        [chosen.latency_ms],
        s=140,
        facecolors="none",
        edgecolors="black",
        label="chosen",
    )
    figure.colorbar(marks, label="BRAM36")
    axes.set_xlabel("DSP48E2")
    axes.set_ylabel("latency of one image, ms (modelled)")
    axes.set_title(f"{result.model}, token keep {result.keep:g}")
    axes.legend()
    with atomic_write(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))
