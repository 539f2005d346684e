"""``trivit study``."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivit.tools.cli.interruption import command, when_interrupted

if TYPE_CHECKING:
    from trivit.tools.study.accuracy.runs import Run
    from trivit.tools.study.on_device.plan import Run as DeviceRun

app = typer.Typer(no_args_is_help=True, help="Compare methods over data sets and seeds.")


@app.callback()
def _group() -> None:
    """Compare methods over data sets and seeds."""


@app.command("accuracy")
def accuracy(
    profile: Annotated[str, typer.Option(help="How much is trained: cpu or gpu.")] = "cpu",
    out: Annotated[
        Path | None, typer.Option(help="Folder (default: runs/study-accuracy- and the profile).")
    ] = None,
    datasets: Annotated[
        list[str] | None, typer.Option("--dataset", help="Only this one; may be repeated.")
    ] = None,
    methods: Annotated[
        list[str] | None, typer.Option("--method", help="Only this one; may be repeated.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Of every method (default: the profile's).")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of every run."),
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(min=0.0, help="Be done after so long; with gpu, choose a length that fits."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at once, each in its own process.")] = 1,
) -> None:
    """Train every sparsity method and its baselines, and say which orderings hold.

    The same command goes on where an earlier one stopped; --minutes 0 only writes the report.
    """
    from trivit.models.progress import progress_bar
    from trivit.tools.errors import ToolsError
    from trivit.tools.study.accuracy.budget import Budget
    from trivit.tools.study.accuracy.jobs import carry_out_together
    from trivit.tools.study.accuracy.limited import Study
    from trivit.tools.study.accuracy.profiles import chosen_profile
    from trivit.tools.study.accuracy.report import describe, markdown, write_report
    from trivit.tools.study.accuracy.runs import carry_out, chosen_methods, finished

    folder = out or Path("runs") / f"study-accuracy-{profile}"
    budget = Budget.of(None if minutes is None else 60 * minutes)
    study = Study(
        chosen_profile(profile),
        chosen_methods(methods),
        folder,
        datasets=datasets,
        seeds=seeds,
        overrides=overrides or (),
    )
    with when_interrupted(partial(_start_again, folder)):
        runs = study.runs(minutes, budget, jobs)
    for line in study.lines():
        print(line, flush=True)
    tell = partial(_how_to_go_on, folder, runs)
    sweep = study.profile.sweep
    with when_interrupted(tell), progress_bar("runs", len(runs)) as advance:
        if jobs == 1:
            made = carry_out(runs, sweep, budget=budget)
        else:
            made = carry_out_together(runs, sweep, budget, jobs)
        for _ in made:
            advance(1)
    results = finished(runs)
    if not results:
        raise ToolsError(f"{folder} holds no finished run: allow more --minutes")
    described = describe(study.profile, results, len(runs), overrides or (), plan=study.plan)
    write_report(folder, described)
    print(markdown(described))
    print(f"{folder}: study.json, study.md, study.png")


def _start_again(folder: Path, words: Sequence[str]) -> str:
    return f"nothing is planned yet in {folder}; start again with: {command(words)}"


def _how_to_go_on(folder: Path, runs: "Sequence[Run]", words: Sequence[str]) -> str:
    from trivit.tools.study.accuracy.runs import RESULT

    done = sum((run.folder / RESULT).is_file() for run in runs)
    return (
        f"{done} of {len(runs)} runs are saved in {folder}, the next one up to its last epoch; "
        f"go on with: {command(words)}"
    )


@app.command("on-device")
def on_device(
    study: Annotated[
        Path, typer.Argument(help="The list of runs, a YAML file as in configs/studies.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="Folder (default: runs/study- and the file's name).")
    ] = None,
    rows: Annotated[
        list[str] | None, typer.Option("--row", help="Only this one; may be repeated.")
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Of every row (default: as the file says).")
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the file."),
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.0, help="Start no run after so long.")
    ] = None,
) -> None:
    """Train from scratch in the accelerator's fixed point and in PyTorch float32, side by side.

    The same command goes on where an earlier one stopped; started several times at once, the
    processes share the runs. --minutes 0 only writes the report.
    """
    from trivit.models.progress import progress_bar
    from trivit.tools.errors import ToolsError
    from trivit.tools.study.on_device.plan import load_study
    from trivit.tools.study.on_device.report import describe, markdown, write_report
    from trivit.tools.study.on_device.runs import carry_out

    folder = out or Path("runs") / f"study-{study.stem}"
    planned = load_study(study, folder, overrides or ())
    runs = planned.runs(rows or (), seeds)
    limit = None if minutes is None else 60 * minutes
    tell = partial(_how_to_go_on_device, folder, runs)
    with when_interrupted(tell), progress_bar("runs", len(runs)) as advance:
        for _ in carry_out(runs, limit):
            advance(1)
    described = describe(runs)
    if not described["finished_runs"]:
        raise ToolsError(f"{folder} holds no finished run: allow more --minutes")
    write_report(folder, described)
    print(markdown(described))
    print(f"{folder}: study.json, study.md, study.png")


def _how_to_go_on_device(folder: Path, runs: "Sequence[DeviceRun]", words: Sequence[str]) -> str:
    from trivit.tools.study.on_device.runs import read_result

    done = sum(read_result(run) is not None for run in runs)
    return (
        f"{done} of {len(runs)} runs are finished in {folder}, the next one is saved up to its "
        f"last checkpoint; go on with: {command(words)}"
    )
