"""``trivit explore``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from trivit.tools.explore.search import Exploration, Point


def explore(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Such as deit_tiny.")],
    keep: Annotated[float, typer.Option(help="Share of the tokens that a selector keeps.")] = 1.0,
    clock: Annotated[
        list[int] | None,
        typer.Option(help="Clock in MHz to try, an assumption until synthesis; may be repeated."),
    ] = None,
    sizes: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="NAME=VALUE",
            help="A size to try: activation_depth, stream_rows or commands; may be repeated.",
        ),
    ] = None,
    target_ms: Annotated[
        float | None, typer.Option(help="Choose the smallest kernel that is this fast.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder for kernel.yaml and front.png of the choice.")
    ] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write all points here.")] = None,
) -> None:
    """Search bank depth, queues and clock for a model within the ZU9EG; cycles are modelled."""
    from trivit.models.files import atomic_write
    from trivit.tools.explore.description_file import rewrite
    from trivit.tools.explore.plot import draw_front
    from trivit.tools.explore.search import explore as search
    from trivit.tools.kernel import ROOT, load_description

    source = ROOT / "hls" / "kernel.yaml"
    base = load_description(source)
    result = search(
        base, model, keep=keep, clocks=clock or (), settings=sizes or (), target_ms=target_ms
    )
    if json_file is not None:
        with atomic_write(json_file) as temporary:
            temporary.write_text(json.dumps(_figures(result), indent=2) + "\n", encoding="utf-8")
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        with atomic_write(out / "kernel.yaml") as temporary:
            text = rewrite(source.read_text(encoding="utf-8"), result.chosen.values)
            temporary.write_text(text, encoding="utf-8")
        draw_front(out / "front.png", result)
    _print(result)
    if out is not None:
        print(f"{out}/kernel.yaml: put it in the place of hls/kernel.yaml, then")
        print("`trivit kernel generate` and `make test`")


def _point(point: "Point") -> dict[str, Any]:
    from dataclasses import asdict

    return {
        **point.values,
        "cycles": point.cycles,
        "latency_ms": point.latency_ms,
        **asdict(point.resources),
        "probably_fits": point.probable,
    }


def _figures(result: "Exploration") -> dict[str, Any]:
    return {
        "model": result.model,
        "keep": result.keep,
        "tried": result.tried,
        "fitting": len(result.fitting),
        "chosen": _point(result.chosen),
        "chosen_latency_ms": {f"{ratio:g}": ms for ratio, ms in result.chosen_ms.items()},
        "front": [_point(point) for point in result.front],
    }


def _print(result: "Exploration") -> None:
    from trivit.tools.report.tables import print_table

    keys = list(result.chosen.values)
    print_table(
        f"{result.model}, token keep {result.keep:g}: Pareto front of {len(result.fitting)} "
        f"kernels that fit the ZU9EG, of {result.tried} (modelled)",
        ("ms", "DSP", "BRAM36", "LUT", *keys),
        [
            (
                f"{p.latency_ms:.3f}" + (" *" if p == result.chosen else "  "),
                f"{p.resources.dsp:,}",
                f"{p.resources.bram36:,.1f}",
                f"{p.resources.lut:,}" + ("  " if p.probable else " ?"),
                *(str(p.values[key]) for key in keys),
            )
            for p in result.front
        ],
    )
    ratios = ", ".join(f"{ratio:g}: {ms:.2f} ms" for ratio, ms in result.chosen_ms.items())
    print(f"* chosen; by token keep ratio {ratios}")
    if not all(point.probable for point in result.front):
        print("? more LUTs than the ZU9EG has by the model, but within its uncertainty")
