"""Arguments that several subcommands share."""

import argparse
import os
from pathlib import Path

from trivit.host.backends import Backend, backend_names, open_backend

BOARD = "board"
#: Environment variable that names another backend than the board.
BACKEND_VARIABLE = "TRIVIT_BACKEND"
#: As trivit.host.board.design reads it, late, when a backend opens.
BITSTREAM_VARIABLE = "TRIVIT_BITSTREAM"


def default_backend() -> str:
    """Return the backend that TRIVIT_BACKEND names, or the board."""
    return os.environ.get(BACKEND_VARIABLE) or BOARD


def add_backend(parser: argparse.ArgumentParser) -> None:
    """Add --backend and --bitstream."""
    parser.add_argument(
        "--backend",
        default=default_backend(),
        choices=backend_names(),
        help=f"what runs programs (default: {BACKEND_VARIABLE}, or {BOARD})",
    )
    parser.add_argument(
        "--bitstream",
        type=Path,
        metavar="BIT",
        help="the .bit file, with .hwh and .json beside it (default: TRIVIT_BITSTREAM, trivit.bit, "
        "/home/xilinx/trivit/trivit.bit)",
    )


def opened(arguments: argparse.Namespace) -> Backend:
    """Return the backend that the arguments name.

    Raises:
        HostError: it cannot start on this machine.
    """
    if arguments.bitstream is not None:
        os.environ[BITSTREAM_VARIABLE] = str(arguments.bitstream)
    return open_backend(arguments.backend)
