"""Gantt picture of a simulated program: what each unit did when."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from trivit.models.files import atomic_write
from trivit.tools.profile.profile import Profile
from trivit.tools.profile.trace import Span, Trace

#: Rows of the picture, from above; the array's two rows come first.
_UNITS = (
    *("load", "row_reader", "normalise", "norm_writer", "softmax", "softmax_writer"),
    *("select", "connections", "gelu", "row_writer", "store"),
)
_WAIT = "#c23b22"
#: Intervals closer than this share of the picture are drawn as one.
_CLOSE = 1 / 4000


def draw_gantt(
    path: Path, trace: Trace, measured: Profile, title: str, begin: int, end: int
) -> None:
    """Write a PNG of the cycles ``begin`` to ``end``: a row for each unit, a colour for each op.

    The array's upper row is work, its lower one (red) what it lost. A unit's bar lasts from the
    cycle in which it takes its command to its report, waiting included.

    Raises:
        OSError: the file cannot be written.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.patches import Patch

    kinds = {
        i.index: f"{i.opcode} {i.tensor.rsplit('.', 1)[-1]}".strip() for i in measured.instructions
    }
    names = sorted({kinds[span.tag] for span in trace.products})
    colours = {name: pyplot.get_cmap("tab20")(i % 20) for i, name in enumerate(names)}
    rows = ["array", "array waits", *_UNITS]
    figure, axis = pyplot.subplots(figsize=(14, 5.5))

    waited: list[tuple[int, int]] = []
    worked: dict[str, list[tuple[int, int]]] = {name: [] for name in names}
    for product, lost, last in _array(trace.products):
        waited.append(lost)
        worked[kinds[product.tag]].append((lost[1], last))

    def bars(row: str, spans: Iterable[tuple[int, int]], colour: object) -> None:
        shown = _joined(
            [(max(a, begin), min(b, end)) for a, b in spans if b > begin and a < end],
            (end - begin) * _CLOSE,
        )
        place = len(rows) - 1 - rows.index(row)
        axis.broken_barh([(a, b - a) for a, b in shown], (place - 0.4, 0.8), color=colour)

    for name in names:
        bars("array", worked[name], colours[name])
        for unit in _UNITS:
            mine = [s for s in trace.commands if s.unit == unit and kinds.get(s.tag) == name]
            bars(unit, [(s.begin, s.end + 1) for s in mine], colours[name])
    others = [s for s in trace.commands if kinds.get(s.tag) not in colours]
    for unit in _UNITS:
        bars(unit, [(s.begin, s.end + 1) for s in others if s.unit == unit], "#999999")
    bars("array waits", waited, _WAIT)
    axis.set_yticks(range(len(rows)), list(reversed(rows)), fontsize=8)
    axis.set_xlim(begin, end)
    axis.set_xlabel("cycle (simulated)")
    axis.set_title(title, fontsize=10)
    axis.legend(
        handles=[Patch(color=colours[name], label=name) for name in names],
        fontsize=7,
        loc="center left",
        bbox_to_anchor=(1.0, 0.5),
    )
    axis.grid(axis="x", alpha=0.3)
    figure.tight_layout()
    with atomic_write(path) as temporary:
        figure.savefig(temporary, format="png", dpi=130)
    pyplot.close(figure)


def _array(products: Iterable[Span]) -> Iterator[tuple[Span, tuple[int, int], int]]:
    """Yield each product with the cycles that it lost, and its end.

    Every cycle of the array belongs to one product, so the products' cycles add up to their ends.
    Where in a product the array waits is not in the trace: it is drawn at the product's begin.
    """
    before = 0
    for product in products:
        cycles = sum(product.clocks.values())
        lost = cycles - product.clocks.get("work", 0)
        yield product, (before, before + lost), before + cycles
        before += cycles


def _joined(spans: list[tuple[int, int]], gap: float) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for begin, end in sorted(span for span in spans if span[1] > span[0]):
        if joined and begin - joined[-1][1] <= gap:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return joined
