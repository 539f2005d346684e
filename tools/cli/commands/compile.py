"""``trivit compile``."""

from pathlib import Path
from typing import Annotated

import typer


def compile_run(
    run: Annotated[Path, typer.Argument(help="Run folder of trivit quantize.")],
) -> None:
    """Compile a quantized run into program bundles for the accelerator."""
    from trivit.tools.compiler import compile_run as compile_quantized_run

    for path in compile_quantized_run(run):
        print(path)
