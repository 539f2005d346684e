"""What a study of training on the device found: JSON, and tables in Markdown."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from trivit.models.files import atomic_write
from trivit.tools.study.on_device.picture import draw_study
from trivit.tools.study.on_device.plan import Row, Run
from trivit.tools.study.on_device.runs import read_result
from trivit.tools.study.spread import Spread

#: Steps over which a point of the curves is a mean.
CURVE_STEPS = 500
_KEPT = ("row", "number", "seed", "steps", "test_images", "test_top1", "steps_per_second")


def describe(runs: Sequence[Run]) -> dict[str, Any]:
    """Return everything that is known of a study, as JSON values.

    Args:
        runs: all that are planned; those without a result are counted.
    """
    results = [(run, result) for run in runs if (result := read_result(run)) is not None]
    found: dict[tuple[str, str, int], dict[str, Any]] = {
        (run.name, run.number, run.seed): result for run, result in results
    }
    rows = {run.name: run.row for run in runs}
    return {
        "study": "on-device",
        "planned_runs": len(runs),
        "finished_runs": len(results),
        "missing_runs": [
            f"{run.name}, {run.number}, seed {run.seed}"
            for run in runs
            if (run.name, run.number, run.seed) not in found
        ],
        "machines": _distinct(result["machine"] for _, result in results),
        "versions": _distinct(result["versions"] for _, result in results),
        "settings": results[0][1]["settings"] if results else {},
        "rows": [_row(name, row, found) for name, row in rows.items()],
        "runs": [
            {**{key: result[key] for key in _KEPT if key in result}, "curve": _curve(result)}
            for _, result in results
        ],
    }


def _distinct(values: Any) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if value not in found:
            found.append(value)
    return found


def _row(
    name: str, row: Row, found: Mapping[tuple[str, str, int], Mapping[str, Any]]
) -> dict[str, Any]:
    """Compare the device with float32, seed by seed."""
    beside = row.beside or name
    device = {s: r for (n, kind, s), r in found.items() if (n, kind) == (name, "device")}
    float32 = {s: r for (n, kind, s), r in found.items() if (n, kind) == (beside, "float32")}
    seeds = [
        {
            "seed": seed,
            "device": result["test_top1"],
            "float32": float32[seed]["test_top1"],
            "difference": round(result["test_top1"] - float32[seed]["test_top1"], 4),
            "largest_loss_difference": _largest_difference(result, float32[seed]),
        }
        for seed, result in sorted(device.items())
        if seed in float32
    ]
    means = {}
    if seeds:
        for key in ("device", "float32", "difference"):
            spread = Spread.of([seed[key] for seed in seeds])
            means[key] = {**asdict(spread), "interval95": spread.interval()}
    return {"row": name, "text": row.text, "beside": row.beside, "seeds": seeds, **means}


def _curve(result: Mapping[str, Any]) -> list[dict[str, float]]:
    """Return mean loss and accuracy of images before they are learned from, by steps."""
    lines = result["metrics"]
    if not lines:
        return []
    width = max(1, CURVE_STEPS // lines[0]["step"])
    parts = [lines[start : start + width] for start in range(0, len(lines), width)]
    return [
        {
            "step": part[-1]["step"],
            "loss": round(statistics.fmean(line["loss"] for line in part), 4),
            "top1": round(statistics.fmean(line["top1"] for line in part), 2),
        }
        for part in parts
    ]


def _largest_difference(device: Mapping[str, Any], float32: Mapping[str, Any]) -> float:
    """Return the largest difference of two curves' losses."""
    pairs = zip(_curve(device), _curve(float32), strict=False)
    return round(max((abs(a["loss"] - b["loss"]) for a, b in pairs), default=0.0), 4)


def write_report(folder: Path, study: Mapping[str, Any]) -> None:
    """Write ``study.json``, ``study.md`` and ``study.png`` into ``folder``.

    Raises:
        OSError: a file cannot be written.
    """
    with atomic_write(folder / "study.json") as temporary:
        temporary.write_text(json.dumps(study) + "\n", encoding="utf-8")
    with atomic_write(folder / "study.md") as temporary:
        temporary.write_text(markdown(study), encoding="utf-8")
    draw_study(folder / "study.png", study)


def markdown(study: Mapping[str, Any]) -> str:
    """Return the tables: means over the seeds, and each seed."""
    lines = [f"{study['finished_runs']} of {study['planned_runs']} runs."]
    if study["missing_runs"]:
        lines.append(f"Missing: {'; '.join(study['missing_runs'])}.")
    lines += [
        "",
        "| | device, top-1 % | float32, top-1 % | difference, points | 95 % interval | seeds |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in study["rows"]:
        if row["seeds"]:
            interval = row["difference"]["interval95"]
            cells = (
                row["text"],
                _spread(row["device"]),
                _spread(row["float32"]),
                _spread(row["difference"], sign="+"),
                "" if interval is None else f"± {interval:.2f}",
                str(len(row["seeds"])),
            )
            lines.append(f"| {' | '.join(cells)} |")
    lines += [
        "",
        "| | seed | device | float32 | difference | largest difference of the loss curves |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for row in study["rows"]:
        for seed in row["seeds"]:
            lines.append(
                f"| {row['text']} | {seed['seed']} | {seed['device']:.2f} | {seed['float32']:.2f} "
                f"| {seed['difference']:+.2f} | {seed['largest_loss_difference']:.3f} |"
            )
    return "\n".join(lines) + "\n"


def _spread(value: Mapping[str, Any], sign: str = "") -> str:
    mean = f"{value['mean']:{sign}.2f}"
    return mean if value["std"] is None else f"{mean} ± {value['std']:.2f}"
