"""Standard streams that a caller closed, that take no more, or that lack a character."""

import os
import sys
from typing import TextIO


def open_streams() -> None:
    """Open closed standard streams on the null device; print what an encoding lacks as an escape.

    Python has ``None`` in the place of a closed stream (``trivit ... >&-``), and the next file that
    the command opens would get its number: what a library prints would end up in that file.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: SIM115
            os.set_inheritable(stream.fileno(), True)
            setattr(sys, name, stream)
        if mode == "w" and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def print_error(line: str) -> None:
    """Print on stderr, or nowhere when nobody reads it."""
    try:
        print(line, file=sys.stderr, flush=True)
    except OSError:
        drop_unwritten()


def drop_unwritten() -> None:
    """Drop what stdout and stderr cannot take, or the interpreter fails once more when it exits."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            _send_nowhere(stream)


def _send_nowhere(stream: TextIO) -> None:
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)
