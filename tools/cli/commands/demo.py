"""``trivit demo``."""

from pathlib import Path
from typing import Annotated

import typer

from trivit.tools.cli.interruption import started_again, when_interrupted


def demo(
    out: Annotated[
        Path, typer.Option(help="Run folder; an earlier demo there is replaced.")
    ] = Path("runs/demo"),
    config: Annotated[
        Path | None, typer.Option(help="Experiment to train (default: Fashion-MNIST, micro).")
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A miniature on synthetic images, under a minute.")
    ] = False,
) -> None:
    """Go from images to the accelerator: train, quantize, compile, run, compare, draw."""
    from trivit.tools.demo import full_settings, quick_settings, run_demo

    settings = quick_settings(out, config) if quick else full_settings(out, config)
    with when_interrupted(started_again(f"{out} holds the stages that ended")):
        run_demo(settings)
