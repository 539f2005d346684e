"""``trivit bench``."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trivit.tools.cli.interruption import command, started_again, when_interrupted

if TYPE_CHECKING:
    from trivit.tools.bench.train.report import Report

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
    preset: Annotated[
        str,
        typer.Option(help="What is timed: cpu, deit_small, deit_tiny, deit_base, vit_base_pss."),
    ] = "cpu",
    rounds: Annotated[
        int | None, typer.Option(min=1, help="Turns of all methods (default: the preset's).")
    ] = None,
    minutes: Annotated[
        float | None, typer.Option(min=0.0, help="Spend so long at most; important rows first.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option("--row", help="Time this row, and what it is compared with; may be repeated."),
    ] = None,
    profile: Annotated[
        bool,
        typer.Option("--profile", help="Show what the time of each row's step consists of."),
    ] = False,
    data: Annotated[
        Path | None,
        typer.Option(metavar="EXPERIMENT", help="YAML file whose data are loaded for comparison."),
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, help="That compile at once (default: what memory allows).")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder of compiled shapes "
            "[default: TORCHINDUCTOR_CACHE_DIR, or ~/.cache/trivit/compiled]."
        ),
    ] = None,
    compile_only: Annotated[
        bool, typer.Option("--compile-only", help="Fill the folder of compiled shapes.")
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder for JSON, table and picture, train-PRESET.*; or FILE.json for one file."
        ),
    ] = None,
    redraw: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Measure nothing: table and picture of this JSON file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Time a training step of every method as a ratio to the fastest dense one.

    The files grow with every round: what was measured stays when the command is cut off.
    """
    from trivit.tools.bench.train.bench import bench_train
    from trivit.tools.bench.train.presets import chosen_preset
    from trivit.tools.bench.train.report import Report, read_result

    if compile_only:
        from trivit.tools.bench.train.ahead import compile_ahead

        outcome = compile_ahead(
            chosen_preset(preset),
            only=only or (),
            minutes=minutes,
            processes=processes,
            cache=cache,
        )
        late = [f"{name}: {told}" for name, told in outcome.items() if isinstance(told, str)]
        print("\n".join([f"{len(outcome) - len(late)} of {len(outcome)} shapes compiled", *late]))
        return
    report: Report | None = None
    if redraw is not None:
        result = read_result(redraw)
        report = Report(out or redraw.parent, redraw.stem)
        report.save(result)
    else:
        chosen = chosen_preset(preset)
        if out is not None:
            report = Report(out, f"train-{preset}")
        with when_interrupted(partial(_measured_so_far, report)):
            result = bench_train(
                chosen,
                rounds=rounds,
                only=only or (),
                experiment=data,
                minutes=minutes,
                profiled=profile,
                processes=processes,
                cache=cache,
                save=report.save if report is not None else lambda result: None,
            )
    if report is not None:
        report.draw(result)
    _print_steps(result, as_json)


def _measured_so_far(report: "Report | None", words: Sequence[str]) -> str:
    if report is None or not report.path.is_file():
        return _NOTHING_KEPT(words)
    return f"{report.path} holds the rounds that ended; start again with: {command(words)}"


def _print_steps(result: Mapping[str, Any], as_json: bool) -> None:
    from trivit.tools.bench.train import profile_report
    from trivit.tools.bench.train.profile_report import profile_notes, profile_table
    from trivit.tools.bench.train.report import COLUMNS, footer, header, reached, table
    from trivit.tools.report.tables import print_table

    if as_json:
        print(json.dumps(result, indent=2))
        return
    print("\n".join(header(result)))
    print_table("training steps", COLUMNS, table(result))
    print("\n".join(footer(result)).replace("\\*", "*"))
    if goals := reached(result):
        print_table("targets", ("", "at most", "measured", ""), goals)
    if profiles := result["profiles"]:
        print_table("where the time goes", profile_report.COLUMNS, profile_table(profiles))
        print("\n".join(profile_notes(profiles)))


@app.command("gpu")
def gpu(
    out: Annotated[Path, typer.Option(help="Folder of the results: at most 8 files.")] = Path(
        "runs/gpu"
    ),
    minutes: Annotated[
        float,
        typer.Option(min=0.0, help="In all: 8 for tests and steps, the rest for the study."),
    ] = 8.0,
    plan: Annotated[
        str, typer.Option(help="What is done: gpu; cpu is a rehearsal without a GPU.")
    ] = "gpu",
) -> None:
    """Check and measure on a GPU: its tests, the steps of DeiT-S and DeiT-T, the accuracy study.

    Between the steps, a training from a store of made-up photographs shows whether loading keeps
    up; the store lies beside the folder and is removed. Needs a checkout and no installation
    (tools/bench/gpu.sh). What has ended, or begun, is in the folder at any moment.
    """
    from trivit.tools.bench.gpu.script import check_and_measure

    with when_interrupted(started_again(f"{out} holds what was measured")):
        lines = check_and_measure(plan, out, minutes)
    print("\n".join(lines))
