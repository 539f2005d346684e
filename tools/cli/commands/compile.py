"""``trivit compile``."""

from pathlib import Path
from typing import Annotated

import typer


def compile_run(
    run: Annotated[Path, typer.Argument(help="Run folder of trivit quantize.")],
    keep: Annotated[
        str | None,
        typer.Option(
            metavar="R,R,...",
            help="Programs for these token keep ratios, the first one is the default; "
            "otherwise for all that were exported.",
        ),
    ] = None,
) -> None:
    """Compile a quantized run into one program bundle, a program for each keep ratio."""
    from trivit.tools.cli.settings import keep_ratios
    from trivit.tools.compiler import compile_run as compile_quantized_run
    from trivit.tools.report.tables import print_figures

    print_figures(f"compiled {run}", compile_quantized_run(run, keep_ratios(keep)))
