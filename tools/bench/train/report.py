"""The benchmark as JSON, as a Markdown table and as a picture."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trivit.models.files import atomic_write

_CLOCKS = {"wall": "wall clock", "processor": "processor time"}

COLUMNS = ("method", "time / dense", "quartiles", "MAC limit", "step, ms", "images/s", "MiB")


def write_report(folder: Path, name: str, result: Mapping[str, Any]) -> None:
    """Write ``NAME.json``, ``NAME.md`` and ``NAME.png`` into ``folder``.

    Raises:
        OSError: a file cannot be written.
    """
    with atomic_write(folder / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    with atomic_write(folder / f"{name}.md") as temporary:
        temporary.write_text(markdown(result), encoding="utf-8")
    draw_bench(folder / f"{name}.png", result)


def table(result: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return a line of text cells for each row, under ``COLUMNS``."""
    lines: list[tuple[str, ...]] = []
    for row in result["rows"]:
        mark = " *" if row["row"] == result["fastest_dense"] else ""
        ratio = row["ratio"]
        lines.append(
            (
                row["text"] + mark,
                f"{ratio['median']:.3f}",
                f"{ratio['low']:.3f} to {ratio['high']:.3f}",
                f"{row['mac_limit']:.3f}",
                f"{row['step_ms']['median']:.1f}",
                f"{row['images_per_second']:,.0f}",
                f"{row['memory']['mib']:,.0f}",
            )
        )
    return lines


def header(result: Mapping[str, Any]) -> list[str]:
    """Return what the times were measured on, a few lines."""
    machine = result["machine"]
    where = machine.get("gpu") or f"{machine['processor']}, {machine['cores']} cores"
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return [
        f"Preset `{result['preset']}`: {result['text']}.",
        f"{where}, {result['threads']} thread(s), load average {result['load_average_before']:g} "
        f"before it began, {result['when']}. Medians of {result['rounds']} interleaved rounds of "
        f"{result['steps_per_round']} step(s), {_CLOCKS[result['clock']]}.",
        f"Versions: {versions}.",
    ]


def footer(result: Mapping[str, Any]) -> list[str]:
    """Return the notes under the table."""
    lines = [
        "\\* fastest dense step, which all are divided by, round by round. MiB: "
        f"{result['rows'][0]['memory']['of']}."
    ]
    if kept := result["bookkeeping"]:
        lines.append(
            f"Bookkeeping of the example level: {100 * kept['share']:.1f} % of a step "
            f"(quartiles {100 * kept['share_low']:.1f} to {100 * kept['share_high']:.1f}), from "
            f"whole steps; its counters alone {kept['record_ms']:.3f} ms, "
            f"{100 * kept['record_share']:.2f} %; an update {kept['update_ms']:.2g} ms, "
            f"{100 * kept['update_share']:.4f} % of the {kept['steps_between_updates']:,} steps "
            "between two."
        )
    if loading := result["loading"]:
        fastest = max(result["rows"], key=lambda row: row["images_per_second"])
        lines.append(
            f"Loading for {loading['experiment']}: {loading['reading_images_per_second']:,.0f} "
            f"images/s read, {loading['batches_images_per_second']:,.0f} in augmented batches; the "
            f"fastest row, {fastest['text']}, takes {fastest['images_per_second']:,.0f}."
        )
    return lines


def markdown(result: Mapping[str, Any]) -> str:
    """Return the table with what it was measured on."""
    rule = ["---", *["---:"] * (len(COLUMNS) - 1)]
    lines = [f"| {' | '.join(cells)} |" for cells in (COLUMNS, rule, *table(result))]
    return "\n".join([*header(result), "", *lines, "", *footer(result)]) + "\n"


def draw_bench(path: Path, result: Mapping[str, Any]) -> None:
    """Write a PNG: measured ratios with their quartiles beside the limits from MACs.

    Raises:
        OSError: the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows: Sequence[Mapping[str, Any]] = result["rows"]
    places = [-index for index in range(len(rows))]
    medians = [row["ratio"]["median"] for row in rows]
    spreads = [
        [median - row["ratio"]["low"] for row, median in zip(rows, medians, strict=True)],
        [row["ratio"]["high"] - median for row, median in zip(rows, medians, strict=True)],
    ]
    figure = Figure(figsize=(8, 1.2 + 0.32 * len(rows)), layout="constrained")
    axis = figure.subplots()
    axis.barh(places, medians, xerr=spreads, height=0.6, color="#7fa8c9", label="measured")
    limits = [row["mac_limit"] for row in rows]
    axis.plot(limits, places, "k|", markersize=14, markeredgewidth=2, label="limit from MACs")
    axis.set_yticks(places)
    axis.set_yticklabels([row["text"] for row in rows], fontsize=8)
    axis.axvline(1.0, color="0.4", linewidth=0.8)
    axis.set_xlabel("time of an epoch, as a ratio to the fastest dense one")
    axis.set_title(result["text"], fontsize=9)
    figure.legend(loc="outside lower center", ncols=2, fontsize=8)
    with atomic_write(path) as temporary:
        FigureCanvasAgg(figure).print_png(str(temporary))
