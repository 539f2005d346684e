"""``trivit-board check``."""

import argparse
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from trivit.host.bundle import Bundle
from trivit.host.check import Finding, State
from trivit.host.cli.backends import BOARD, add_backend, opened
from trivit.host.errors import HostError

NAME = "check"
HELP = (
    "Look at image, driver, FPGA manager, memory, clock, power rails, bitstream and lock, then run "
    "a self test against the oracle; each line says what to do. Exit status 0: nothing failed."
)

#: Where /proc, /sys and /etc are.
ROOT = Path("/")
#: What only a board has, in the order of the lines.
_ON_BOARD = (
    *("image", "driver", "fpga manager", "memory", "clock", "rails"),
    *("bitstream", "handoff", "manifest", "lock"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add backend, bundle and output."""
    add_backend(parser)
    parser.add_argument("--bundle", type=Path, help="a bundle whose buffers must fit into memory")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument(
        "--root",
        type=Path,
        default=ROOT,
        metavar="FOLDER",
        help="look for /proc, /sys and /etc under this folder",
    )


def run(arguments: argparse.Namespace) -> int:
    """Print a line for each finding as it comes; 2 when one failed, else 0."""
    bundle = None if arguments.bundle is None else Bundle.load(arguments.bundle)
    found = []
    for finding in look(arguments, bundle):
        found.append(finding)
        if not arguments.json:
            print(finding.line(), flush=True)
    failed = any(finding.state is State.failed for finding in found)
    if arguments.json:
        described = [finding.describe() for finding in found]
        report = {"backend": arguments.backend, "failed": failed, "findings": described}
        print(json.dumps(report, indent=2))
    return 2 if failed else 0


def look(arguments: argparse.Namespace, bundle: Bundle | None = None) -> Iterator[Finding]:
    """Yield the findings in the order in which one should mend them."""
    if arguments.backend == BOARD:
        yield from _board(arguments, bundle)
    else:
        for name in _ON_BOARD:
            text = f"the backend {arguments.backend} needs no board"
            yield Finding(name, State.skipped, text)
    yield _self_test(arguments)


def _board(arguments: argparse.Namespace, bundle: Bundle | None) -> Iterator[Finding]:
    from trivit.host.check import bitstream, system

    root = arguments.root
    yield system.image(root)
    yield system.driver(root)
    yield system.fpga_manager(root)
    yield system.memory(root, None if bundle is None else system.buffer_bytes(bundle))
    yield system.clock(root)
    yield system.rails(root)
    yield from bitstream.files(arguments.bitstream)
    yield bitstream.lock()


def _self_test(arguments: argparse.Namespace) -> Finding:
    from trivit.host.check.self_test import self_test

    try:
        with closing(opened(arguments)) as backend:
            return self_test(backend)
    except HostError as error:
        return Finding("self test", State.failed, str(error))
