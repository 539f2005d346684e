"""The benchmark as JSON, as a Markdown table and as a picture."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trivit.models.files import atomic_write
from trivit.tools.bench.train.loading_report import loading_lines
from trivit.tools.bench.train.profile_report import draw_profile, profile_markdown
from trivit.tools.errors import ToolsError

_CLOCKS = {"wall": "wall clock", "processor": "processor time"}

COLUMNS = ("method", "time / dense", "quartiles", "MAC limit", "step, ms", "images/s", "MiB")

_REACHED = {True: "reached", False: "**not reached**", None: "not measured"}


class Report:
    """The files of a benchmark: JSON and table as they grow, the picture at the end."""

    def __init__(self, out: Path, name: str) -> None:
        """Write ``NAME.json``, ``.md`` and ``.png`` into the folder ``out``, or one JSON file.

        Args:
            out: a folder; or, if its name ends in ``.json``, the file for the JSON alone.
            name: of the files in the folder.
        """
        self._alone = out.suffix == ".json"
        self.path = out if self._alone else out / f"{name}.json"

    def save(self, result: Mapping[str, Any]) -> None:
        """Write what is known; an earlier state is replaced as a whole.

        Raises:
            OSError: a file cannot be written.
        """
        with atomic_write(self.path) as temporary:
            temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        if self._alone:
            return
        with atomic_write(self.path.with_suffix(".md")) as temporary:
            temporary.write_text(markdown(result), encoding="utf-8")

    def draw(self, result: Mapping[str, Any]) -> None:
        """Draw the picture, and ``NAME-profile.png`` where there are profiles.

        Raises:
            OSError: it cannot be written.
        """
        if self._alone:
            return
        draw_bench(self.path.with_suffix(".png"), result)
        if profiles := result["profiles"]:
            path = self.path.with_name(f"{self.path.stem}-profile.png")
            draw_profile(path, result["text"], profiles)


def read_result(path: Path) -> dict[str, Any]:
    """Return a result that ``Report.save`` wrote.

    Raises:
        ToolsError: it is none, or an earlier version wrote it.
    """
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        if result["benchmark"] != "train" or "complete" not in result:
            raise KeyError
    except (OSError, ValueError, KeyError, TypeError):
        raise ToolsError(f"{path} holds no result of this trivit bench train") from None
    return dict(result)


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


def reached(result: Mapping[str, Any]) -> list[tuple[str, str, str, str]]:
    """Return text cells for each target: what, at most, measured, whether it is reached."""
    lines = []
    for target in result["targets"]:
        of = {"dense": "the fastest dense", "bookkeeping": "a step: bookkeeping"}.get(target["of"])
        measured, digits = target["measured"], 4 if target["of"] == "bookkeeping" else 3
        lines.append(
            (
                f"{target['text']}, of {of or _text(result, target['to'])}",
                f"{target['at_most']:g}",
                "-" if measured is None else f"{measured:.{digits}f}",
                _REACHED[target["reached"]],
            )
        )
    return lines


def _text(result: Mapping[str, Any], name: str) -> str:
    """Return what the row called ``name`` is."""
    known = [*result["rows"], *result["missing"]]
    return next((row["text"] for row in known if row["row"] == name), name)


def header(result: Mapping[str, Any]) -> list[str]:
    """Return what the times were measured on, a few lines."""
    machine = result["machine"]
    where = machine.get("gpu") or f"{machine['processor']}, {machine['cores']} cores"
    versions = ", ".join(f"{name} {version}" for name, version in result["versions"].items())
    return [
        f"Preset `{result['preset']}`: {result['text']}."
        + ("" if result["complete"] else " **Cut off**: what was measured until then."),
        f"{where}, {result['threads']} thread(s), load average {result['load_average_before']:g} "
        f"before it began, {result['when']}. Medians of up to {result['rounds']} interleaved "
        f"rounds of {result['steps_per_round']} step(s), {_CLOCKS[result['clock']]}.",
        f"Versions: {versions}.",
    ]


def footer(result: Mapping[str, Any]) -> list[str]:
    """Return the notes under the table."""
    lines: list[str] = []
    if result["rows"]:
        lines.append(
            "\\* fastest dense step, which all are divided by, round by round. MiB: "
            f"{result['rows'][0]['memory']['of']}."
        )
    for row in result["rows"]:
        if own := row["own"]:
            ratio = own["ratio"]
            lines.append(
                f"{row['text']}, of {_text(result, own['row'])}: {ratio['median']:.3f} "
                f"({ratio['low']:.3f} to {ratio['high']:.3f})."
            )
    if (profiles := result["profiles"]) is not None:
        seen = {profile["row"] for profile in profiles}
        late = [row["text"] for row in result["rows"] if row["row"] not in seen]
        lines += [f"Not profiled: {text} (no time was left)." for text in late]
    lines += [f"Not measured: {row['text']} ({row['why']})." for row in result["missing"]]
    lines += [
        f"Not replayed as a CUDA graph: {name} ({why})."
        for name, why in result["not_recorded"].items()
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
    if (loading := result["loading"]) and result["rows"]:
        fastest = max(result["rows"], key=lambda row: row["images_per_second"])
        lines += [
            *loading_lines(loading),
            "",
            f"The fastest row, {fastest['text']}, takes "
            f"{fastest['images_per_second']:,.0f} images/s.",
        ]
    return lines


def markdown(result: Mapping[str, Any]) -> str:
    """Return the table with what it was measured on."""
    rule = ["---", *["---:"] * (len(COLUMNS) - 1)]
    lines = [f"| {' | '.join(cells)} |" for cells in (COLUMNS, rule, *table(result))]
    parts = [*header(result), "", *lines, "", *footer(result)]
    if goals := reached(result):
        heads = ("target", "at most", "measured", "")
        cells = [heads, ("---", "---:", "---:", "---"), *goals]
        parts += ["", *(f"| {' | '.join(line)} |" for line in cells)]
    if profiles := result["profiles"]:
        parts += ["", *profile_markdown(profiles)]
    return "\n".join(parts) + "\n"


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
