"""``trivit evaluate``."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

Weights = Literal["auto", "ema", "model"]


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder of trivit train.")],
    keep: Annotated[
        list[float] | None,
        typer.Option(
            "--keep",
            "--rho",
            metavar="RHO",
            help="Also evaluate with this share of the patches; may be repeated.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            "--data",
            metavar="NAME|FOLDER",
            help="Take the test images of this data set or store (default: the run's).",
        ),
    ] = None,
    real: Annotated[
        Path | None,
        typer.Option("--real", metavar="JSON", help="ReaL labels of ImageNet's validation images."),
    ] = None,
    weights: Annotated[
        Weights,
        typer.Option(
            help="Moving average, model of the last step, or the average if there is one."
        ),
    ] = "auto",
    by_number: Annotated[
        bool,
        typer.Option(
            "--by-number", help="With --data: compare classes by number where names differ."
        ),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure the float model's top-1 accuracy on the test images."""
    from trivit.models.training import evaluate as evaluate_run
    from trivit.tools.report.tables import print_figures, print_table

    figures = evaluate_run(
        run, keep or (), weights=weights, data=data, real=real, by_number=by_number
    )
    if as_json:
        print(json.dumps(figures, indent=2))
        return
    sweep = figures.pop("by_keep_ratio", [])
    print_figures(f"evaluated {run}", figures)
    if sweep:
        print_table(
            f"{run} by patch keep ratio",
            ("keep ratio", "patches", "top-1", "images/s"),
            [
                (
                    f"{row['keep_ratio']:g}",
                    str(row["patches"]),
                    f"{row['float_top1']:.2f} %",
                    f"{row['images_per_second']:,.0f}",
                )
                for row in sweep
            ],
        )
