"""The runs of a study: which there are, in which order, and carrying them out one by one.

A run is an ordinary run folder; its ``result.json`` appears when it is done and evaluated. So a
study that was killed goes on with the run that it was in, from that run's last checkpoint.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trivit.models.experiment.config import ExperimentConfig
from trivit.models.experiment.config_files import parse_config
from trivit.models.files import atomic_write
from trivit.models.methods.comparison import MethodRow
from trivit.models.methods.table import method_rows
from trivit.models.nested_settings import overlay
from trivit.models.settings import to_mapping
from trivit.tools.errors import ToolsError
from trivit.tools.report.machine import describe_machine, library_versions
from trivit.tools.study.accuracy.budget import Budget, OutOfTimeError
from trivit.tools.study.accuracy.profiles import Profile

RESULT = "result.json"


@dataclass(frozen=True)
class Run:
    """One training: a method on a data set from a seed."""

    dataset: str
    method: MethodRow
    seed: int
    config: ExperimentConfig
    folder: Path


def chosen_methods(names: Sequence[str] | None) -> list[MethodRow]:
    """Return the methods called ``names``, or all of them, in the order of ``method_rows``.

    Raises:
        ToolsError: an unknown name.
    """
    rows = method_rows()
    for name in names or ():
        if name not in rows:
            raise ToolsError(f"unknown method '{name}': choose from {', '.join(rows)}")
    return [row for row in rows.values() if not names or row.name in names]


def plan(
    profile: Profile,
    methods: Sequence[MethodRow],
    out: Path,
    *,
    datasets: Sequence[str] | None = None,
    seeds: int | None = None,
    overrides: Sequence[str] = (),
) -> list[Run]:
    """Return the runs, seed by seed, so that a study that ends early has compared all methods.

    Args:
        profile: how much is trained.
        methods: what is compared.
        out: folder of the study.
        datasets: some of the profile's data sets (default: all).
        seeds: of every method (default: the profile's).
        overrides: ``a.b=value`` settings for every run.

    Raises:
        ToolsError: a data set that the profile does not have.
        ModelsError: a setting that is refused.
    """
    for name in datasets or ():
        if name not in profile.datasets:
            raise ToolsError(
                f"profile {profile.name} has no data set '{name}': "
                f"choose from {', '.join(profile.datasets)}"
            )
    runs: list[Run] = []
    for seed in range(seeds or max(profile.seeds, profile.other_seeds)):
        for method in methods:
            if seed >= (seeds or (profile.seeds if method.important else profile.other_seeds)):
                continue
            for dataset in profile.datasets:
                if datasets and dataset not in datasets:
                    continue
                tree = overlay(profile.settings, profile.datasets[dataset], method.settings)
                tree = overlay(tree, {"seed": seed, "data": {"dataset": dataset}})
                config = parse_config(tree, list(overrides))
                if (config.seed, config.data.dataset) != (seed, dataset):
                    raise ToolsError(
                        "a study varies seed and data.dataset: use --seeds and --dataset, not --set"
                    )
                folder = out / "runs" / dataset / method.name / f"seed-{seed}"
                runs.append(Run(dataset, method, seed, config, folder))
    return runs


def read_result(run: Run) -> dict[str, Any] | None:
    """Return the result of a finished run, or ``None``.

    Raises:
        ToolsError: the folder holds a result of other settings, or an unreadable one.
    """
    path = run.folder / RESULT
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        settings = result["config"]
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise ToolsError(f"{path} is no result of a study: delete it") from None
    # Read again, so that settings which are newer than the result have their defaults.
    if parse_config(settings) != run.config:
        raise ToolsError(
            f"{run.folder} was trained with other settings: name another folder with --out"
        )
    return result


def carry_out(
    runs: Sequence[Run],
    sweep: Sequence[float],
    *,
    seconds: float | None = None,
    budget: Budget | None = None,
) -> Iterator[tuple[Run, dict[str, Any]]]:
    """Train and evaluate the runs that have no result yet, one by one; yield each with its result.

    Ends at the first run that would not be finished in time. One that is under way then stops
    behind its last epoch that is, and resumes there.

    Args:
        runs: from ``plan``.
        sweep: shares of the patches for the methods that are evaluated on some.
        seconds: from now on (``None``: no limit).
        budget: instead of ``seconds``.
    """
    budget = budget or Budget.of(seconds)
    for run in runs:
        result = read_result(run)
        if result is None:
            if not budget.allows(run):
                return
            try:
                result = train_and_save(run, sweep, budget)
            except OutOfTimeError:
                return
        budget.learn(run, seconds_of(result))
        yield run, result


def seconds_of(result: dict[str, Any]) -> float:
    """Return what a run took, with its evaluation."""
    return float(result["train"]["seconds"]) + float(result.get("evaluation_seconds", 0.0))


def train_and_save(run: Run, sweep: Sequence[float], budget: Budget) -> dict[str, Any]:
    """Train and evaluate a run, or what is left of it; write its result and return it.

    Raises:
        OutOfTimeError: the next epoch would end after the deadline; the run is saved up to there.
        ModelsError: as ``train`` and ``evaluate``.
    """
    from rich.console import Console

    from trivit.models.clock import Stopwatch
    from trivit.models.training import evaluate, train

    console = Console(quiet=True, force_terminal=False)
    watch = budget.watch(run.config.training.epochs)
    summary = train(run.config, run.folder, resume=True, console=console, after_epoch=watch)
    keep = sweep if run.method.sweep else ()
    with Stopwatch() as stopwatch:
        figures = evaluate(run.folder, keep)
    lines = (run.folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    result = {
        "dataset": run.dataset,
        "method": run.method.name,
        "seed": run.seed,
        "float_top1": summary["float_top1"],
        "sweep": figures.get("by_keep_ratio", []),
        "train": summary,
        "evaluation_seconds": stopwatch.seconds,
        "metrics": [json.loads(line) for line in lines],
        "machine": describe_machine(),
        "versions": library_versions(),
        "config": to_mapping(run.config),
    }
    with atomic_write(run.folder / RESULT) as temporary:
        temporary.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return result


def finished(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Return the results that are there."""
    return [result for result in map(read_result, runs) if result is not None]
