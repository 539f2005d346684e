"""The roofline picture of an estimate: where each operation lies under array and memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from trivit.host.generated.spec import PARAM_PORTS, TIMING
from trivit.models.files import atomic_write
from trivit.tools.estimate.estimate import Estimate, InstructionEstimate
from trivit.tools.estimate.work import ARRAY_MACS, WORD_BYTES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BYTES_PER_CYCLE = PARAM_PORTS * WORD_BYTES
#: By what bounds an operation: the array, its weights, or anything else that the array waits for.
_COLOURS = {"array": "#22577a", "weights": "#7a6c5d"}
_OTHER = "#c8553d"


def draw_roofline(path: Path, estimate: Estimate, title: str) -> None:
    """Write a PNG: GMAC/s against MACs per DDR byte, a point for each operation with products.

    Its area is the operation's share of the cycles, its colour what bounds it. A point may lie left
    of the memory's roof: its parameters came while another operation ran.

    Raises:
        OSError: the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    per_second = TIMING["clock_mhz"] * 1e6 / 1e9  # GMAC/s of one MAC per cycle
    peak, bandwidth = ARRAY_MACS * per_second, BYTES_PER_CYCLE * per_second
    figure, axis = pyplot.subplots(figsize=(8, 5))
    ridge = ARRAY_MACS / BYTES_PER_CYCLE
    points = [i for i in estimate.instructions if i.macs]
    intensities = [i.macs / i.ddr_bytes for i in points]
    low, high = min(*intensities, ridge) / 2, max(*intensities, ridge) * 2
    axis.plot([low, ridge, high], [low * bandwidth, peak, peak], color="black", linewidth=1.2)
    axis.annotate(
        f"array: {peak:.0f} GMAC/s", (ridge, peak), (4, 5), textcoords="offset points", fontsize=8
    )
    axis.annotate(
        f"parameter ports: {bandwidth:.1f} GB/s",
        (low * 1.2, low * 1.2 * bandwidth),
        (8, -4),
        textcoords="offset points",
        fontsize=8,
    )
    for bound in sorted({i.bound for i in points}):
        chosen = [i for i in points if i.bound == bound]
        axis.scatter(
            [i.macs / i.ddr_bytes for i in chosen],
            [i.macs / i.cycles * per_second for i in chosen],
            s=[20 + 4000 * i.cycles / estimate.cycles for i in chosen],
            color=_COLOURS.get(bound, _OTHER),
            alpha=0.45,
            label=f"bound by {bound} ({len(chosen)})",
        )
    axis.scatter(
        [estimate.macs / estimate.ddr_bytes],
        [estimate.macs / estimate.cycles * per_second],
        marker="*",
        s=130,
        color="black",
        label="whole program",
    )
    _annotate(axis, points, per_second)
    axis.set_xscale("log")
    axis.set_yscale("log")
    axis.set_xlabel("MACs per byte of DDR traffic")
    axis.set_ylabel(f"GMAC/s at {TIMING['clock_mhz']} MHz, modelled")
    axis.set_title(f"{title}: {estimate.latency_ms:.2f} ms, modelled", fontsize=10)
    axis.grid(True, which="major", alpha=0.25)
    axis.legend(loc="lower right", fontsize=8, markerscale=0.6)
    figure.tight_layout()
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130)
    pyplot.close(figure)


def _annotate(axis: Axes, points: list[InstructionEstimate], per_second: float) -> None:
    """Name the first point of each kind (blocks repeat), at changing heights: points are close."""
    named: set[str] = set()
    for point in points:
        kind = point.tensor.rpartition(".")[2]
        if kind in named:
            continue
        axis.annotate(
            kind,
            (point.macs / point.ddr_bytes, point.macs / point.cycles * per_second),
            (0, -24 - 11 * (len(named) % 6)),
            textcoords="offset points",
            fontsize=7,
            ha="center",
            arrowprops={"arrowstyle": "-", "linewidth": 0.4, "alpha": 0.6},
        )
        named.add(kind)
