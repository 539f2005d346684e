"""The ``trivit`` command: one small module for each subcommand, imported when it runs."""

from trivit.tools.cli.main import main

__all__ = ["main"]
