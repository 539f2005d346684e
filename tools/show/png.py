"""Figures that become PNG files whole or not at all."""

from pathlib import Path
from typing import TYPE_CHECKING

from trivit.models.files import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def new_figure(width: float, height: float) -> "Figure":
    """Return an empty figure, in inches, that lays its axes out by itself."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save_png(figure: "Figure", path: Path, dpi: int = 100) -> None:
    """Write ``figure`` to ``path``.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    figure.set_dpi(dpi)
    canvas = FigureCanvasAgg(figure)
    with atomic_write(path) as temporary:
        canvas.print_png(str(temporary))


def run_label(folder: str) -> str:
    """Return the last two parts of a run's path, which fit a legend."""
    return "/".join(Path(folder).parts[-2:])
