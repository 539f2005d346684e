"""``trivit bench``."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help="Measure speed on this machine.")


@app.callback()
def _group() -> None:
    """Measure speed on this machine."""


@app.command("emulator")
def emulator(
    model: Annotated[str, typer.Argument(help="Such as deit_tiny.")] = "deit_tiny",
    keep: Annotated[float, typer.Option(help="Share of the tokens a selector keeps.")] = 1.0,
    attention_keep: Annotated[
        float, typer.Option(help="Share of the connections that each token keeps.")
    ] = 1.0,
    repeats: Annotated[int, typer.Option(min=1, help="Turns; the medians are compared.")] = 7,
    out: Annotated[Path | None, typer.Option(help="Write the result to this JSON file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Time one image on the emulator beside PyTorch float32, both on one core."""
    from trivit.models.files import atomic_write
    from trivit.tools.bench.emulator import bench_emulator
    from trivit.tools.report.tables import print_figures

    result = bench_emulator(model, token_keep=keep, attention_keep=attention_keep, repeats=repeats)
    text = json.dumps(result, indent=2)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(out) as temporary:
            temporary.write_text(text + "\n")
    if as_json:
        print(text)
        return
    print_figures(f"{model} on the emulator, one image, one core", result)
