"""The benchmark: warm up, time, compare with the fastest dense step."""

import os
import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from trivit.models.clock import synchronise
from trivit.models.progress import progress_bar
from trivit.models.training.device import chosen_precision
from trivit.tools.bench.train.loading import measure_loading
from trivit.tools.bench.train.measure import (
    bookkeeping,
    memory_mib,
    mixed,
    spread,
    time_rounds,
)
from trivit.tools.bench.train.presets import Preset
from trivit.tools.bench.train.rows import Row, mac_limit, rows, shapes
from trivit.tools.bench.train.steps import Step, has_timm, make_batch, make_step
from trivit.tools.errors import ToolsError
from trivit.tools.report.machine import describe_machine, library_versions


def bench_train(
    preset: Preset,
    *,
    rounds: int | None = None,
    only: Sequence[str] = (),
    experiment: Path | None = None,
) -> dict[str, Any]:
    """Time a training step of every method of the table on made-up images.

    All tensor shapes run ``preset.warmup`` times before the clock starts, so that compilation and
    the choice of algorithms stay out. A ratio is the median over the rounds of method over fastest
    dense step of the same round.

    Args:
        preset: model, batch, device.
        rounds: instead of the preset's.
        only: rows to time, and the dense ones (default: all).
        experiment: YAML file whose data are read and augmented for comparison.

    Raises:
        ModelsError: the preset's device is not there, or the experiment's data are not.
        ToolsError: an unknown row, or too few images to time their loading.
    """
    busy = os.getloadavg()[0]
    batch = make_batch(preset)
    device = batch.images.device
    names = [shape.name for shape in shapes(compiled=preset.compile, with_timm=has_timm())]
    table = _chosen(rows(names), only)
    needed = {name for row in table for name in row.weights}
    used = [s for s in shapes(compiled=preset.compile, with_timm=has_timm()) if s.name in needed]
    turns = rounds or preset.rounds
    with _threads(preset.threads), progress_bar("steps", (turns + 1) * len(used)) as advance:
        steps: dict[str, Step] = {}
        for shape in used:
            steps[shape.name] = make_step(preset, shape, batch, len(used))
            for _ in range(preset.warmup):
                steps[shape.name].run()
            synchronise(device)
            advance(1)
        memory = {name: memory_mib(step, device) for name, step in steps.items()}
        times = time_rounds(
            steps,
            device,
            rounds=turns,
            steps_each=preset.steps,
            clock=preset.clock,
            advance=advance,
        )
        kept = bookkeeping(steps["example"], times, batch) if "example" in steps else None
        threads = torch.get_num_threads()
        loading = None
        if experiment is not None:
            loading = measure_loading(experiment, device.type, len(batch.labels))
    return {
        "benchmark": "train",
        "preset": preset.name,
        "text": preset.text,
        "batch_size": len(batch.labels),
        "precision": chosen_precision(next(iter(steps.values())).config.training, device),
        "compiled": preset.compile,
        "threads": threads,
        "clock": preset.clock,
        "rounds": turns,
        "steps_per_round": preset.steps,
        **_compared(table, steps, times, memory, len(batch.labels)),
        "bookkeeping": kept,
        "loading": loading,
        "shapes_ms": {name: _milliseconds(values) for name, values in times.items()},
        "load_average_before": round(busy, 2),
        "when": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": describe_machine(),
        "versions": library_versions(),
    }


def _chosen(table: Sequence[Row], only: Sequence[str]) -> list[Row]:
    names = [row.name for row in table]
    for name in only:
        if name not in names:
            raise ToolsError(f"unknown row '{name}': choose from {', '.join(names)}")
    return [row for row in table if row.dense or not only or row.name in only]


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _milliseconds(values: Sequence[float]) -> dict[str, float]:
    return {name: 1e3 * value for name, value in spread(values).items()}


def _compared(
    table: Sequence[Row],
    steps: Mapping[str, Step],
    times: Mapping[str, Sequence[float]],
    memory: Mapping[str, Mapping[str, Any]],
    batch_size: int,
) -> dict[str, Any]:
    """Return the rows of the table and the name of the dense row that they are compared with."""
    per_step = {row.name: mixed(times, row.weights) for row in table}
    dense = [row.name for row in table if row.dense]
    fastest = min(dense, key=lambda name: statistics.median(per_step[name]))
    vits = {name: step.config.model for name, step in steps.items()}
    found = {name: step.shape for name, step in steps.items()}
    lines: list[dict[str, Any]] = []
    for row in table:
        values = per_step[row.name]
        ratios = [
            row.examples * own / base for own, base in zip(values, per_step[fastest], strict=True)
        ]
        median = statistics.median(values)
        lines.append(
            {
                "row": row.name,
                "text": row.text,
                "weights": dict(row.weights),
                "ratio": spread(ratios),
                "mac_limit": mac_limit(row, vits, found),
                "step_ms": _milliseconds(values),
                "images_per_second": batch_size / median,
                "memory": max((memory[name] for name in row.weights), key=lambda m: m["mib"]),
            }
        )
    return {"fastest_dense": fastest, "rows": lines}
