"""An adaptation's results as JSON, as a Markdown table and as a picture."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from trivit.models.files import atomic_write
from trivit.tools.adaptation.picture import draw
from trivit.tools.report.machine import describe_machine, library_versions

FILES = ("adapt.json", "adapt.md", "adapt.png")
COLUMNS = (
    *("shift", "updated", "shifted: before", "after", "original: before", "after"),
    *("parameters updated", "MACs a step", "DDR, kB", "moved a step, kB", "emulator, ms a step"),
)


def describe(
    identity: Mapping[str, Any],
    run: str,
    model: str,
    costs: Mapping[str, Any],
    results: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return everything that is known, as JSON values.

    Args:
        identity: settings of the study.
        run: folder of the model.
        model: its name.
        costs: of a step, by shift and set of updates.
        results: of the trainings.
    """
    rows = []
    for shift, update in dict.fromkeys((r["shift"], r["update"]) for r in results):
        some = [r for r in results if (r["shift"], r["update"]) == (shift, update)]
        row: dict[str, Any] = {"shift": shift, "update": update, "seeds": len(some)}
        for when in ("before", "after"):
            for test in ("shifted_top1", "original_top1"):
                row[f"{when}_{test}"] = _spread([r[when][test] for r in some])
        times = [t for r in some if (t := r["processor_ms_a_step"]) is not None]
        row["processor_ms_a_step"] = float(np.mean(times)) if times else None
        rows.append({**row, "cost": costs[shift][update]})
    return {
        "study": "adaptation",
        "run": run,
        "model": model,
        "settings": dict(identity),
        "machine": describe_machine(),
        "versions": library_versions(),
        "rows": rows,
        "trainings": list(results),
    }


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "mean": float(np.mean(values)),
        "std": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
    }


def table_rows(study: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the cells of a table under ``COLUMNS``."""
    for row in study["rows"]:
        cost, time = row["cost"], row["processor_ms_a_step"]
        yield (
            row["shift"],
            row["update"],
            *(
                _percent(row[f"{when}_{test}"], row["seeds"])
                for test in ("shifted_top1", "original_top1")
                for when in ("before", "after")
            ),
            f"{cost['trained']:,}",
            f"{(cost['macs_forward'] + cost['macs_backward']) / 1e6:.1f} M",
            f"{cost['footprint'] / 1000:,.0f}",
            f"{cost['traffic'] / 1000:,.0f}",
            "" if time is None else f"{time:.1f}",
        )


def _percent(spread: Mapping[str, float], seeds: int) -> str:
    text = f"{spread['mean']:.1f}"
    return f"{text} ± {spread['std']:.1f}" if seeds > 1 else text


def markdown(study: Mapping[str, Any]) -> str:
    """Return the table and what its figures are."""
    settings, machine = study["settings"], study["machine"]
    rates = ", ".join(f"{name} {rate:g}" for name, rate in settings["learning_rate"].items())
    seeds = max(row["seeds"] for row in study["rows"])
    cells = [COLUMNS, ["---", "---", *["---:"] * (len(COLUMNS) - 2)], *table_rows(study)]
    lines = [
        f"{study['model']}: {settings['images']} labelled images, {_times(settings['epochs'])}, "
        f"batch size 1, SGD with momentum {settings['momentum']:g}, learning rates {rates}. Top-1 "
        f"in percent on {settings['test_images']} test images, {_of_seeds(seeds)}.",
        "",
        *("| " + " | ".join(row) + " |" for row in cells),
        "",
        "Parameters, MACs and bytes are counted from the programs. DDR is what a step needs there: "
        "parameters, states, activations that backward reads. Moved is the least that crosses: "
        "weights once for each op that reads them, states in and out, those activations in and "
        f"out. Time is processor time of the {settings['backend']} on one core of "
        f"{machine['processor']}: it says nothing of the accelerator's.",
    ]
    return "\n".join(lines) + "\n"


def write_report(folder: Path, study: Mapping[str, Any]) -> None:
    """Write :data:`FILES` into ``folder``.

    Raises:
        OSError: a file cannot be written.
    """
    data, table, picture = (folder / name for name in FILES)
    with atomic_write(data) as temporary:
        temporary.write_text(json.dumps(study, indent=1) + "\n", encoding="utf-8")
    with atomic_write(table) as temporary:
        temporary.write_text(markdown(study), encoding="utf-8")
    draw(picture, study)


def _times(epochs: int) -> str:
    return "each once" if epochs == 1 else f"each {epochs} times"


def _of_seeds(seeds: int) -> str:
    return "one seed" if seeds == 1 else f"mean and standard deviation of {seeds} seeds"
