"""``trivit train``."""

from pathlib import Path
from typing import Annotated

import typer


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
    summary = train_model(load_config(config, list(overrides or [])), folder, resume=resume)
    if is_first_process():
        print_figures(f"trained {folder}", summary)
