"""``trivit study``."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trivit.tools.cli.interruption import command, when_interrupted

if TYPE_CHECKING:
    from trivit.tools.study.accuracy.runs import Run

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
