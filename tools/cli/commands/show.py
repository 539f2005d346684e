"""``trivit show``."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True, help="Draw runs and experiments as PNG pictures.")

Run = Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of trivit train.")]
Runs = Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run folders of trivit train.")]
Keep = Annotated[
    list[float] | None,
    typer.Option("--keep", metavar="RHO", help="Share of the patches; may be repeated."),
]
Out = Annotated[
    Path | None, typer.Option(help="PNG file (default: in the run folder, by the command's name).")
]
Data = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FOLDER",
        help="Take the images of this data set or store (default: the run's).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the data as JSON as well.")]


@app.callback()
def _group() -> None:
    """Draw runs and experiments as PNG pictures."""


@app.command("tokens")
def tokens(
    run: Run,
    images: Annotated[int, typer.Option(min=1, help="The first so many test images.")] = 6,
    keep: Keep = None,
    data: Data = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show which patches stay on test images: after each selector, or by share of the patches."""
    from trivit.tools.show.kept_tokens import draw_kept, kept_on_images

    kept = kept_on_images(run, images, keep or (), data)
    _deliver(draw_kept, out or run / "tokens.png", kept, as_json)


@app.command("frequency")
def frequency(
    run: Run,
    images: Annotated[
        int | None, typer.Option(min=1, help="The first so many test images (default: all).")
    ] = None,
    keep: Keep = None,
    data: Data = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show how often each place of the image is kept over the test set, as heat maps."""
    from trivit.tools.show.kept_tokens import draw_frequency, keep_frequency

    found = keep_frequency(run, images, keep or (), data)
    _deliver(draw_frequency, out or run / "frequency.png", found, as_json)


@app.command("examples")
def examples(
    run: Run,
    count: Annotated[int, typer.Option(min=1, help="So many of either kind.")] = 10,
    data: Data = None,
    out: Out = None,
    as_json: AsJson = False,
) -> None:
    """Show the most forgotten and never forgotten training examples."""
    from trivit.tools.show.forgetting import draw_forgetting, forgetting

    found = forgetting(run, count, data)
    _deliver(draw_forgetting, out or run / "examples.png", found, as_json)


@app.command("schedules")
def schedules(
    experiment: Annotated[
        Path, typer.Argument(metavar="EXPERIMENT", help="YAML file, or a run folder.")
    ],
    epochs: Annotated[int | None, typer.Option(min=1, help="Only the first so many.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="PNG file (default: in the run folder, or in runs/).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show keep ratios, examples in play and learning rate over the steps of a training."""
    from trivit.tools.show.schedules import draw_schedules
    from trivit.tools.show.schedules import schedules as compute

    data = compute(experiment, epochs)
    in_runs = Path("runs") / f"{experiment.stem}-schedules.png"
    default = experiment / "schedules.png" if experiment.is_dir() else in_runs
    _deliver(draw_schedules, out or default, data, as_json)


@app.command("sweep")
def sweep(runs: Runs, keep: Keep = None, out: Out = None, as_json: AsJson = False) -> None:
    """Show accuracy against the share of the patches and against measured throughput."""
    from trivit.tools.show.dynamic_inference import (
        DEFAULT_RATIOS,
        draw_dynamic_inference,
        dynamic_inference,
    )

    data = dynamic_inference(runs, keep or DEFAULT_RATIOS)
    _deliver(draw_dynamic_inference, out or runs[0] / "sweep.png", data, as_json)


@app.command("curves")
def curves(runs: Runs, out: Out = None, as_json: AsJson = False) -> None:
    """Show loss and accuracy of several runs against iteration and against time."""
    from trivit.tools.show.curves import curves as compute
    from trivit.tools.show.curves import draw_curves

    data = compute(runs)
    _deliver(draw_curves, out or runs[0] / "curves.png", data, as_json)


def _deliver(draw: Callable[[Path, Any], None], out: Path, data: Any, as_json: bool) -> None:
    draw(out, data)
    if not as_json:
        print(out)
        return
    if isinstance(data, dict):  # pixels are for the picture alone
        data = {name: value for name, value in data.items() if name != "pixels"}
    print(json.dumps(data, indent=2))
