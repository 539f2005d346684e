"""``trivit evaluate``."""

import json
from pathlib import Path
from typing import Annotated

import typer


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder of trivit train.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the float model's top-1 accuracy on the test images."""
    from trivit.models.training import evaluate as evaluate_run
    from trivit.tools.report.tables import print_figures

    figures = evaluate_run(run)
    if as_json:
        print(json.dumps(figures, indent=2))
    else:
        print_figures(f"evaluated {run}", figures)
