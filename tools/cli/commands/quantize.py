"""``trivit quantize``."""

from pathlib import Path
from typing import Annotated

import typer


def quantize(
    run: Annotated[Path, typer.Argument(help="Run folder of trivit train.")],
    overrides: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Change a setting, such as finetune_steps=100."
        ),
    ] = None,
) -> None:
    """Quantize a trained run to 16-bit fixed point; export QONNX, ONNX and all formats."""
    from trivit.models.quantization import QuantizeConfig
    from trivit.models.quantization import quantize as quantize_run
    from trivit.tools.cli.settings import settings_from
    from trivit.tools.report.tables import print_figures

    settings = settings_from(QuantizeConfig, list(overrides or []))
    print_figures(f"quantized {run}", quantize_run(run, settings))
