"""``trivit quantize``."""

from pathlib import Path
from typing import Annotated

import typer


def quantize(run: Annotated[Path, typer.Argument(help="Run folder of trivit train.")]) -> None:
    """Quantize a trained run to 16-bit fixed point and export QONNX, ONNX and all formats."""
    from trivit.models.quantization import quantize as quantize_run
    from trivit.tools.report.tables import print_figures

    print_figures(f"quantized {run}", quantize_run(run))
