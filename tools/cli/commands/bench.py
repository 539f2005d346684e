"""``trivit bench``."""

import json
from pathlib import Path
from typing import Annotated

import typer

from trivit.tools.cli.interruption import started_again, when_interrupted

_NOTHING_KEPT = started_again("no measurement is kept")

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
    march: Annotated[
        str | None,
        typer.Option(
            help="Processor to compile the emulator for, as g++ names it: x86-64-v3 gives the "
            "AVX2 form [default: TRIVIT_EMULATOR_MARCH, or native]."
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the result to this JSON file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Time one image on the emulator beside PyTorch float32, both on one core."""
    from trivit.models.files import atomic_write
    from trivit.tools.bench.emulator import bench_emulator
    from trivit.tools.report.tables import print_figures

    with when_interrupted(_NOTHING_KEPT):
        result = bench_emulator(
            model, token_keep=keep, attention_keep=attention_keep, repeats=repeats, march=march
        )
    text = json.dumps(result, indent=2)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(out) as temporary:
            temporary.write_text(text + "\n", encoding="utf-8")
    if as_json:
        print(text)
        return
    print_figures(f"{model} on the emulator, {result['emulator']}, one image, one core", result)


@app.command("train")
def train(
    preset: Annotated[str, typer.Option(help="What is timed: cpu or h200.")] = "cpu",
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Turns of all methods (default: the preset's).")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--row", help="Time this row and the dense ones; may be repeated."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="EXPERIMENT", help="YAML file whose data are loaded for comparison."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for JSON, table and picture, train-PRESET.*.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Time a training step of every method as a ratio to the fastest dense one."""
    from trivit.tools.bench.train.bench import bench_train
    from trivit.tools.bench.train.presets import chosen_preset
    from trivit.tools.bench.train.report import COLUMNS, footer, header, table, write_report
    from trivit.tools.report.tables import print_table

    with when_interrupted(_NOTHING_KEPT):
        result = bench_train(chosen_preset(preset), rounds=rounds, only=only or (), experiment=data)
    if out is not None:
        write_report(out, f"train-{preset}", result)
    if as_json:
        print(json.dumps(result, indent=2))
        return
    print("\n".join(header(result)))
    print_table("training steps", COLUMNS, table(result))
    print("\n".join(footer(result)).replace("\\*", "*"))
