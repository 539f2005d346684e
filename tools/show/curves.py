"""Loss and accuracy of runs against iteration and against time."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from trivit.tools.errors import ToolsError
from trivit.tools.show.png import new_figure, run_label, save_png

_NEEDED = ("epoch", "step", "loss", "seconds")


def curve(folder: Path) -> dict[str, Any]:
    """Return a run's loss by epoch, and its test accuracy where it was measured.

    ``seconds`` is the training time up to the end of the epoch, without evaluation.

    Raises:
        ToolsError: no run folder, or a metrics file without what is needed.
    """
    path = folder / "metrics.jsonl"
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, NotADirectoryError):
        raise ToolsError(
            f"{folder} holds no metrics.jsonl: name a run folder of 'trivit train'"
        ) from None
    records: list[dict[str, Any]] = []
    for number, line in enumerate(lines, start=1):
        try:
            record = json.loads(line)
        except ValueError:
            if number == len(lines):  # being written, or cut off by a crash
                break
            raise ToolsError(f"{path} line {number} is no JSON: train again") from None
        missing = [name for name in _NEEDED if name not in record]
        if missing:
            raise ToolsError(f"{path} line {number} has no {missing[0]}: train again")
        records.append(record)
    if not records:
        raise ToolsError(f"{path} is empty: wait for the first epoch to end")
    seconds, total = [], 0.0
    for record in records:
        total += record["seconds"]
        seconds.append(total)
    tested = [i for i, record in enumerate(records) if record.get("float_top1") is not None]
    return {
        "run": str(folder),
        "epoch": [record["epoch"] for record in records],
        "step": [record["step"] for record in records],
        "seconds": seconds,
        "loss": [record["loss"] for record in records],
        "accuracy": {
            "step": [records[i]["step"] for i in tested],
            "seconds": [seconds[i] for i in tested],
            "float_top1": [records[i]["float_top1"] for i in tested],
        },
    }


def curves(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """Return the curve of each run.

    Raises:
        ToolsError: see ``curve``.
    """
    return [curve(folder) for folder in folders]


def draw_curves(path: Path, data: Sequence[Mapping[str, Any]]) -> None:
    """Write a PNG of four panels: loss and top-1 against step and against seconds.

    Raises:
        OSError: the file cannot be written.
    """
    figure = new_figure(9.5, 6.0)
    axes = figure.subplots(2, 2, sharex="col", sharey="row")
    for run in data:
        for column, against in enumerate(("step", "seconds")):
            axes[0, column].plot(run[against], run["loss"], label=run_label(run["run"]))
            accuracy = run["accuracy"]
            axes[1, column].plot(accuracy[against], accuracy["float_top1"], "o-", markersize=3)
    axes[0, 0].set_ylabel("training loss")
    axes[1, 0].set_ylabel("test top-1, %")
    axes[1, 0].set_xlabel("step")
    axes[1, 1].set_xlabel("seconds of training")
    axes[0, 0].legend(fontsize=7)
    for axis in axes.flat:
        axis.grid(alpha=0.3)
    save_png(figure, path)
