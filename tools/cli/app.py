"""The command line as one Typer application; each command's work is imported when it runs."""

from typing import Annotated

import typer

from trivit.tools.cli import commands


def build_app() -> typer.Typer:
    """Return the ``trivit`` application with all its subcommands."""
    app = typer.Typer(
        name="trivit",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    commands.register(app)
    return app


def _show_version(wanted: bool) -> None:
    if wanted:
        from trivit.tools.cli.commands.version import version

        version()
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Print versions and exit."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and warnings (anywhere on the line).")
    ] = False,
) -> None:
    """Train sparse vision transformers, quantize them to 16 bits, run them on HLS kernels.

    train -> evaluate -> quantize -> compile -> run; `trivit demo` does all of it on Fashion-MNIST.
    """
