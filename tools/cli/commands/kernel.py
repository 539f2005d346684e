"""``trivit kernel``: the files generated from hls/kernel.yaml."""

import typer

app = typer.Typer(
    help="Generate or check what is derived from hls/kernel.yaml.", no_args_is_help=True
)


@app.command()
def generate() -> None:
    """Write hls/generated and host/generated from hls/kernel.yaml."""
    from trivit.tools.kernel.generate import write

    for path in write():
        print(path)


@app.command()
def check() -> None:
    """Fail when a generated file does not match hls/kernel.yaml."""
    from trivit.tools.errors import ToolsError
    from trivit.tools.kernel.generate import stale

    if paths := stale():
        names = ", ".join(str(path) for path in paths)
        raise ToolsError(f"{names}: stale; run trivit kernel generate")
    print("generated files are up to date")
