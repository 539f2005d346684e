"""``trivit train``."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from trivit.tools.cli.interruption import command, when_interrupted


def train(
    config: Annotated[Path, typer.Argument(help="Experiment, a YAML file as in configs/.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="Change a setting; may be repeated."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder (default: runs/ and the config's name).")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue an interrupted run.")] = False,
) -> None:
    """Train a vision transformer with the three sparsity levels into a run folder."""
    from trivit.models.training import load_config
    from trivit.models.training import train as train_model
    from trivit.models.training.distributed import is_first_process
    from trivit.tools.report.tables import print_figures

    folder = out or Path("runs") / config.stem
    experiment = load_config(config, list(overrides or []))
    with when_interrupted(partial(_how_to_go_on, folder, experiment.training.epochs)):
        summary = train_model(experiment, folder, resume=resume)
    if is_first_process():
        print_figures(f"trained {folder}", summary)


def _how_to_go_on(folder: Path, epochs: int, words: Sequence[str]) -> str:
    from trivit.models.runs.checkpoint import has_checkpoint, read_state

    if not has_checkpoint(folder / "checkpoint"):
        return f"nothing is saved in {folder} yet; start again with: {command(words)}"
    state = read_state(folder / "checkpoint")
    steps = f" and {state['step']} steps of the next" if state["step"] else ""
    resumed = words if "--resume" in words else [*words, "--resume"]
    return (
        f"{state['epoch']} of {epochs} epochs{steps} are saved in {folder}; "
        f"go on with: {command(resumed)}"
    )
