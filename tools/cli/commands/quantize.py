"""``trivit quantize``."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from trivit.tools.cli.interruption import started_again, when_interrupted


def quantize(
    run: Annotated[Path, typer.Argument(help="Run folder of trivit train.")],
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="R,R,...",
            help="Export these token keep ratios as well, such as 1.0,0.9,0.8; 1.0 is dense.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FOLDER",
            help="Calibrate and test on this data set or store (default: the run's).",
        ),
    ] = None,
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a setting, such as finetune_steps=100."
        ),
    ] = None,
) -> None:
    """Quantize a trained run to 16-bit fixed point; export QONNX, ONNX and all formats."""
    from trivit.models.quantization import FOLDER, QuantizeConfig
    from trivit.models.quantization import quantize as quantize_run
    from trivit.tools.cli.settings import keep_ratios, settings_from
    from trivit.tools.errors import ToolsError
    from trivit.tools.report.tables import print_figures

    settings = settings_from(QuantizeConfig, list(overrides or []))
    if keep is not None:
        if settings.keep_ratios:
            raise ToolsError(f"--keep {keep} and --set keep_ratios: give one of them")
        settings = replace(settings, keep_ratios=keep_ratios(keep))
    with when_interrupted(started_again(f"{run / FOLDER} is as it was")):
        figures = quantize_run(run, settings, data=data)
    print_figures(f"quantized {run}", figures)
